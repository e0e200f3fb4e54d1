"""``python -m tests.faults.mortal SENTENCE SERVERS serve ...``: a gateway that dies when told.

``SENTENCE`` names a file whose length is a number. Once it is there, every change that the gateway
makes below the folder ``SERVERS``, and every process that it starts, is counted by the
interpreter's own audit events (PEP 578); the change of that number is not made, for the gateway is
gone: kill -9.
"""

import os
import runpy
import signal
import sys
from typing import Any, Final

_CHANGES: Final = frozenset(
    {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.posix_spawn", "shutil.rmtree"}
)


class Fate:
    """Counts changes from the moment when the sentence is there."""

    def __init__(self, sentence: str, servers: str) -> None:
        self._sentence = sentence
        self._servers = servers
        self._counted = 0
        self._told = 0

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Take one audit event."""
        if not self._changes(event, arguments):
            return
        try:
            told = os.stat(self._sentence)  # noqa: PTH116  # no audit event, unlike pathlib
        except OSError:
            return
        if told.st_mtime_ns != self._told:
            self._told, self._counted = told.st_mtime_ns, 0
        self._counted += 1
        if self._counted == told.st_size:
            os.kill(os.getpid(), signal.SIGKILL)

    def _changes(self, event: str, arguments: tuple[Any, ...]) -> bool:
        if event == "open":
            path, _, flags = arguments
            return bool(flags & (os.O_WRONLY | os.O_RDWR)) and self._below(path)
        if event not in _CHANGES:
            return False
        # Below a folder that is taken away, names are relative to a descriptor.
        relative = event in ("os.remove", "os.rmdir") and arguments[-1] != -1
        return event == "os.posix_spawn" or relative or self._below(arguments[0])

    def _below(self, path: object) -> bool:
        return not isinstance(path, int) and os.fsdecode(path).startswith(self._servers)  # type: ignore[arg-type]  # a path of an audit event


if __name__ == "__main__":
    sys.addaudithook(Fate(sys.argv[1], sys.argv[2]).hear)
    sys.argv = ["gateway", *sys.argv[3:]]
    runpy.run_module("gateway", run_name="__main__")
