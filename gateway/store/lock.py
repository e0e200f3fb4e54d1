"""One gateway per data folder."""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from gateway.model.errors import ErrorKind, GatewayError

LOCK_FILE: Final = "gateway.lock"


class DataFolder:
    """Holds ``path`` for this process for as long as the context lasts, and makes it if need be.

    Raises GatewayError of kind CONFLICT when another gateway has it, CONFIG_INVALID when it cannot
    be written. The kernel lets go of it when the process ends, however it ends.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        file = self.path / LOCK_FILE
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)
        except BlockingIOError as error:
            holder = self._holder()
            self._close()
            raise GatewayError(
                ErrorKind.CONFLICT,
                f"another gateway{holder} uses the data folder {self.path}",
                "end it first, or give this one another data_dir in gateway.yaml",
            ) from error
        except OSError as error:
            self._close()
            raise GatewayError(
                ErrorKind.CONFIG_INVALID,
                f"the data folder {self.path} cannot be used: {error.strerror}",
                "make it writable for this user, or set data_dir in gateway.yaml",
            ) from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def _holder(self) -> str:
        if self._descriptor is None:
            return ""
        text = os.pread(self._descriptor, 32, 0).decode("ascii", "replace").strip()
        return f" (process {text})" if text.isdigit() else ""

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
