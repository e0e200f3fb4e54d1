"""A log that never fills a disk: its file is cut to its newest part when it grows too long."""

import io
import os
import stat
from pathlib import Path
from typing import Final, TextIO, cast

_KEPT: Final = 4
"""One part in so many is kept when the file is cut."""


def bounded(stream: TextIO, max_bytes: int) -> TextIO:
    """Return ``stream`` as one that never grows beyond ``max_bytes``."""
    return cast("TextIO", _BoundedLog(stream, max_bytes))


class _BoundedLog(io.TextIOBase):
    """Standard error, cut in place when it is a regular file longer than ``max_bytes``.

    The process that started this one may be gone, so nobody else could rotate the file. It must
    have been opened for appending, because other writers (a crash report) keep their descriptor.
    """

    def __init__(self, stream: TextIO, max_bytes: int) -> None:
        self._stream = stream
        self._max_bytes = max_bytes

    def write(self, text: str) -> int:
        """Write ``text``."""
        self._stream.write(text)
        self._stream.flush()
        self._cut()
        return len(text)

    def flush(self) -> None:
        """Write out what waits."""
        self._stream.flush()

    def isatty(self) -> bool:
        """Tell whether a person watches."""
        return self._stream.isatty()

    def _cut(self) -> None:
        descriptor = self._stream.fileno()
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode) or state.st_size <= self._max_bytes:
            return
        with Path(f"/proc/self/fd/{descriptor}").open("rb") as file:
            file.seek(-(self._max_bytes // _KEPT), os.SEEK_END)
            newest = file.read()
        os.ftruncate(descriptor, 0)
        os.write(descriptor, newest[newest.find(b"\n") + 1 :])
