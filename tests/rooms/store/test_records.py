"""What is remembered outlives the process, and what is broken says so."""

import asyncio
import contextlib
import sqlite3
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.checkup import Checkup
from gateway.model.device import DeviceReport, Profile, VideoSource
from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.probe import (
    CameraVerdict,
    Playable,
    ProbeFailure,
    Reason,
    StreamFacts,
    Verdict,
)
from gateway.model.remark import remark
from gateway.model.survey import (
    Acceptance,
    Progress,
    Remembered,
    Sighting,
    SightingState,
    StreamLook,
    SurveyState,
    SurveyStatus,
)
from gateway.store import records
from gateway.store.database import DAMAGED, Database
from gateway.store.record_page import page
from gateway.store.records import FILE, RecordStore
from gateway.store.shapes import restored

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
        numbers = [(await first.accept(RECORD)).number for _ in range(2)]
    assert numbers == [1, 2]
    async with RecordStore(tmp_path) as second:
        assert await second.remembered() == [KNOWN]
        assert await second.remembered("other") == []
        assert await second.picture("s1", 3) == JPEG
        assert await second.picture("s1", 4) is None
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


async def test_two_processes_may_begin_a_file_at_once(tmp_path: Path) -> None:
    for number in range(40):
        folder = tmp_path / str(number)
        async with RecordStore(folder) as one, RecordStore(folder) as two:
            assert await asyncio.gather(one.remembered(), two.remembered()) == [[], []]


async def test_what_an_earlier_gateway_knew_is_kept_without_its_pictures(tmp_path: Path) -> None:
    before = Database(tmp_path / FILE, records._MIGRATIONS[:2])
    rows = [("house", "door", records._text(KNOWN), JPEG), ("house", "yard", "", JPEG)]
    await before.do(lambda db: db.executemany("INSERT INTO cameras VALUES (?, ?, ?, ?)", rows))
    await before.close()
    async with RecordStore(tmp_path) as store:
        assert await store.remembered() == [KNOWN]
    assert JPEG not in (tmp_path / FILE).read_bytes()


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
async def test_a_broken_file_is_put_aside_and_a_new_one_begun(
    tmp_path: Path, content: bytes
) -> None:
    (tmp_path / FILE).write_bytes(content)
    async with RecordStore(tmp_path) as store:
        assert await store.remembered() == []
        await store.remember(KNOWN)
    assert (tmp_path / f"{FILE}{DAMAGED}").read_bytes() == content
    async with RecordStore(tmp_path) as store:
        assert await store.remembered() == [KNOWN]


async def test_a_file_that_is_damaged_meanwhile_costs_no_later_record(tmp_path: Path) -> None:
    async with RecordStore(tmp_path) as store:
        await store.remember(KNOWN)
        with (tmp_path / FILE).open("r+b") as file:
            file.truncate(5000)
            file.write(b"\xff" * 3000)
        for journal in ("-wal", "-shm"):
            (tmp_path / f"{FILE}{journal}").unlink()
        async with RecordStore(tmp_path) as other:
            assert await other.remembered() == []
            await other.remember(KNOWN)
            assert await other.remembered() == [KNOWN]


async def test_a_full_disk_is_no_damage(tmp_path: Path) -> None:
    store = Database(tmp_path / FILE, ("CREATE TABLE seen (what TEXT);",))

    def full(connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA max_page_count = 3")
        connection.execute("INSERT INTO seen VALUES (?)", ("x" * 100_000,))

    with pytest.raises(GatewayError, match="full"):
        await store.do(full)
    await store.close()
    assert not (tmp_path / f"{FILE}{DAMAGED}").exists()


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


REPORT = DeviceReport(
    "10.12.0.21", "http://10.12.0.21/onvif/device_service", "Acme", "Dome", skew_s=3,
    sources=(VideoSource("0", Profile("m", "m", "0")), VideoSource("1", Profile("n", "n", "1"))),
    failure=None, notes=("odd",),
)  # fmt: skip
SIGHTING = Sighting(
    n=1, address="10.12.0.21", target="10.12.0.21", state=SightingState.PROBED, report=REPORT,
    source=REPORT.sources[1], verdict=RECORD.verdict, has_picture=True,
    remarks=(remark("twins", "a twin", others="10.12.0.22"),),
    main=StreamLook("rtsp://10.12.0.21/1", RECORD.facts, None, 1.5), heard=("tcp",),
    failure=ProbeFailure("locked", "it is locked", "wait"),
)  # fmt: skip


def ended(survey: str, state: SurveyState = SurveyState.FINISHED, site: str = "house",
          sightings: tuple[Sighting, ...] = (SIGHTING,)) -> SurveyStatus:  # fmt: skip
    progress = Progress(found=1, probed=1, elapsed_s=2)
    return SurveyStatus(survey, site, state, WHEN, progress, sightings, "why")


async def test_the_last_survey_of_a_site_is_kept_until_the_next_has_ended(tmp_path: Path) -> None:
    async with RecordStore(tmp_path) as store:
        for survey in ("s1", "s2"):
            await store.begin_survey("house", survey)
            assert await store.surveying("house")
            await store.save_picture(survey, 1, JPEG)
            await store.end_survey(ended(survey))
        assert not await store.surveying("house")
        await store.begin_survey("house", "s3")
        assert await store.surveying("house")
        assert not await store.surveying("other")
        await store.begin_survey("gone", "s4")
        await store.end_survey(ended("s4", site="gone"))
    async with RecordStore(tmp_path) as store:
        [kept] = await store.ended_surveys(["house", "other"])
        # A recorder's other pictures have sightings of their own.
        slim = replace(SIGHTING, report=replace(REPORT, sources=(REPORT.sources[1],)))
        assert kept == ended("s2", sightings=(slim,))
        assert await store.picture("s1", 1) is None
        assert await store.picture("s2", 1) == JPEG
        assert [one.id for one in await store.ended_surveys(["gone"])] == []


async def test_a_survey_that_saw_nothing_takes_nothing_away() -> None:
    async with RecordStore(None) as store:
        await store.begin_survey("house", "s1")
        await store.end_survey(ended("s1"))
        await store.begin_survey("house", "s2")
        await store.end_survey(ended("s2", SurveyState.FAILED, sightings=()))
        assert [one.id for one in await store.ended_surveys(["house"])] == ["s1"]
        assert not await store.surveying("house")


async def test_old_surveys_go_and_broken_rows_are_left_out(tmp_path: Path) -> None:
    async with RecordStore(tmp_path) as store:
        for number, site in enumerate(("old", "broken", "fine")):
            await store.begin_survey(site, f"s{number}")
            await store.end_survey(ended(f"s{number}", site=site))
        with sqlite3.connect(tmp_path / FILE) as raw:
            raw.execute("UPDATE surveys SET begun = datetime('now', '-31 days') WHERE site = 'old'")
            raw.execute("UPDATE surveys SET status = '{}' WHERE site = 'broken'")
        raw.close()
        found = await store.ended_surveys(["old", "broken", "fine"])
    assert [one.site for one in found] == ["fine"]


async def test_the_last_full_look_is_kept_and_goes_with_its_camera(tmp_path: Path) -> None:
    slow = ProbeFailure("timeout", "slow", "wait")
    one = Checkup("house", "door", WHEN, "10.12.0.21", RECORD.facts, None, RECORD.verdict, WHEN)
    one = replace(one, failure=slow, failures=2, baseline=Playable.EVERYWHERE, single=True)
    later = replace(one, when=WHEN + timedelta(days=1), failure=None, failures=0)
    async with RecordStore(tmp_path) as store:
        await store.keep_checkup(one)
        await store.keep_checkup(replace(one, camera="yard"))
        await store.keep_checkup(later)
    async with RecordStore(tmp_path) as store:
        assert sorted(found.camera for found in await store.checkups()) == ["door", "yard"]
        assert await store.checkups(since=WHEN + timedelta(hours=1)) == [later]
        await store.forget("house", "door")
        assert await store.checkups() == [replace(one, camera="yard")]


async def test_records_of_the_first_version_are_taken_over(tmp_path: Path) -> None:
    first = records._MIGRATIONS[0]  # what the first version has written
    store = Database(tmp_path / FILE, (first,))
    await store.do(
        lambda db: db.execute("INSERT INTO surveys VALUES ('s1', 'house', '2026-01-01')")
    )
    await store.close()
    async with RecordStore(tmp_path) as newer:
        assert await newer.ended_surveys(["house"]) == []
        await newer.begin_survey("house", "s2")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(JSON | st.fixed_dictionaries({one.name: JSON for one in fields(SurveyStatus)}))
def test_what_is_no_record_is_refused(data: object) -> None:
    with contextlib.suppress(ValueError):
        restored(SurveyStatus, data)
    with contextlib.suppress(ValueError):
        restored(Remembered, data)


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
    reader.feed(page(replace(RECORD, number=7), language, lambda reason: reason.setting))
    for word in (*words, "Acme Dome", "1280 x 720", "switch them off", "№ 7", RECORD.who):
        assert word in reader.text, word
    assert "script" not in reader.tags
    assert all(link.startswith("data:image/jpeg;base64,") for link in reader.links)
    assert len(reader.links) == 1
