"""Processes by more than their number: a pid is recycled, its start time and boot are not."""

import asyncio
import contextlib
import errno
import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE, signal.SIGCHLD)


@dataclass(frozen=True, slots=True)
class ProcessId:
    """One process for ever: ``started`` in clock ticks since ``boot``, the kernel's boot id."""

    pid: int
    started: int
    boot: str

    @classmethod
    def of(cls, pid: int, *, ended: bool = False) -> Self | None:
        """Return who runs under ``pid`` now; a zombie counts only if it may have ``ended``."""
        try:
            stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None
        # The command's name (field 2) may hold anything; what follows its last ")" may not.
        fields = stat.rpartition(")")[2].split()
        if fields[0] in ("Z", "X") and not ended:
            return None
        return cls(pid, int(fields[19]), boot_id())

    def alive(self) -> bool:
        """Tell whether this very process still runs."""
        return ProcessId.of(self.pid) == self


def boot_id() -> str:
    """Return the kernel's id of this boot."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def spawn(argv: list[str], environment: Mapping[str, str], log: Path) -> ProcessId:
    """Start a process in a session of its own whose output goes to the end of ``log``.

    Not through ``subprocess``: the process is meant to outlive its parent. Raises OSError.
    """
    pid = os.posix_spawn(
        argv[0],
        argv,
        environment,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
        setsigmask=[],
        setsigdef=_SIGNALS,
    )
    # Nobody else reaps it, so it is there, even if it has ended.
    process = ProcessId.of(pid, ended=True)
    if process is None:
        raise ProcessLookupError(errno.ESRCH, "the process is gone")
    return process


class Watch:
    """Calls back once, in the loop, when a process has ended, whoever its parent is."""

    def __init__(self, process: ProcessId, on_end: Callable[[str], None]) -> None:
        """Begin; raises ProcessLookupError when ``process`` is gone already."""
        self._on_end = on_end
        self._descriptor = os.pidfd_open(process.pid)
        if not process.alive():
            self._reap()
            os.close(self._descriptor)
            raise ProcessLookupError(process.pid)
        asyncio.get_running_loop().add_reader(self._descriptor, self._ended)
        self._open = True

    def close(self) -> None:
        """Stop to watch."""
        if self._open:
            self._open = False
            asyncio.get_running_loop().remove_reader(self._descriptor)
            os.close(self._descriptor)

    def send(self, number: signal.Signals) -> None:
        """Send a signal to this very process."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._descriptor, number)

    def _ended(self) -> None:
        how = self._reap()
        self.close()
        self._on_end(how)

    def _reap(self) -> str:
        """Take the exit status, which only a parent gets."""
        try:
            result = os.waitid(os.P_PIDFD, self._descriptor, os.WEXITED | os.WNOHANG)
        except ChildProcessError:
            return ""
        if result is None:
            return ""
        if result.si_code == os.CLD_EXITED:
            return f"ended with status {result.si_status}"
        return f"ended by signal {signal.Signals(result.si_status).name}"


async def end(process: ProcessId, *, grace_s: float) -> None:
    """End ``process``: SIGTERM, and SIGKILL after ``grace_s`` seconds; one that is gone is fine.

    Raises TimeoutError for one that even SIGKILL does not end in ``grace_s`` seconds.
    """
    gone = asyncio.Event()
    try:
        watch = Watch(process, lambda _how: gone.set())
    except ProcessLookupError:
        return
    try:
        watch.send(signal.SIGTERM)
        try:
            await asyncio.wait_for(gone.wait(), grace_s)
        except TimeoutError:
            watch.send(signal.SIGKILL)
            await asyncio.wait_for(gone.wait(), grace_s)
    finally:
        watch.close()
