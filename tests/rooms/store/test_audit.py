"""Viewings are on the disk, whole, in order, and gone when they are old."""

import asyncio
import sqlite3
import time
from dataclasses import replace
from pathlib import Path

from gateway.api.revocations import Revocations
from gateway.model.access import AuditQuery, Revocation, SessionRecord, View, Way
from gateway.store.access import access_database
from gateway.store.audit import AuditRecords
from gateway.store.revocations import RevocationRecords
from gateway.store.sessions import SessionRecords
from tests.waiting import until

VIEW = View(
    play="p1",
    site="lenina-12",
    camera="yard",
    way=Way.TICKET,
    who="flat 7",
    address="ab12",
    website="https://uk.example",
    started=100.0,
    until=400.0,
    issued=90.0,
)


async def test_a_view_outlives_the_process(tmp_path: Path) -> None:
    records = AuditRecords(tmp_path)
    records.begin(VIEW)
    records.begin(replace(VIEW, play="p2", camera="entrance-1"))
    records.end("p1", 160.0, "the viewer left")
    await records.close()
    records = AuditRecords(tmp_path)
    newest, oldest = await records.page(AuditQuery())
    assert newest.view == replace(VIEW, play="p2", camera="entrance-1")
    assert newest.ended is None
    assert oldest.view == replace(VIEW, play="")
    assert (oldest.ended, oldest.reason) == (160.0, "the viewer left")
    assert [row.view.play for row in await records.running()] == ["p2"]
    await records.close()


async def test_pages_and_times(tmp_path: Path) -> None:
    records = AuditRecords(tmp_path)
    for n in range(10):
        view = replace(VIEW, play=f"p{n}", started=100.0 * n, site="a" if n % 2 else "b")
        records.begin(view)
        records.end(view.play, 100.0 * n + 50, "stopped")
    await until(lambda: _count(tmp_path) == 10)

    async def ids(**wanted: object) -> list[int]:
        return [row.id for row in await records.page(AuditQuery(**wanted))]  # type: ignore[arg-type]  # names of the query

    assert await ids(limit=3) == [10, 9, 8]
    assert await ids(limit=3, before=8) == [7, 6, 5]
    assert await ids(site="a") == [10, 8, 6, 4, 2]
    assert await ids(camera="roof") == []
    assert await ids(start=220.0, end=500.0) == [5, 4, 3]
    await records.close()


async def test_what_is_old_is_forgotten_and_what_runs_is_kept(tmp_path: Path) -> None:
    records = AuditRecords(tmp_path)
    records.begin(VIEW)
    records.begin(replace(VIEW, play="p2"))
    records.end("p1", 200.0, "stopped")
    await until(lambda: _count(tmp_path, "WHERE ended IS NOT NULL") == 1)
    assert await records.forget_before(201.0) == 1
    assert [row.view.play for row in await records.page(AuditQuery())] == ["p2"]
    await records.close()


async def test_the_salt_is_the_installations_own(tmp_path: Path) -> None:
    first, second = AuditRecords(tmp_path / "a"), AuditRecords(tmp_path / "b")
    salt = await first.salt()
    assert len(salt) == 32
    assert salt == await first.salt() != await second.salt()
    await first.close()
    again = AuditRecords(tmp_path / "a")
    assert await again.salt() == salt
    await again.close()
    await second.close()
    assert (tmp_path / "a" / "audit.db").stat().st_mode & 0o077 == 0


async def test_a_disk_that_hangs_loses_rows_and_stops_nobody(tmp_path: Path) -> None:
    records = AuditRecords(tmp_path, max_pending=3)
    await records.salt()
    other = sqlite3.connect(tmp_path / "audit.db")
    other.execute("BEGIN EXCLUSIVE")
    for n in range(10):
        records.begin(replace(VIEW, play=f"p{n}"))
    assert records.waiting == 3
    other.rollback()
    other.close()
    await until(lambda: _count(tmp_path) == 3)
    await until(lambda: records.waiting == 0)
    records.begin(replace(VIEW, play="after"))
    await until(lambda: _count(tmp_path) == 4)
    await records.close()


async def test_a_file_that_is_no_database_stops_no_recording(tmp_path: Path) -> None:
    (tmp_path / "audit.db").write_bytes(b"no database at all" * 100)
    records = AuditRecords(tmp_path)
    records.begin(VIEW)
    await records.close()
    assert _count(tmp_path) == 1


async def test_when_it_is_forgotten_which_tickets_are_void_all_are(tmp_path: Path) -> None:
    (tmp_path / "access.db").write_bytes(b"no database at all" * 100)
    access = access_database(tmp_path)
    void = Revocations(RevocationRecords(access))
    await void.load()
    await access.close()
    now = time.time()
    assert void.is_void(None, "house", "flat-7", now - 5)
    assert not void.is_void(None, "house", "flat-7", now + 5)


async def test_names_that_are_sql_are_only_names(tmp_path: Path) -> None:
    records = AuditRecords(tmp_path)
    evil = "'; DROP TABLE views; --"
    records.begin(replace(VIEW, who=evil, website=evil))
    await until(lambda: _count(tmp_path) == 1)
    (row,) = await records.page(AuditQuery(site="lenina-12"))
    assert row.view.who == evil
    assert await records.page(AuditQuery(site=evil)) == []
    await records.close()


async def test_sessions_and_revocations_outlive_the_process(tmp_path: Path) -> None:
    session = SessionRecord(id="a", account="anna", proof="x", began=1.0, used=2.0)
    database = access_database(tmp_path)
    sessions, revocations = SessionRecords(database), RevocationRecords(database)
    await sessions.save(session)
    await sessions.save(replace(session, id="b"))
    await sessions.save(replace(session, used=5.0))
    await sessions.remove(["b", "never there"])
    for since in (10.0, 30.0, 20.0):
        await revocations.save(Revocation(site="s", subject=None, since=since))
    await revocations.save(Revocation(site=None, subject="flat 7", since=5.0))
    await database.close()
    database = access_database(tmp_path)
    assert await SessionRecords(database).load() == [replace(session, used=5.0)]
    assert set(await RevocationRecords(database).load()) == {
        Revocation(site="s", subject=None, since=30.0),
        Revocation(site=None, subject="flat 7", since=5.0),
    }
    await database.close()


def _count(folder: Path, where: str = "") -> int:
    connection = sqlite3.connect(folder / "audit.db")
    try:
        (count,) = connection.execute(f"SELECT count(*) FROM views {where}").fetchone()  # noqa: S608  # the test's own words
    except sqlite3.OperationalError:
        return -1
    finally:
        connection.close()
    return int(count)


async def test_closing_in_the_middle_of_writing_loses_nothing(tmp_path: Path) -> None:
    records = AuditRecords(tmp_path)
    for n in range(500):
        records.begin(replace(VIEW, play=f"p{n}"))
        if n == 250:
            await asyncio.sleep(0)
    await records.close()
    assert _count(tmp_path) == 500
