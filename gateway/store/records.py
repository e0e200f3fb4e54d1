"""What is remembered of cameras: surveys' results, pictures, and acceptance records."""

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final, Self, TypeVar

import structlog

from gateway.model.checkup import Checkup
from gateway.model.survey import Acceptance, Remembered, Sighting, SurveyState, SurveyStatus
from gateway.store.database import Database
from gateway.store.shapes import plain, restored

FILE: Final = "records.db"
_MIGRATIONS: Final = (
    """
    CREATE TABLE cameras (
        site TEXT NOT NULL, camera TEXT NOT NULL, known TEXT NOT NULL, picture BLOB,
        PRIMARY KEY (site, camera)
    );
    CREATE TABLE surveys (id TEXT PRIMARY KEY, site TEXT NOT NULL, begun TEXT NOT NULL);
    CREATE TABLE pictures (
        survey TEXT NOT NULL REFERENCES surveys (id) ON DELETE CASCADE,
        n INTEGER NOT NULL, jpeg BLOB NOT NULL, PRIMARY KEY (survey, n)
    );
    CREATE TABLE acceptance (
        number INTEGER PRIMARY KEY AUTOINCREMENT, site TEXT NOT NULL, camera TEXT NOT NULL,
        happened TEXT NOT NULL, record TEXT NOT NULL, picture BLOB
    );
    CREATE INDEX acceptance_of_camera ON acceptance (site, camera, number)
    """,
    """
    ALTER TABLE surveys ADD COLUMN status TEXT;
    CREATE TABLE checkups (
        site TEXT NOT NULL, camera TEXT NOT NULL, happened TEXT NOT NULL, checkup TEXT NOT NULL,
        PRIMARY KEY (site, camera)
    );
    CREATE INDEX checkups_happened ON checkups (happened)
    """,
    """
    DELETE FROM cameras WHERE known = '';
    ALTER TABLE cameras DROP COLUMN picture
    """,
)
_STALE: Final = "-30 days"
"""For so long the last survey of a building is shown, if no other follows."""
_LONGEST: Final = "-1 hour"
"""A survey that was begun earlier and has no end was killed."""
_T = TypeVar("_T")


class RecordStore:
    """The records in ``<data folder>/records.db``; ``folder`` ``None`` keeps them in memory.

    Every method may raise GatewayError of kind INTERNAL. An async context manager.
    """

    def __init__(self, folder: Path | None) -> None:
        self._database = Database(None if folder is None else folder / FILE, _MIGRATIONS)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the file."""
        await self._database.close()

    async def remember(self, known: Remembered) -> None:
        """Keep what is known of one camera, in place of what was known before."""
        text = _text(known)

        def work(db: sqlite3.Connection) -> None:
            db.execute(
                "INSERT INTO cameras (site, camera, known) VALUES (?, ?, ?)"
                " ON CONFLICT (site, camera) DO UPDATE SET known = excluded.known",
                (known.site, known.camera, text),
            )

        await self._database.do(work)

    async def remembered(self, site: str | None = None) -> Sequence[Remembered]:
        """Return what is known of the cameras of one site, or of all."""

        def work(db: sqlite3.Connection) -> list[str]:
            rows = db.execute(
                "SELECT known FROM cameras WHERE ? IS NULL OR site = ? ORDER BY site, camera",
                (site, site),
            )
            return [str(row["known"]) for row in rows]

        return list(_readable(Remembered, await self._database.do(work)))

    async def forget(self, site: str, camera: str) -> None:
        """Forget a camera that was removed; its acceptance records stay."""

        def work(db: sqlite3.Connection) -> None:
            db.execute("DELETE FROM cameras WHERE site = ? AND camera = ?", (site, camera))
            db.execute("DELETE FROM checkups WHERE site = ? AND camera = ?", (site, camera))

        await self._database.do(work)

    async def keep_checkup(self, checkup: Checkup) -> None:
        """Keep the last full look at a camera, in place of the one before."""
        row = (checkup.site, checkup.camera, checkup.when.isoformat(), _text(checkup))

        def work(db: sqlite3.Connection) -> None:
            db.execute("INSERT OR REPLACE INTO checkups VALUES (?, ?, ?, ?)", row)

        await self._database.do(work)

    async def checkups(self, since: datetime | None = None) -> Sequence[Checkup]:
        """Return the last full look at every camera, or only those taken at ``since`` or later."""
        begin = "" if since is None else since.isoformat()

        def work(db: sqlite3.Connection) -> list[str]:
            rows = db.execute("SELECT checkup FROM checkups WHERE happened >= ?", (begin,))
            return [str(row["checkup"]) for row in rows]

        return list(_readable(Checkup, await self._database.do(work)))

    async def begin_survey(self, site: str, survey: str) -> None:
        """Make room for a survey's pictures; of earlier ones only the last that has ended stays."""

        def work(db: sqlite3.Connection) -> None:
            db.execute(
                "DELETE FROM surveys WHERE begun < datetime('now', ?) OR site = ? AND id IS NOT"
                " (SELECT id FROM surveys WHERE site = ? AND status IS NOT NULL"
                " ORDER BY begun DESC, rowid DESC LIMIT 1)",
                (_STALE, site, site),
            )
            db.execute(
                "INSERT INTO surveys (id, site, begun) VALUES (?, ?, datetime('now'))",
                (survey, site),
            )

        await self._database.do(work)

    async def end_survey(self, status: SurveyStatus) -> None:
        """Keep what a survey has come to; the site's other surveys go.

        One that has broken off before it saw anything goes itself.
        """
        text = _text(replace(status, sightings=tuple(map(_slim, status.sightings))))
        empty = not status.sightings and status.state is not SurveyState.FINISHED

        def work(db: sqlite3.Connection) -> None:
            if empty:
                db.execute("DELETE FROM surveys WHERE id = ?", (status.id,))
                return
            db.execute("UPDATE surveys SET status = ? WHERE id = ?", (text, status.id))
            db.execute("DELETE FROM surveys WHERE site = ? AND id <> ?", (status.site, status.id))

        await self._database.do(work)

    async def ended_surveys(self, sites: Collection[str]) -> Sequence[SurveyStatus]:
        """Return the last survey of each site that has ended; those of other sites go."""
        marks = ", ".join("?" * len(sites))

        def work(db: sqlite3.Connection) -> list[str]:
            db.execute(
                f"DELETE FROM surveys WHERE begun < datetime('now', ?) OR site NOT IN ({marks})",  # noqa: S608  # question marks only
                (_STALE, *sites),
            )
            rows = db.execute("SELECT status FROM surveys WHERE status IS NOT NULL ORDER BY rowid")
            return [str(row["status"]) for row in rows]

        return list(_readable(SurveyStatus, await self._database.do(work)))

    async def surveying(self, site: str) -> bool:
        """Tell whether a survey of the site has begun and not ended, in whichever process."""

        def work(db: sqlite3.Connection) -> bool:
            found = db.execute(
                "SELECT 1 FROM surveys WHERE site = ? AND status IS NULL"
                " AND begun > datetime('now', ?)",
                (site, _LONGEST),
            )
            return found.fetchone() is not None

        return await self._database.do(work)

    async def save_picture(self, survey: str, n: int, jpeg: bytes) -> None:
        """Keep the picture of one sighting of a survey that was begun."""

        def work(db: sqlite3.Connection) -> None:
            db.execute("INSERT OR REPLACE INTO pictures VALUES (?, ?, ?)", (survey, n, jpeg))

        await self._database.do(work)

    async def picture(self, survey: str, n: int) -> bytes | None:
        """Return the picture of one sighting."""

        def work(db: sqlite3.Connection) -> bytes | None:
            row = db.execute(
                "SELECT jpeg FROM pictures WHERE survey = ? AND n = ?", (survey, n)
            ).fetchone()
            return None if row is None else bytes(row["jpeg"])

        return await self._database.do(work)

    async def accept(self, record: Acceptance) -> Acceptance:
        """Keep an acceptance record; returns it with its number."""
        text, picture = _text(record), record.picture

        def work(db: sqlite3.Connection) -> int:
            row = db.execute(
                "INSERT INTO acceptance (site, camera, happened, record, picture)"
                " VALUES (?, ?, ?, ?, ?) RETURNING number",
                (record.site, record.camera, record.when.isoformat(), text, picture),
            ).fetchone()
            return int(row["number"])

        return replace(record, number=await self._database.do(work))

    async def acceptance(self, site: str, camera: str) -> Acceptance | None:
        """Return the latest acceptance record of a camera."""

        def work(db: sqlite3.Connection) -> tuple[int, str, bytes | None] | None:
            row = db.execute(
                "SELECT number, record, picture FROM acceptance"
                " WHERE site = ? AND camera = ? ORDER BY number DESC LIMIT 1",
                (site, camera),
            ).fetchone()
            return None if row is None else (row["number"], row["record"], row["picture"])

        row = await self._database.do(work)
        if row is None:
            return None
        number, text, picture = row
        kept = next(_readable(Acceptance, [text]), None)
        return None if kept is None else replace(kept, number=number, picture=picture)


def _text(value: object) -> str:
    return json.dumps(plain(value), ensure_ascii=False)


def _readable(kind: type[_T], texts: Iterable[str]) -> Iterator[_T]:
    """Yield what can be read: one row that cannot must not hide the others."""
    for text in texts:
        try:
            yield restored(kind, json.loads(text))
        except ValueError as error:
            structlog.get_logger("store").warning(
                "a record cannot be read and is left out", kind=kind.__name__, reason=str(error)
            )


def _slim(sighting: Sighting) -> Sighting:
    """Leave out a recorder's other pictures: each of them has a sighting of its own."""
    report, source = sighting.report, sighting.source
    if report is None or source is None:
        return sighting
    return replace(sighting, report=replace(report, sources=(source,)))
