"""Who watched what; no play ever waits for a disk."""

import secrets
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from gateway.model.access import AuditQuery, PastView, View, Way
from gateway.store.database import Database
from gateway.store.write_behind import MAX_PENDING, WriteBehind

FILE: Final = "audit.db"
_SALT_BYTES: Final = 32
_MIGRATIONS: Final = (
    """
    CREATE TABLE views (
        id INTEGER PRIMARY KEY AUTOINCREMENT, play TEXT, site TEXT NOT NULL,
        camera TEXT NOT NULL, way TEXT NOT NULL, who TEXT NOT NULL, address TEXT NOT NULL,
        website TEXT NOT NULL, started REAL NOT NULL, until REAL, issued REAL, ended REAL,
        reason TEXT NOT NULL DEFAULT ''
    );
    CREATE UNIQUE INDEX views_open ON views (play) WHERE ended IS NULL;
    CREATE INDEX views_of_site ON views (site, id);
    CREATE INDEX views_ended ON views (ended);
    CREATE TABLE installation (name TEXT PRIMARY KEY, value BLOB NOT NULL)
    """,
)
_COLUMNS: Final = (
    "id, play, site, camera, way, who, address, website, started, until, issued, ended, reason"
)

_Row = View | tuple[str, float, str]
"""A play that began; or one that ended, when and why."""


class AuditRecords:
    """The rows of ``<data folder>/audit.db``; ``folder`` ``None`` keeps them in memory.

    :meth:`begin` and :meth:`end` return at once and never fail; the others raise GatewayError.
    """

    def __init__(self, folder: Path | None, *, max_pending: int = MAX_PENDING) -> None:
        self._database = Database(None if folder is None else folder / FILE, _MIGRATIONS)
        self._rows = WriteBehind(self._database, _write, what="viewings", max_pending=max_pending)

    @property
    def waiting(self) -> int:
        """How many rows are not on the disk yet."""
        return self._rows.waiting

    def begin(self, view: View) -> None:
        """Write down that a play began."""
        self._rows.put(view)

    def end(self, play: str, at: float, reason: str) -> None:
        """Write down that a play is over; its name, which is a key, is forgotten."""
        self._rows.put((play, at, reason))

    async def salt(self) -> bytes:
        """Return what addresses are hashed with, the same for the life of the installation."""
        return await self._database.do(_salt)

    async def page(self, query: AuditQuery) -> Sequence[PastView]:
        """Return rows, newest first."""
        return await self._database.do(lambda connection: _page(connection, query))

    async def running(self) -> Sequence[PastView]:
        """Return the rows without an end: at a start, what an earlier run left behind."""
        return await self._database.do(_running)

    async def forget_before(self, at: float) -> int:
        """Delete the rows of plays that were over by ``at``; return how many."""
        return await self._database.do(
            lambda connection: (
                connection.execute("DELETE FROM views WHERE ended < ?", (at,)).rowcount
            )
        )

    async def close(self) -> None:
        """Write what waits and close the file."""
        await self._rows.close()
        await self._database.close()


def _page(connection: sqlite3.Connection, query: AuditQuery) -> list[PastView]:
    wanted = {
        "site = ?": query.site,
        "camera = ?": query.camera,
        "instr(who, ?) > 0": query.who,
        "(ended IS NULL) = ?": 1 if query.running else None,
        "(ended IS NULL OR ended >= ?)": query.start,
        "started < ?": query.end,
        "id < ?": query.before,
    }
    given = {words: value for words, value in wanted.items() if value is not None}
    where = f"WHERE {' AND '.join(given)}" if given else ""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM views {where} ORDER BY id DESC LIMIT ?",  # noqa: S608  # joined of fixed words; values are bound
        (*given.values(), query.limit),
    )
    return [_row(row) for row in rows]


def _running(connection: sqlite3.Connection) -> list[PastView]:
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM views WHERE ended IS NULL ORDER BY id"  # noqa: S608  # fixed words
    )
    return [_row(row) for row in rows]


def _write(connection: sqlite3.Connection, row: _Row) -> None:
    if isinstance(row, tuple):
        play, at, reason = row
        connection.execute(
            "UPDATE views SET ended = max(?, started), reason = ?, play = NULL "
            "WHERE play = ? AND ended IS NULL",
            (at, reason, play),
        )
        return
    connection.execute(
        "INSERT OR IGNORE INTO views (play, site, camera, way, who, address, website, started, "
        "until, issued) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(row.play, row.site, row.camera, str(row.way), row.who, row.address, row.website),
            *(row.started, row.until, row.issued),
        ),
    )


def _row(row: tuple[Any, ...]) -> PastView:
    number, play, site, camera, way, who, address, website, started, until, issued, ended, why = row
    view = View(
        play=play or "",
        site=site,
        camera=camera,
        way=Way(way),
        who=who,
        address=address,
        website=website,
        started=started,
        until=until,
        issued=issued,
    )
    return PastView(id=number, view=view, ended=ended, reason=why)


def _salt(connection: sqlite3.Connection) -> bytes:
    connection.execute(
        "INSERT OR IGNORE INTO installation VALUES ('salt', ?)", (secrets.token_bytes(_SALT_BYTES),)
    )
    (salt,) = connection.execute("SELECT value FROM installation WHERE name = 'salt'").fetchone()
    return bytes(salt)
