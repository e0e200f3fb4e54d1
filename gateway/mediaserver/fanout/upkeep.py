"""Looking after viewers: handshakes that never end, silence, reports, those who have gone."""

import asyncio
import itertools
import time
from collections.abc import Callable, Iterable
from typing import Final

import structlog

from gateway.mediaserver.fanout.counters import Counters
from gateway.mediaserver.fanout.entrance import Entrance
from gateway.mediaserver.fanout.feedback import Reporter
from gateway.mediaserver.fanout.settings import EngineSettings
from gateway.mediaserver.fanout.viewer import Mode, Viewer
from gateway.mediaserver.transport.memory import Heap

TICK_SECONDS: Final = 0.1
CALM_SECONDS: Final = 0.25
"""A tick when nobody is on the way in; each costs what a frame of a camera costs."""

TURNS: Final = 4
"""Ticks in which each settled viewer is visited once; the others are visited at every tick."""

REPORT_SECONDS: Final = 2.0
CALM_REPORT_SECONDS: Final = 5.0
"""Between reports to a viewer without sound, who has nothing to keep together."""


class Upkeep:
    """One timer for all viewers.

    ``left`` is told of those who have gone, ``failed`` of those who cannot stay.
    """

    def __init__(
        self,
        settings: EngineSettings,
        counters: Counters,
        *,
        entrance: Entrance,
        reporter: Reporter,
        left: Callable[[Viewer], None],
        failed: Callable[[Viewer, str], None],
    ) -> None:
        self._settings = settings
        self._counters = counters
        self._entrance = entrance
        self._reporter = reporter
        self._left = left
        self._failed = failed
        self._heap = Heap()
        self._unsettled: dict[Viewer, None] = {}
        self._log = structlog.get_logger("mediaserver")

    def begin(self, viewer: Viewer) -> None:
        """Visit a newcomer often, until it plays."""
        self._unsettled[viewer] = None

    async def run(self, viewers: dict[str, Viewer]) -> None:
        """Look after ``viewers``, who come and go, without end."""
        for turn in itertools.cycle(range(TURNS)):
            await asyncio.sleep(TICK_SECONDS if self._unsettled else CALM_SECONDS)
            now = time.monotonic()
            self._heap.tidy(now)
            self._visit(list(self._unsettled), now)
            self._visit(list(viewers.values())[turn::TURNS], now)

    def _visit(self, viewers: Iterable[Viewer], now: float) -> None:
        for viewer in viewers:
            try:
                self._look_after(viewer, now)
            except Exception:  # noqa: BLE001  # the loop serves all viewers
                self._log.exception("a viewer could not be looked after")
                self._failed(viewer, "Failed by error")
            reported = viewer.mode is Mode.LIVE and now < viewer.report_at
            if reported or viewer.mode is Mode.ENDED:
                self._unsettled.pop(viewer, None)

    def _look_after(self, viewer: Viewer, now: float) -> None:
        if viewer.mode is Mode.ENDED:
            return
        if viewer.mode is Mode.CONNECTING:
            self._wait_for_keys(viewer, now)
            return
        if now - viewer.ice.checked > self._settings.consent_timeout:
            if viewer.said_goodbye:
                self._left(viewer)
                return
            self._counters.timeouts += 1
            self._failed(viewer, "Failed by ICE keep alive")
            return
        if viewer.handshake is not None and now > viewer.handshake_until:
            viewer.handshake = None
            self._heap.hole()
        self._watch_silence(viewer, now)
        if now >= viewer.report_at and viewer.mode is Mode.LIVE:
            calm = viewer.audio_group is None
            viewer.report_at = now + (CALM_REPORT_SECONDS if calm else REPORT_SECONDS)
            self._reporter.report(viewer, now)

    def _wait_for_keys(self, viewer: Viewer, now: float) -> None:
        if now - viewer.born > self._settings.handshake_timeout:
            self._counters.timeouts += 1
            started = viewer.address is not None
            self._failed(viewer, "Failed by DTLS error" if started else "Failed by ICE timeout")
        else:
            self._entrance.retransmit(viewer)

    def _watch_silence(self, viewer: Viewer, now: float) -> None:
        silent = now - viewer.heard > self._settings.silence_pause
        if viewer.mode is Mode.PAUSED:
            if not silent:
                viewer.stream.resume(viewer)
        elif silent:
            viewer.stream.pause(viewer)
            self._unsettled[viewer] = None  # it shall not wait long when it is back
