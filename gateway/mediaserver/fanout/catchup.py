"""Sends newcomers the cached frames, faster than life and yet not all at once."""

import asyncio
from typing import Final

from gateway.mediaserver.fanout.viewer import Mode, Viewer

FIRST_PACKETS: Final = 64
"""Sent at once: the key frame of an ordinary camera, so that the picture is there."""

STEP_PACKETS: Final = 16
STEP_SECONDS: Final = 0.005
"""16 packets each 5 ms are about 30 Mbit/s: a GOP of 2 s at 2 Mbit/s takes 0.15 s."""


class CatchUp:
    """One timer for all viewers that catch up; it runs only while there are any."""

    def __init__(self) -> None:
        self._viewers: dict[Viewer, None] = {}
        self._timer: asyncio.TimerHandle | None = None

    def add(self, viewer: Viewer) -> None:
        """Send the first packets now and the others bit by bit."""
        viewer.stream.advance(viewer, FIRST_PACKETS)
        if viewer.mode is Mode.CATCHING_UP:
            self._viewers[viewer] = None
            self._schedule()

    def close(self) -> None:
        """Stop the timer."""
        self._viewers.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _schedule(self) -> None:
        if self._timer is None and self._viewers:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(STEP_SECONDS, self._step)

    def _step(self) -> None:
        self._timer = None
        for viewer in list(self._viewers):
            # The cache can wait; what waits in a queue would only be late.
            if viewer.link is None or not viewer.link.backlog:
                viewer.stream.advance(viewer, STEP_PACKETS)
            if viewer.mode is not Mode.CATCHING_UP:
                self._viewers.pop(viewer, None)
        self._schedule()
