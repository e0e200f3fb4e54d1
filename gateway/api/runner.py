"""How the application is served: what aiohttp's defaults leave open is set here."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Final

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler

from gateway.kit.tasks import Tasks

LINGER_S: Final = 1.0
"""How long an unread body is swallowed after the answer, in seconds.

aiohttp's ten seconds outlive a client that left in the middle of its body.
"""

HEAD_S: Final = 15.0
"""How long a new connection may take until its first request is there, in seconds.

aiohttp waits for ever for a head that comes letter by letter; a thousand such connections cost an
attacker nothing and the gateway its file descriptors.
"""

KEEP_ALIVE_S: Final = 120.0
"""How long a connection may wait for its next request, in seconds; aiohttp's default is an hour."""

SHUTDOWN_S: Final = 5.0
"""How long running requests may take at shutdown, in seconds; event streams end at once."""


class _OursOnly(logging.Filter):
    """Keeps requests that are no HTTP out of the log: any scanner could fill it."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))


_OURS_ONLY: Final = _OursOnly()


class _Patience:
    """Hangs up on connections that have not asked anything in time."""

    def __init__(self, app: web.Application, head_s: float) -> None:
        self.runner: web.AppRunner | None = None
        self._head_s = head_s
        self._heard: set[object] = set()

        @web.middleware
        async def hear(request: web.Request, handler: Handler) -> web.StreamResponse:
            self._heard.add(request.protocol)
            return await handler(request)

        app.middlewares.insert(0, hear)
        app.cleanup_ctx.append(self._watch)

    async def _watch(self, _app: web.Application) -> AsyncIterator[None]:
        tasks = Tasks("http")
        tasks.spawn(self._look_again_and_again(), name="patience")
        yield
        await tasks.close()

    async def _look_again_and_again(self) -> None:
        loop = asyncio.get_running_loop()
        since: dict[web.RequestHandler, float] = {}
        while True:
            await asyncio.sleep(self._head_s / 3)
            server = None if self.runner is None else self.runner.server
            there = [] if server is None else server.connections
            self._heard.intersection_update(there)
            since = {one: since.get(one, loop.time()) for one in there if one not in self._heard}
            for one, begun in since.items():
                if loop.time() - begun >= self._head_s:
                    one.force_close()


def create_runner(app: web.Application, *, head_s: float = HEAD_S) -> web.AppRunner:
    """Return a runner for ``app``; the caller sets it up, gives it sites and cleans it up.

    ``head_s`` is the time in seconds that a new connection has for its first request.
    """
    logger = logging.getLogger("gateway.http")
    logger.addFilter(_OURS_ONLY)
    patience = _Patience(app, head_s)
    patience.runner = web.AppRunner(
        app,
        access_log=None,
        logger=logger,
        lingering_time=LINGER_S,
        shutdown_timeout=SHUTDOWN_S,
        keepalive_timeout=KEEP_ALIVE_S,
        # A cancelled handler could leave a play behind that has just begun.
        handler_cancellation=False,
    )
    return patience.runner
