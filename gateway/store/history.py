"""``history.db``: which state each camera was in, since when, and why."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.model.history import HistoryQuery, Span
from gateway.model.status import CameraState
from gateway.store.database import Database
from gateway.store.write_behind import WriteBehind

FILE: Final = "history.db"
_MIGRATIONS: Final = (
    """
    CREATE TABLE spans (
        id INTEGER PRIMARY KEY AUTOINCREMENT, site TEXT NOT NULL, camera TEXT NOT NULL,
        state TEXT NOT NULL, reason TEXT NOT NULL, began REAL NOT NULL, ended REAL
    );
    CREATE UNIQUE INDEX spans_open ON spans (site, camera) WHERE ended IS NULL;
    CREATE INDEX spans_of_camera ON spans (site, camera, began);
    CREATE INDEX spans_ended ON spans (ended);
    CREATE TABLE pulse (id INTEGER PRIMARY KEY CHECK (id = 1), at REAL NOT NULL)
    """,
)


@dataclass(frozen=True, slots=True)
class _End:
    site: str
    camera: str
    at: float


@dataclass(frozen=True, slots=True)
class _Pulse:
    at: float


_Row = Span | _End | _Pulse


class HistoryRecords:
    """The rows of ``<data folder>/history.db``; ``folder`` ``None`` keeps them in memory.

    :meth:`begin`, :meth:`end` and :meth:`alive` return at once and never fail; the others raise
    GatewayError.
    """

    def __init__(self, folder: Path | None) -> None:
        self._database = Database(None if folder is None else folder / FILE, _MIGRATIONS)
        self._rows: WriteBehind[_Row] = WriteBehind(self._database, _write, what="states")

    @property
    def waiting(self) -> int:
        """How many rows are not on the disk yet."""
        return self._rows.waiting

    def begin(self, span: Span) -> None:
        """Write down a state that begins; what the camera was in before ends then."""
        self._rows.put(span)

    def end(self, site: str, camera: str, at: float) -> None:
        """Write down that a camera is looked after no more."""
        self._rows.put(_End(site, camera, at))

    def alive(self, at: float) -> None:
        """Write down that the gateway runs, so that a crash does not count as a good night."""
        self._rows.put(_Pulse(at))

    async def resume(self) -> int:
        """End what an earlier run has left open, at the last sign of its life; return how many."""
        return await self._database.do(_resume)

    async def spans(self, query: HistoryQuery) -> Sequence[Span]:
        """Return spans, newest first."""
        return await self._database.do(lambda connection: _spans(connection, query))

    async def forget_before(self, at: float) -> int:
        """Delete the spans that were over by ``at``; return how many."""
        return await self._database.do(
            lambda connection: (
                connection.execute("DELETE FROM spans WHERE ended < ?", (at,)).rowcount
            )
        )

    async def close(self) -> None:
        """Write what waits and close the file."""
        await self._rows.close()
        await self._database.close()


def _write(connection: sqlite3.Connection, row: _Row) -> None:
    if isinstance(row, _Pulse):
        connection.execute(
            "INSERT INTO pulse VALUES (1, ?) ON CONFLICT DO UPDATE SET at = excluded.at", (row.at,)
        )
        return
    at = row.at if isinstance(row, _End) else row.began
    connection.execute(
        "UPDATE spans SET ended = max(?, began) WHERE site = ? AND camera = ? AND ended IS NULL",
        (at, row.site, row.camera),
    )
    if isinstance(row, Span):
        connection.execute(
            "INSERT INTO spans (site, camera, state, reason, began, ended) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (row.site, row.camera, str(row.state), row.reason, row.began, row.ended),
        )


def _resume(connection: sqlite3.Connection) -> int:
    row = connection.execute("SELECT at FROM pulse").fetchone()
    last = row[0] if row is not None else 0.0
    return connection.execute(
        "UPDATE spans SET ended = max(?, began) WHERE ended IS NULL", (last,)
    ).rowcount


def _spans(connection: sqlite3.Connection, query: HistoryQuery) -> list[Span]:
    wanted = {
        "site = ?": query.site,
        "camera = ?": query.camera,
        "(ended IS NULL OR ended > ?)": query.start,
        "began < ?": query.end,
    }
    given = {words: value for words, value in wanted.items() if value is not None}
    where = f"WHERE {' AND '.join(given)}" if given else ""
    limit = -1 if query.limit is None else query.limit
    rows = connection.execute(
        "SELECT site, camera, state, reason, began, ended FROM spans "  # noqa: S608  # joined of fixed words; values are bound
        f"{where} ORDER BY began DESC, id DESC LIMIT ?",
        (*given.values(), limit),
    )
    return [
        Span(site, camera, CameraState(state), reason, began, ended)
        for site, camera, state, reason, began, ended in rows
    ]
