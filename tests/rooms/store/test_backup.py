"""Copies of a folder that is written to all the time."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Event, Thread

import pytest

from gateway.model.errors import ErrorKind, GatewayError
from gateway.store.backup import copy_folder
from gateway.store.database import Database

PAIRS = "CREATE TABLE a (n INTEGER, filling BLOB); CREATE TABLE b (n INTEGER, filling BLOB)"


@contextmanager
def busy(path: Path) -> Iterator[Thread]:
    """Write to a database's two tables in step, with a checkpoint every few pages."""
    over = Event()

    def write() -> None:
        with closing(sqlite3.connect(path, timeout=10)) as connection:
            connection.execute("PRAGMA wal_autocheckpoint = 4")
            n = 0
            while not over.is_set():
                n += 1
                with connection:
                    connection.execute("INSERT INTO a VALUES (?, zeroblob(3000))", (n,))
                    connection.execute("INSERT INTO b VALUES (?, zeroblob(3000))", (n,))

    writer = Thread(target=write)
    writer.start()
    try:
        yield writer
    finally:
        over.set()
        writer.join()


async def test_each_copy_of_a_busy_database_is_of_one_moment(tmp_path: Path) -> None:
    source = tmp_path / "data"
    database = Database(source / "pairs.db", [PAIRS])
    await database.do(lambda connection: connection.execute("SELECT 1"))
    before = 0
    try:
        with busy(source / "pairs.db") as writer:
            for turn in range(12):
                await asyncio.to_thread(copy_folder, source, tmp_path / f"copy{turn}")
                assert writer.is_alive()
                copy = tmp_path / f"copy{turn}" / "pairs.db"
                assert not copy.with_name("pairs.db-wal").exists()
                with closing(sqlite3.connect(copy)) as connection:
                    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
                    (a,) = connection.execute("SELECT max(n) FROM a").fetchone()
                    (b,) = connection.execute("SELECT max(n) FROM b").fetchone()
                assert a == b
                assert (a or 0) >= before
                before = a or 0
        assert before
    finally:
        await database.close()


def test_what_runs_and_what_is_half_written_is_left_out(tmp_path: Path) -> None:
    source, target = tmp_path / "data", tmp_path / "copy"
    for name in ("servers/house/run/process.json", "servers/house/label.json", ".house.yaml.new"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text("x")
    (source / "gone.yaml").symlink_to("nowhere")
    (source / "linked.yaml").symlink_to("servers/house/label.json")
    assert copy_folder(source, target) == 2
    kept = {str(file.relative_to(target)) for file in target.rglob("*") if file.is_file()}
    assert kept == {"servers/house/label.json", "linked.yaml"}
    assert target.stat().st_mode & 0o077 == 0


def test_a_copy_neither_replaces_nor_swallows_anything(tmp_path: Path) -> None:
    source = tmp_path / "data"
    source.mkdir()
    with pytest.raises(GatewayError) as into_itself:
        copy_folder(source, source / "copy")
    assert into_itself.value.kind is ErrorKind.BAD_REQUEST
    copy_folder(source, tmp_path / "copy")
    with pytest.raises(GatewayError) as twice:
        copy_folder(source, tmp_path / "copy")
    assert twice.value.kind is ErrorKind.CONFLICT


def test_a_damaged_database_is_named(tmp_path: Path) -> None:
    source = tmp_path / "data"
    source.mkdir()
    (source / "audit.db").write_bytes(b"no database at all" * 500)
    with pytest.raises(GatewayError, match=r"audit\.db cannot be copied"):
        copy_folder(source, tmp_path / "copy")
