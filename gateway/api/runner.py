"""How the application is served: what aiohttp's defaults leave open is set here."""

import logging
from typing import Final

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

LINGER_S: Final = 1.0
"""How long an unread body is swallowed after the answer, in seconds.

aiohttp's ten seconds outlive a client that left in the middle of its body.
"""

SHUTDOWN_S: Final = 5.0
"""How long running requests may take at shutdown, in seconds; event streams end at once."""


class _OursOnly(logging.Filter):
    """Keeps requests that are no HTTP out of the log: any scanner could fill it."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))


_OURS_ONLY: Final = _OursOnly()


def create_runner(app: web.Application) -> web.AppRunner:
    """Return a runner for ``app``; the caller sets it up, gives it sites and cleans it up."""
    logger = logging.getLogger("gateway.http")
    logger.addFilter(_OURS_ONLY)
    return web.AppRunner(
        app,
        access_log=None,
        logger=logger,
        lingering_time=LINGER_S,
        shutdown_timeout=SHUTDOWN_S,
        # A cancelled handler could leave a play behind that has just begun.
        handler_cancellation=False,
    )
