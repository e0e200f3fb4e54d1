"""Rows that are written a little later, so that nothing ever waits for a disk."""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable
from typing import Final, Generic, TypeVar

import structlog

from gateway.kit.backoff import Backoff
from gateway.kit.tasks import Tasks
from gateway.model.errors import GatewayError
from gateway.store.database import Database

MAX_PENDING: Final = 20_000
"""Rows that wait for a disk that hangs; further ones are counted and lost."""

_Row = TypeVar("_Row")


class WriteBehind(Generic[_Row]):
    """Writes rows in order, in the database's own thread; ``what`` names them in the log."""

    def __init__(
        self,
        database: Database,
        write: Callable[[sqlite3.Connection, _Row], object],
        *,
        what: str,
        max_pending: int = MAX_PENDING,
    ) -> None:
        self._database = database
        self._row = write
        self._what = what
        self._pending: deque[_Row] = deque()
        self._max_pending = max_pending
        self._tasks = Tasks(what)
        self._writing = False
        self._lost = 0
        self._log = structlog.get_logger("store")

    @property
    def waiting(self) -> int:
        """How many rows are not on the disk yet."""
        return len(self._pending)

    def put(self, row: _Row) -> None:
        """Write a row soon; returns at once and never fails."""
        if len(self._pending) >= self._max_pending:
            self._lost += 1
            return
        self._pending.append(row)
        if not self._writing:
            self._writing = True
            self._tasks.spawn(self._write(), "write")

    async def close(self) -> None:
        """Write what waits; the database is left open."""
        await self._tasks.close()
        try:
            await self._flush()
        except GatewayError as error:
            self._log.error(f"the last {self._what} are not recorded", reason=str(error))

    async def _write(self) -> None:
        """Write until nothing waits; say once that it fails, and once that it works again."""
        backoff = Backoff(first=1, most=60)
        while self._pending:
            try:
                await self._flush()
            except GatewayError as error:
                if not backoff.failures:
                    self._log.error(f"{self._what} are not recorded for now", reason=str(error))
                await asyncio.sleep(backoff.next())
        self._writing = False
        if backoff.failures or self._lost:
            self._log.warning(f"{self._what} are recorded again", lost=self._lost)
            self._lost = 0

    async def _flush(self) -> None:
        """Write what waits in one transaction; rows leave the queue once they are on the disk."""
        rows = list(self._pending)

        def work(connection: sqlite3.Connection) -> None:
            for row in rows:
                self._row(connection, row)

        await self._database.do(work)
        for _ in rows:
            self._pending.popleft()
