"""Reads the connections of many cameras at one waking.

Each waking for a single frame finds the processor's caches cold: with ten cameras that costs more
than a frame's own work. Of many cameras what has come is read each 20 ms, as network cards do it
(interrupt coalescing); of a few at once.
"""

import asyncio
import os
import select
from collections.abc import Callable
from typing import Final

MANY: Final = 4
"""From so many connections on it pays to wait."""

TICK_S: Final = 0.02
"""Half of a frame's time; half of it is what a picture comes later."""

_PATIENCE: Final = 5
"""Wakings for nothing until the next arrival is awaited again."""


class Arrivals:
    """Whoever is added is told when its descriptor has something to read, or has ended.

    Made in the event loop that it serves; :meth:`close` it there. Many are read each ``tick_s``
    seconds.
    """

    def __init__(self, *, tick_s: float = TICK_S) -> None:
        self._tick_s = tick_s
        self._poll = select.epoll()
        self._ready: dict[int, Callable[[], None]] = {}
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._idle = 0
        self._loop.add_reader(self._poll.fileno(), self._first)

    @property
    def waits(self) -> bool:
        """Whether what comes now waits for what comes soon."""
        return self._timer is not None

    def add(self, descriptor: int, ready: Callable[[], None]) -> None:
        """Call ``ready`` when there is something to read; it must raise nothing and read once."""
        self._poll.register(descriptor, select.EPOLLIN)
        self._ready[descriptor] = ready

    def remove(self, descriptor: int) -> None:
        """Forget a descriptor, before it is closed."""
        if self._ready.pop(descriptor, None) is not None:
            self._poll.unregister(descriptor)

    def close(self) -> None:
        """Forget all."""
        if self._timer is not None:
            self._timer.cancel()
        self._loop.remove_reader(self._poll.fileno())
        self._ready.clear()
        self._poll.close()

    def _first(self) -> None:
        """Take what has come after a silence, or of few cameras."""
        self._read()
        if len(self._ready) >= MANY:
            self._loop.remove_reader(self._poll.fileno())
            self._idle = 0
            self._timer = self._loop.call_later(self._tick_s, self._tick)

    def _tick(self) -> None:
        self._idle = 0 if self._read() else self._idle + 1
        if self._idle < _PATIENCE and len(self._ready) >= MANY:
            self._timer = self._loop.call_later(self._tick_s, self._tick)
        else:
            self._timer = None
            self._loop.add_reader(self._poll.fileno(), self._first)

    def _read(self) -> bool:
        come = self._poll.poll(0)
        for descriptor, _ in come:
            # One that was read may have ended another.
            ready = self._ready.get(descriptor)
            if ready is not None:
                ready()
        return bool(come)


def read(descriptor: int, into: memoryview) -> int | None:
    """Read what there is; 0 at the end or after a failure, None when there is nothing yet."""
    try:
        return os.readv(descriptor, (into,))
    except (BlockingIOError, InterruptedError):
        return None
    except OSError:
        return 0
