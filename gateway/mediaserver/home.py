"""The folder of one media server: who runs in it, and how it is reached."""

import fcntl
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from gateway.kit import wholefile
from gateway.model.errors import ErrorKind, GatewayError

RUN_FOLDER: Final = Path("run")
SERVER_FILE: Final = RUN_FOLDER / "server.json"
LOCK_FILE: Final = RUN_FOLDER / "lock"


@dataclass(frozen=True, slots=True)
class ServerFile:
    """What ``run/server.json`` says of a server that is ready.

    ``started`` is the process's start in clock ticks since boot (field 22 of ``/proc/PID/stat``,
    proc(5)), ``boot`` the kernel's boot id: the three together name one process for ever.
    """

    pid: int
    started: int
    boot: str
    control_address: str
    http_port: int
    ws_port: int
    media_port: int
    fingerprint: str


def own_start() -> int:
    """Return the start of this process in clock ticks since boot."""
    # The command's name (field 2) may hold spaces and brackets; what follows its last ")" may not.
    stat = Path("/proc/self/stat").read_text(encoding="utf-8", errors="replace")
    return int(stat.rpartition(")")[2].split()[19])


def boot_id() -> str:
    """Return the kernel's id of this boot."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


class Home:
    """A server's folder, held for as long as the server runs in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: int | None = None

    def __enter__(self) -> Self:
        run = self.path / RUN_FOLDER
        try:
            run.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = os.open(self.path / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._release()
            raise GatewayError(
                ErrorKind.CONFLICT,
                f"another media server runs in {self.path}",
                "end it first, or name another folder",
            ) from error
        except OSError as error:
            self._release()
            raise GatewayError(
                ErrorKind.CONFIG_INVALID,
                f"{run} cannot be used: {error.strerror}",
                "make the folder writable for this user",
            ) from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        (self.path / SERVER_FILE).unlink(missing_ok=True)
        self._release()

    def announce(self, server: ServerFile) -> None:
        """Write ``run/server.json`` in one step, readable by the owner only."""
        wholefile.replace(self.path / SERVER_FILE, json.dumps(asdict(server)).encode())

    def _release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
