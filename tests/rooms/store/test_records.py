"""What is remembered outlives the process, and what is broken says so."""

import asyncio
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest

from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.probe import CameraVerdict, Playable, Reason, StreamFacts, Verdict
from gateway.model.survey import Acceptance, Remembered
from gateway.store.database import Database
from gateway.store.record_page import page
from gateway.store.records import FILE, RecordStore

JPEG = b"\xff\xd8\xff" + bytes(range(256))
WHEN = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
KNOWN = Remembered(
    site="house",
    camera="door",
    identity="mac:a4:14:37:00:00:01",
    address="10.12.0.21",
    source="0",
    target="10.12.0.21",
    main="rtsp://10.12.0.21/1",
    credential="env:CAMERAS",
    serial_identity="serial:Dome:1",
    verdict="everywhere",
    seen=WHEN,
)
RECORD = Acceptance(
    site="house",
    site_name={"ru": "Ленина, 12"},
    camera="door",
    camera_name={"ru": "Подъезд <1>", "en": "Entrance & 1"},
    when=WHEN,
    who="Иван <script>alert(1)</script>",
    make="Acme",
    model="Dome",
    facts=StreamFacts("H264", "Main", "4.0", 1280, 720, 25.0, 2e6, 2.0),
    verdict=CameraVerdict(
        Playable.SOMEWHERE,
        "sub",
        "main",
        {"main": Verdict(Playable.SOMEWHERE, (Reason("b_frames", "B-frames", "off"),))},
        (Reason("b_frames", "it has B-frames", "switch them off"),),
    ),
    seconds=3.25,
    picture=JPEG,
)


async def test_everything_outlives_the_process(tmp_path: Path) -> None:
    async with RecordStore(tmp_path) as first:
        await first.remember(replace(KNOWN, address="10.12.0.20"))
        await first.remember(KNOWN)
        await first.begin_survey("house", "s1")
        await first.save_picture("s1", 3, JPEG)
        await first.keep_camera_picture("house", "door", JPEG)
        numbers = [(await first.accept(RECORD)).number for _ in range(2)]
    assert numbers == [1, 2]
    async with RecordStore(tmp_path) as second:
        assert await second.remembered() == [KNOWN]
        assert await second.remembered("other") == []
        assert await second.picture("s1", 3) == JPEG
        assert await second.picture("s1", 4) is None
        assert await second.camera_picture("house", "door") == JPEG
        assert await second.acceptance("house", "door") == replace(RECORD, number=2)
        await second.begin_survey("house", "s2")
        assert await second.picture("s1", 3) is None
        await second.forget("house", "door")
        assert await second.remembered() == []
        assert await second.acceptance("house", "door") is not None
    assert (tmp_path / FILE).stat().st_mode & 0o077 == 0


async def test_two_processes_may_write_at_once(tmp_path: Path) -> None:
    async with RecordStore(tmp_path) as one, RecordStore(tmp_path) as two:
        await asyncio.gather(
            *(store.accept(RECORD) for store in (one, two) for _ in range(25)),
            *(store.remember(KNOWN) for store in (one, two) for _ in range(25)),
        )
        last = await one.acceptance("house", "door")
    assert last is not None
    assert last.number == 50


async def test_a_transaction_fails_wholly_and_the_store_goes_on() -> None:
    async with RecordStore(None) as store:
        with pytest.raises(GatewayError) as caught:
            await store.save_picture("never begun", 1, JPEG)
        assert caught.value.kind is ErrorKind.INTERNAL
        await store.remember(KNOWN)
        assert await store.remembered("house") == [KNOWN]


def modes(folder: Path) -> dict[str, int]:
    return {one.name: one.stat().st_mode & 0o777 for one in folder.iterdir()}


async def test_nobody_else_reads_the_records_or_their_journals(tmp_path: Path) -> None:
    store = Database(tmp_path / FILE, ("CREATE TABLE seen (what TEXT);",))
    await store.do(lambda connection: connection.execute("INSERT INTO seen VALUES ('x')"))
    files = modes(tmp_path)
    await store.close()
    assert len(files) > 1, "the journal is there while the file is open"
    assert set(files.values()) == {0o600}


async def test_a_file_of_a_newer_gateway_is_left_alone(tmp_path: Path) -> None:
    async with RecordStore(tmp_path) as store:
        await store.remember(KNOWN)
    with sqlite3.connect(tmp_path / FILE) as raw:
        raw.execute("PRAGMA user_version = 99")
    raw.close()
    async with RecordStore(tmp_path) as store:
        with pytest.raises(GatewayError, match="newer version"):
            await store.remembered()


@pytest.mark.parametrize("content", [b"not a database" * 100, b"SQLite format 3\0" + b"\xff" * 500])
async def test_a_broken_file_says_so(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    async with RecordStore(tmp_path) as store:
        with pytest.raises(GatewayError) as caught:
            await store.remembered()
    assert caught.value.kind is ErrorKind.INTERNAL
    assert caught.value.hint


async def test_the_event_loop_is_never_held(tmp_path: Path) -> None:
    async with RecordStore(tmp_path) as store:
        await store.remember(KNOWN)
        with sqlite3.connect(tmp_path / FILE) as raw:
            raw.execute("BEGIN IMMEDIATE")
            waiting = asyncio.ensure_future(store.accept(RECORD))
            for _ in range(20):
                await asyncio.sleep(0)
            assert not waiting.done()
        raw.close()
        assert (await waiting).number == 1


class _Reader(HTMLParser):
    """Collects tags, attributes and text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in {"src", "href"}]

    def handle_data(self, data: str) -> None:
        self.text += data + "\n"


@pytest.mark.parametrize(
    ("language", "words"),
    [("ru", ("Акт приёмки", "Подъезд <1>", "не во всех браузерах", "3.2 сек.")),
     ("en", ("Acceptance record", "Entrance & 1", "some browsers only", "3.2 s"))],
)  # fmt: skip
def test_a_record_prints_by_itself_in_two_languages(language: str, words: tuple[str, ...]) -> None:
    reader = _Reader()
    reader.feed(page(replace(RECORD, number=7), language))
    for word in (*words, "Acme Dome", "1280 x 720", "switch them off", "№ 7", RECORD.who):
        assert word in reader.text, word
    assert "script" not in reader.tags
    assert all(link.startswith("data:image/jpeg;base64,") for link in reader.links)
    assert len(reader.links) == 1
