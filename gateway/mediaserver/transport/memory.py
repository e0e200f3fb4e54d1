"""Giving memory back to the system after a crowd has shaken hands."""

import ctypes
import sys
from typing import Any, Final

PAUSE_SECONDS: Final = 3.0


class Heap:
    """The C heap, in which a crowd that shakes hands at once leaves about 75 KB of holes each.

    glibc keeps holes for later; trimming takes a few milliseconds, so it is done seldom.
    """

    __slots__ = ("_holes", "_last", "_trim")

    def __init__(self) -> None:
        trim: Any = None
        if sys.platform == "linux":
            # Absent in other C libraries: then memory stays, which harms nobody.
            trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        self._trim = trim
        self._holes = 0
        self._last = float("-inf")

    def hole(self) -> None:
        """Say that a handshake's memory was freed."""
        self._holes += 1

    def tidy(self, now: float) -> None:
        """Give holes back if there are any and the last time was long ago."""
        if self._trim is not None and self._holes and now - self._last > PAUSE_SECONDS:
            self._holes = 0
            self._last = now
            self._trim(0)
