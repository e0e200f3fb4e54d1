"""One SQLite file, used in one thread of its own; many processes may have it open.

Migrations are counted by ``user_version``: each is applied once, in a transaction. A file that is
damaged is put aside, and a new one begun: cameras are not to wait for somebody to repair records.
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar

import structlog

from gateway.model.errors import ErrorKind, GatewayError

DAMAGED: Final = ".damaged"
"""What is added to the name of a file that was put aside; the last one is kept."""

_BUSY_MS: Final = 5000
_AGAIN_S: Final = 0.01
_WITHIN_S: Final = 15.0
_CACHE_KB: Final = 32
"""Rows are mostly added; SQLite's own 2 MB a file would fill over hours, and look like a leak. With
32 KB a row costs ten microseconds more than with 128 KB, and a page of the audit the same."""
# SQLite's primary result codes SQLITE_CORRUPT and SQLITE_NOTADB; extended ones add higher bits.
_DAMAGE: Final = frozenset({11, 26})
_JOURNALS: Final = ("", "-wal", "-shm")
_T = TypeVar("_T")

Migration = str
"""SQL statements that lead from one version to the next."""


class Database:
    """Runs functions on the connection, one after another, outside the event loop.

    ``path`` ``None`` keeps everything in memory. Raises GatewayError of kind INTERNAL for what
    SQLite refuses, and for a file that a newer gateway has written. ``instead`` is what a file that
    takes the place of a damaged one begins with.
    """

    def __init__(
        self, path: Path | None, migrations: Sequence[Migration], *, instead: Migration = ""
    ) -> None:
        self._path = path
        self._migrations = migrations
        self._instead = instead
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._connection: sqlite3.Connection | None = None

    async def do(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """Return what ``work`` returns, within one transaction; it fails wholly or not at all."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_WITHIN_S):
                return await loop.run_in_executor(self._thread, self._do, work)
        except TimeoutError as error:
            raise self._failed("it did not answer in time") from error
        except sqlite3.Error as error:
            raise self._failed(str(error)) from error
        except OSError as error:
            raise self._failed(error.strerror or "it cannot be opened") from error

    async def close(self) -> None:
        """Finish what runs and close the file."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, self._close)
        self._thread.shutdown(wait=False)

    def _do(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        try:
            return self._try(work)
        except sqlite3.DatabaseError as error:
            if self._path is None or not _damages(error):
                raise
            self._put_aside(self._path, str(error))
        return self._try(work)

    def _put_aside(self, path: Path, why: str) -> None:
        """Keep a damaged file under another name, and begin a new one; raises OSError."""
        self._close()
        aside = path.with_name(path.name + DAMAGED)
        for journal in _JOURNALS:
            # A journal of one file must never be applied to another.
            Path(f"{aside}{journal}").unlink(missing_ok=True)
        for journal in reversed(_JOURNALS):
            old = Path(f"{path}{journal}")
            if old.exists():
                old.rename(f"{aside}{journal}")
        structlog.get_logger("store").error(
            "a damaged file is put aside, and a new one begun",
            file=str(path),
            aside=aside.name,
            reason=why,
        )
        if self._instead:
            connection = self._open()
            with connection:
                connection.execute(self._instead)

    def _try(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        connection = self._connection or self._open()
        with connection:
            return work(connection)

    def _open(self) -> sqlite3.Connection:
        if self._path is not None:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Before SQLite opens it: its journals take over the mode of the file.
            self._path.touch(mode=0o600)
            self._path.chmod(0o600)
        connection = sqlite3.connect(self._path or ":memory:")
        try:
            connection.row_factory = sqlite3.Row
            connection.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
            _write_ahead(connection)
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute(f"PRAGMA cache_size = -{_CACHE_KB}")
            self._migrate(connection)
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        return connection

    def _migrate(self, connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > len(self._migrations):
            raise self._failed("a newer version of the gateway has written it")
        for statements in self._migrations[version:]:
            for statement in filter(str.strip, statements.split(";")):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(self._migrations)}")
        connection.commit()

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _failed(self, why: str) -> GatewayError:
        return GatewayError(
            ErrorKind.INTERNAL,
            f"the records {self._path or 'in memory'} cannot be used: {why}",
            "look at the disk's free space and the owner of the data folder",
        )


def _damages(error: sqlite3.DatabaseError) -> bool:
    """Tell whether the file itself is the trouble, and not the disk, a lock or a statement."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGE


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch to a write-ahead log; for a new file's first one SQLite itself waits for nobody."""
    until = time.monotonic() + _BUSY_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(_AGAIN_S)
        else:
            return
