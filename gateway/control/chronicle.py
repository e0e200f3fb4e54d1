"""Follows the board and writes down every camera's states, for the history."""

from collections.abc import Callable
from typing import Final, Protocol

import structlog

from gateway.control.board import Board, BoardEvent
from gateway.kit.clock import Clock
from gateway.kit.tasks import Tasks
from gateway.model.errors import GatewayError
from gateway.model.history import Span
from gateway.model.status import CameraState, CameraStatus

_PULSE_S: Final = 30.0
_SWEEP_S: Final = 3600.0
_DAY_S: Final = 86_400.0


class HistoryStore(Protocol):
    """Keeps the history; ``begin``, ``end`` and ``alive`` return at once and never fail."""

    def begin(self, span: Span) -> None:
        """Write down a state that begins; what the camera was in before ends then."""

    def end(self, site: str, camera: str, at: float) -> None:
        """Write down that a camera is looked after no more."""

    def alive(self, at: float) -> None:
        """Write down that the gateway runs."""

    async def resume(self) -> int:
        """End what an earlier run has left open; raises GatewayError."""

    async def forget_before(self, at: float) -> int:
        """Delete what was over by ``at``; raises GatewayError."""


class Chronicle:
    """Turns changes of the board into spans; ``days`` says how long they are kept."""

    def __init__(
        self, *, board: Board, store: HistoryStore, clock: Clock, days: Callable[[], int]
    ) -> None:
        self._board = board
        self._store = store
        self._clock = clock
        self._days = days
        self._known: dict[tuple[str, str], tuple[CameraState, str]] = {}
        self._tasks = Tasks("chronicle")
        self._log = structlog.get_logger("control")

    async def start(self) -> None:
        """Begin; what an earlier run left open ends at that run's last sign of life."""
        try:
            await self._store.resume()
        except GatewayError as error:
            self._log.error("the history cannot be read", reason=str(error))
        self._tasks.spawn(self._follow(), "states")
        self._tasks.spawn(self._pulse(), "pulse")
        self._tasks.spawn(self._forget(), "forget")

    async def close(self) -> None:
        """End every open span now, and stop to follow."""
        await self._tasks.close()
        at = self._now()
        for site, camera in self._known:
            self._store.end(site, camera, at)
        self._known.clear()

    async def _follow(self) -> None:
        with self._board.subscribe() as events:
            for site in self._board.sites():
                for camera in site.cameras:
                    self._note(site.id, camera)
            async for event in events:
                self._take(event)

    def _take(self, event: BoardEvent) -> None:
        if event.camera is not None:
            # The newest word: a camera that was removed meanwhile does not come back.
            site = self._board.site(event.site_id)
            camera = None if site is None else site.camera(event.camera.id)
            if camera is not None:
                self._note(event.site_id, camera)
            return
        there = {one.id for one in event.site.cameras} if event.site is not None else set()
        for key in [key for key in self._known if key[0] == event.site_id]:
            if key[1] not in there:
                del self._known[key]
                self._store.end(*key, self._now())

    def _note(self, site: str, camera: CameraStatus) -> None:
        key, news = (site, camera.id), (camera.state, camera.reason)
        if self._known.get(key) != news:
            self._known[key] = news
            self._store.begin(Span(site, camera.id, camera.state, camera.reason, self._now()))

    async def _pulse(self) -> None:
        while True:
            self._store.alive(self._now())
            await self._clock.sleep(_PULSE_S)

    async def _forget(self) -> None:
        while True:
            try:
                await self._store.forget_before(self._now() - self._days() * _DAY_S)
            except GatewayError as error:
                self._log.warning("old history cannot be deleted", reason=str(error))
            await self._clock.sleep(_SWEEP_S)

    def _now(self) -> float:
        return self._clock.now().timestamp()
