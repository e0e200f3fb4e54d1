"""One engine among several: what was last seen there, and since when it cannot be asked."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final, TypeVar

import structlog

from gateway.model.company import EngineSettings
from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.server import ServerObserved
from gateway.runtime.docker.runtime import DockerRuntime

_AGAIN_S: Final = 2.0
_FRESH_S: Final = 10.0

T = TypeVar("T")


class Post:
    """Keeps the last known servers of an engine that is away, and says so with them.

    An engine that has failed is asked by one at a time, and not more often than every two seconds:
    whoever comes meanwhile is told what is known, at once.
    """

    def __init__(self, settings: EngineSettings, runtime: DockerRuntime) -> None:
        self.settings = settings
        self.runtime = runtime
        self.identity = ""
        self.known: tuple[ServerObserved, ...] | None = None
        self._gate = asyncio.Lock()
        self._trouble: GatewayError | None = None
        self._since: datetime | None = None
        self._again = 0.0
        self._log = structlog.get_logger("runtime").bind(engine=str(settings))

    @property
    def name(self) -> str:
        """The engine's name; empty for the company's own."""
        return self.settings.name

    @property
    def away(self) -> GatewayError | None:
        """Why the engine cannot be asked, and since when; ``None`` when it could be last time."""
        error = self._trouble
        if error is None or self._since is None:
            return None
        who = f"the engine {self.name}" if self.name else "the Docker Engine"
        since = self._since.astimezone().strftime("%Y-%m-%d %H:%M:%S")
        return GatewayError(
            ErrorKind.ENGINE_UNAVAILABLE,
            f"{who} cannot be reached since {since}: {error.message}",
            error.hint,
        )

    async def servers(self, site: str | None = None) -> Sequence[ServerObserved]:
        """Return the servers there, those last known if the engine is away.

        Raises ENGINE_UNAVAILABLE when none was ever seen.
        """
        if self._trouble is not None and (self._gate.locked() or self._resting()):
            return self._told(site)
        async with self._gate:
            if self._trouble is None or not self._resting():
                await self._look()
        return self._told(site)

    async def reach(self) -> None:
        """Raise ENGINE_UNAVAILABLE, soon, when the engine does not answer now."""
        if self._fresh():
            return
        trouble = self.away
        if trouble is not None and (self._gate.locked() or self._resting()):
            raise trouble
        async with self._gate:  # one asks, and whoever comes meanwhile hears what it heard
            if self._fresh():
                return
            trouble = self.away
            if trouble is not None and self._resting():
                raise trouble
            try:
                self.identity = await self.runtime.answer()
            except GatewayError as error:
                self._failed(error)
                raise (self.away or error) from error
            self._well()

    def holds(self, server_id: str) -> bool:
        """Tell whether a server may be there, by what was seen and by what is written down."""
        seen = any(server.id == server_id for server in self.known or ())
        return seen or self.runtime.holds(server_id)

    async def do(self, work: Callable[[DockerRuntime], Awaitable[T]]) -> T:
        """Return what ``work`` returns; raises what it raises, at once while the engine is away."""
        await self.reach()
        try:
            return await work(self.runtime)
        except GatewayError as error:
            if error.kind is not ErrorKind.ENGINE_UNAVAILABLE:
                raise
            self._failed(error)
            raise (self.away or error) from error

    def _fresh(self) -> bool:
        return self._trouble is None and bool(self.identity) and self.runtime.silent_s < _FRESH_S

    def _resting(self) -> bool:
        return time.monotonic() < self._again

    async def _look(self) -> None:
        try:
            if not self.identity or self._trouble is not None:
                self.identity = await self.runtime.answer()
            found = tuple(await self.runtime.observe())
        except GatewayError as error:
            self._failed(error)
        else:
            self.known = found
            self._well()

    def _failed(self, error: GatewayError) -> None:
        self._again = time.monotonic() + _AGAIN_S
        if self._trouble is None:
            self._since = datetime.now(UTC)
            self._log.warning("an engine cannot be reached", reason=str(error))
        self._trouble = error

    def _well(self) -> None:
        if self._trouble is not None:
            self._trouble = self._since = None
            self._log.info("an engine can be reached again")

    def _told(self, site: str | None) -> Sequence[ServerObserved]:
        away = self.away
        if self.known is None:
            raise away or GatewayError(
                ErrorKind.ENGINE_UNAVAILABLE, "the engine was not asked yet", "wait a moment"
            )
        servers = [one for one in self.known if site is None or one.site == site]
        if away is None:
            return servers
        words = str(away)
        return [
            replace(one, detail=f"{words}\n{one.detail}" if one.detail else words)
            for one in servers
        ]
