"""The record of who watched: what is written at the beginning and the end of every play."""

import hashlib
import hmac
import secrets
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

import structlog

from gateway.api.ports import AuditStore
from gateway.kit.clock import Clock
from gateway.kit.tasks import Tasks
from gateway.model.access import PastView, View
from gateway.model.company import Settings
from gateway.model.errors import GatewayError

_DAY_S: Final = 86_400.0
_SWEEP_S: Final = 3600.0
_SALT_BYTES: Final = 32
_HASH_CHARS: Final = 16
_MAX_WEBSITE: Final = 200


class Viewings:
    """Writes the audit, if there is a store for it, and forgets what is too old."""

    def __init__(
        self, store: AuditStore | None, settings: Callable[[], Settings], clock: Clock
    ) -> None:
        self.store = store
        self.salt = secrets.token_bytes(_SALT_BYTES)
        self._settings = settings
        self._clock = clock
        self._tasks = Tasks("viewings")
        self._log = structlog.get_logger("api")

    async def start(self) -> list[PastView]:
        """Begin; return the plays that an earlier run of the gateway has left running."""
        if self.store is None:
            return []
        self._tasks.spawn(self._forget(self.store), "forget")
        try:
            self.salt = await self.store.salt()
            return list(await self.store.running())
        except GatewayError as error:
            self._log.error("viewings are not recorded", reason=str(error))
            return []

    def begin(self, view: View) -> None:
        """Write down that a play began."""
        if self.store is not None:
            self.store.begin(view)

    def end(self, play: str, reason: str) -> None:
        """Write down that a play is over."""
        if self.store is not None:
            self.store.end(play, self._clock.now().timestamp(), reason)

    def hashed(self, address: str) -> str:
        """Return an address so that it can be recognised and not read."""
        return hmac.new(self.salt, address.encode(), hashlib.sha256).hexdigest()[:_HASH_CHARS]

    async def close(self) -> None:
        """Stop forgetting."""
        await self._tasks.close()

    async def _forget(self, store: AuditStore) -> None:
        while True:
            kept_s = self._settings().audit_days * _DAY_S
            try:
                gone = await store.forget_before(self._clock.now().timestamp() - kept_s)
            except GatewayError as error:
                self._log.warning("old viewings cannot be deleted", reason=str(error))
            else:
                if gone:
                    self._log.info("old viewings are deleted", viewings=gone)
            await self._clock.sleep(_SWEEP_S)


def website_of(origin: str | None) -> str:
    """Return the website that a play began on, by its Origin header; empty when it says none."""
    try:
        parts = urlsplit(origin or "")
    except ValueError:
        return ""
    if parts.scheme not in {"http", "https"} or not parts.netloc.isprintable():
        return ""
    return f"{parts.scheme}://{parts.netloc}"[:_MAX_WEBSITE]
