"""Waking up less often when much arrives: what comes within ten milliseconds is handled together.

A process that sleeps loses its caches, so the first frame after a wake-up costs twice what the
next one costs. Ten cameras wake their server 250 times a second, each for one frame; with a short
rest after each wake-up two or three frames share it. Network cards do the same to processors.
"""

import selectors
import time
from collections.abc import Callable
from typing import Final

REST_S: Final = 0.010
"""A quarter of a frame's time; what arrives waits half of it on average."""

OFTEN_S: Final = 0.014
"""Mean time between wake-ups below which resting makes wake-ups rarer; above it only delays."""

_MEMORY: Final = 16

_Ready = list[tuple[selectors.SelectorKey, int]]


class PacedSelector(selectors.EpollSelector):
    """A selector for asyncio that rests after a wake-up when they come often.

    ``in_hurry()`` tells whether something must not wait now: a newcomer's handshake, packets that
    wait for room in a send buffer.
    """

    def __init__(self) -> None:
        super().__init__()
        self.in_hurry: Callable[[], bool] = lambda: False
        self._woke = time.monotonic()
        self._between = 2 * OFTEN_S

    def select(self, timeout: float | None = None) -> _Ready:
        """Return what is ready; see :meth:`selectors.BaseSelector.select`."""
        if timeout is not None and timeout <= 0:
            return super().select(timeout)
        if self._between < OFTEN_S and not self.in_hurry():
            rest = self._woke + REST_S - time.monotonic()
            if timeout is not None:
                rest = min(rest, timeout)
            if rest > 0:
                time.sleep(rest)
                timeout = None if timeout is None else timeout - rest
        ready = super().select(timeout)
        now = time.monotonic()
        self._between += (min(now - self._woke, 1.0) - self._between) / _MEMORY
        self._woke = now
        return ready
