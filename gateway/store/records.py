"""What is remembered of cameras: surveys' results, pictures, and acceptance records."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Self

from gateway.model.probe import CameraVerdict, Playable, Reason, StreamFacts, Verdict
from gateway.model.survey import Acceptance, Remembered
from gateway.store.database import Database

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
)
_STALE: Final = "-2 days"


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
        text = json.dumps(_plain(known), ensure_ascii=False)

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

        return [_remembered(json.loads(text)) for text in await self._database.do(work)]

    async def forget(self, site: str, camera: str) -> None:
        """Forget a camera that was removed; its acceptance records stay."""

        def work(db: sqlite3.Connection) -> None:
            db.execute("DELETE FROM cameras WHERE site = ? AND camera = ?", (site, camera))

        await self._database.do(work)

    async def begin_survey(self, site: str, survey: str) -> None:
        """Make room for a survey's pictures: those of the site's earlier surveys go."""

        def work(db: sqlite3.Connection) -> None:
            db.execute(
                "DELETE FROM surveys WHERE site = ? OR begun < datetime('now', ?)", (site, _STALE)
            )
            db.execute("INSERT INTO surveys VALUES (?, ?, datetime('now'))", (survey, site))

        await self._database.do(work)

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

    async def keep_camera_picture(self, site: str, camera: str, jpeg: bytes) -> None:
        """Keep the last picture that a probe has taken of a camera that is remembered."""

        def work(db: sqlite3.Connection) -> None:
            db.execute(
                "UPDATE cameras SET picture = ? WHERE site = ? AND camera = ?",
                (jpeg, site, camera),
            )

        await self._database.do(work)

    async def camera_picture(self, site: str, camera: str) -> bytes | None:
        """Return the last picture that a probe has taken of a camera."""

        def work(db: sqlite3.Connection) -> bytes | None:
            row = db.execute(
                "SELECT picture FROM cameras WHERE site = ? AND camera = ?", (site, camera)
            ).fetchone()
            return None if row is None or row["picture"] is None else bytes(row["picture"])

        return await self._database.do(work)

    async def accept(self, record: Acceptance) -> Acceptance:
        """Keep an acceptance record; returns it with its number."""
        plain = _plain(record)
        picture = plain.pop("picture")
        text = json.dumps(plain, ensure_ascii=False)

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
        return _acceptance(json.loads(text), number, picture)


def _plain(value: Remembered | Acceptance) -> dict[str, Any]:
    plain = asdict(value)
    for key in ("when", "seen"):
        if plain.get(key) is not None:
            plain[key] = plain[key].isoformat()
    return plain


def _remembered(plain: dict[str, Any]) -> Remembered:
    """Read what an older or newer version has written: unknown keys are left out."""
    known = {one.name: plain[one.name] for one in fields(Remembered) if one.name in plain}
    if known.get("seen"):
        known["seen"] = datetime.fromisoformat(known["seen"])
    return Remembered(**known)


def _acceptance(plain: dict[str, Any], number: int, picture: bytes | None) -> Acceptance:
    known = {one.name: plain[one.name] for one in fields(Acceptance) if one.name in plain}
    known["when"] = datetime.fromisoformat(known["when"])
    known["facts"] = StreamFacts(**_known(StreamFacts, known.get("facts") or {}))
    verdict = known.get("verdict")
    known["verdict"] = None if verdict is None else _camera_verdict(verdict)
    return Acceptance(**(known | {"number": number, "picture": picture}))


def _known(kind: type[StreamFacts], plain: dict[str, Any]) -> dict[str, Any]:
    return {one.name: plain[one.name] for one in fields(kind) if one.name in plain}


def _camera_verdict(plain: dict[str, Any]) -> CameraVerdict:
    return CameraVerdict(
        playable=Playable(plain["playable"]),
        wall=plain.get("wall"),
        full=plain.get("full"),
        streams={
            name: Verdict(Playable(one["playable"]), _reasons(one))
            for name, one in plain.get("streams", {}).items()
        },
        reasons=_reasons(plain),
    )


def _reasons(plain: dict[str, Any]) -> tuple[Reason, ...]:
    return tuple(Reason(**one) for one in plain.get("reasons", ()))
