"""RTP timestamps that go on where they were, whatever the camera's do."""

import secrets
from typing import Final

_MASK: Final = 0xFFFFFFFF
_HALF: Final = 0x80000000
_JUMP_SECONDS: Final = 2.0


class Timeline:
    """Maps a camera's RTP timestamps to ours at ``rate`` Hz.

    A camera that starts again begins at any number; the gap that viewers see is then the time
    that really passed.
    """

    __slots__ = ("_arrival", "_broken", "_last", "_rate", "_shift")

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._last = secrets.randbits(32)
        self._shift = 0
        self._arrival: float | None = None
        self._broken = True

    def cut(self) -> None:
        """Say that what comes next has no relation to what came before."""
        self._broken = True

    def map(self, timestamp: int, arrival: float) -> int:
        """Return our timestamp of what the camera stamped ``timestamp`` (32 bit)."""
        passed = 0.0 if self._arrival is None else max(0.0, arrival - self._arrival)
        mapped = timestamp + self._shift & _MASK
        expected = self._last + round(passed * self._rate)
        off = (mapped - expected + _HALF & _MASK) - _HALF
        if self._broken or abs(off) > _JUMP_SECONDS * self._rate:
            self._broken = False
            mapped = max(expected, self._last + 1) & _MASK
            self._shift = mapped - timestamp & _MASK
        self._last = mapped
        self._arrival = arrival
        return mapped

    def at(self, now: float) -> int:
        """Return the timestamp of the moment ``now`` (monotonic seconds)."""
        passed = 0.0 if self._arrival is None else now - self._arrival
        return self._last + round(passed * self._rate) & _MASK
