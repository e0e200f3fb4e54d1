"""Looks at the board now and again, and has people told of real outages."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final, Protocol

import structlog

from gateway.control.board import Board
from gateway.control.outages import Outages, Told
from gateway.kit.clock import Clock
from gateway.kit.tasks import Tasks
from gateway.model.company import Fleet
from gateway.model.errors import GatewayError
from gateway.model.notify import Channel, Notice

_LOOK_S: Final = 5.0


class Messenger(Protocol):
    """Carries messages; returns at once, tries again by itself, never fails."""

    def send(self, notice: Notice, channels: tuple[Channel, ...], language: str) -> None:
        """Tell everybody."""


class ToldStore(Protocol):
    """Keeps over a restart which outages people know of. Blocks: call it in a thread."""

    def load(self) -> Told:
        """Return them; empty when nothing is kept."""

    def save(self, told: Told) -> None:
        """Keep them; raises GatewayError."""


class Announcer:
    """Owns the loop; ``notifications`` of the fleet's settings may change at any time."""

    def __init__(
        self,
        *,
        board: Board,
        fleet: Callable[[], Fleet],
        messenger: Messenger,
        store: ToldStore,
        clock: Clock,
    ) -> None:
        self._board = board
        self._fleet = fleet
        self._messenger = messenger
        self._store = store
        self._clock = clock
        self._outages = Outages()
        self._kept: Told = {}
        self._tasks = Tasks("announcer")
        self._log = structlog.get_logger("control")

    async def start(self) -> None:
        """Begin to look."""
        self._kept = await asyncio.to_thread(self._store.load)
        self._outages = Outages.of(self._kept)
        self._tasks.spawn(self._run(), "outages")

    async def close(self) -> None:
        """Stop to look."""
        await self._tasks.close()

    async def _run(self) -> None:
        while True:
            try:
                await self._look()
            except GatewayError as error:
                self._log.warning("told outages cannot be kept", reason=str(error))
            except Exception:  # noqa: BLE001  # the edge: one error must not end all messages
                self._log.exception("looking for outages has failed")
            await self._clock.sleep(_LOOK_S)

    async def _look(self) -> None:
        fleet = self._fleet()
        rules = fleet.settings.notifications
        notices = self._outages.look(
            self._board.sites(),
            now=self._clock.now().timestamp(),
            after_s=rules.after_s,
            calm_s=rules.calm_s,
        )
        for notice in notices:
            site = fleet.sites.get(notice.site)
            local = replace(notice, timezone=None if site is None else site.timezone)
            self._messenger.send(local, rules.channels, rules.language)
        told: Mapping[str, Mapping[str, float]] = self._outages.told()
        if told != self._kept:
            self._kept = told
            await asyncio.to_thread(self._store.save, told)
