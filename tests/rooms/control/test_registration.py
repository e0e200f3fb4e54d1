"""Registrations: files edited under everybody's hands, and the record of the first video."""

import asyncio
import contextlib
import fcntl
import os
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from gateway.config.edit import SiteFiles
from gateway.config.load import load
from gateway.control.board import Board
from gateway.control.checkup_results import subject
from gateway.control.drafts import addresses_of, credential_key
from gateway.control.registration import Newcomer, Registrations
from gateway.kit.clock import SystemClock
from gateway.kit.secret import Secret
from gateway.model.device import DeviceReport, Profile, VideoSource
from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.probe import CameraVerdict, Playable, ProbeFailure, StreamFacts
from gateway.model.site import Credential
from gateway.model.status import CameraState, CameraStatus, SiteState, SiteStatus
from gateway.model.survey import Sighting, SightingState, StreamLook
from gateway.model.text import LocalText
from gateway.store.records import RecordStore
from tests.rooms.control.field import site_of
from tests.waiting import until

FILE = """\
# Lenina 12, by hand
name: {ru: "Ленина, 12"}   # the name
cameras:
  # the first door
  - {id: entrance-1, name: "Подъезд 1", rtsp: "rtsp://10.12.0.21/1"}
"""
JPEG = b"\xff\xd8\xff picture"
SIGHTING = Sighting(
    n=1,
    address="10.12.0.23",
    target="http://10.12.0.23:80/onvif/device_service",
    state=SightingState.PROBED,
    report=DeviceReport(
        "10.12.0.23", "http://10.12.0.23:80/onvif/device_service", "Acme", "Dome", "1.2", "SN9",
        "a4:14:37:00:00:09", credential="env:CAMERAS",
    ),
    source=VideoSource("0", Profile("m", "m", "0")),
    main=StreamLook("rtsp://10.12.0.23/1", StreamFacts("H264", width=1280, height=720)),
    sub=StreamLook("rtsp://10.12.0.23/2", StreamFacts("H264", width=640, height=360)),
    verdict=CameraVerdict(Playable.EVERYWHERE, "sub", "main"),
    credential="env:CAMERAS",
    has_picture=True,
)  # fmt: skip


@dataclass
class Office:
    """A folder of files, a board that a test writes on, and what is tested."""

    folder: Path
    records: RecordStore
    board: Board = field(default_factory=Board)

    def __post_init__(self) -> None:
        before = load(self.folder)
        self.work = Registrations(
            editor=SiteFiles(self.folder, fleet=lambda: before),
            board=self.board,
            fleet=lambda: load(self.folder),
            records=self.records,
            clock=SystemClock(),
        )

    @property
    def text(self) -> str:
        return (self.folder / "house.yaml").read_text(encoding="utf-8")

    def show(self, camera: str, state: CameraState, since: datetime | None = None) -> None:
        """Let the board say something of a camera."""
        now = since or datetime.now(UTC)
        status = CameraStatus(camera, LocalText.of(camera), state, now, reason="because")
        self.board.publish(
            SiteStatus("house", LocalText.of("h"), SiteState.OK, now, cameras=(status,))
        )


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    (tmp_path / "house.yaml").write_text(FILE, encoding="utf-8")
    async with RecordStore(None) as records:
        made = Office(tmp_path, records)
        yield made
        await made.work.close()


def newcomer(camera: str = "entrance-3") -> Newcomer:
    fields = {"id": camera, "name": {"ru": "Подъезд 3"}, **addresses_of(SIGHTING)}
    return Newcomer(fields, who="Ivan", sighting=SIGHTING, survey="s1")


async def test_a_camera_is_accepted_when_the_board_says_that_it_is_live(office: Office) -> None:
    await office.records.begin_survey("house", "s1")
    await office.records.save_picture("s1", 1, JPEG)
    # What the board has said before the registration proves nothing.
    office.show("entrance-3", CameraState.LIVE, datetime.now(UTC) - timedelta(seconds=5))
    adding = asyncio.ensure_future(office.work.add("house", newcomer(), wait_s=10))
    await until(lambda: "entrance-3" in office.text)
    assert not adding.done()
    office.show("entrance-3", CameraState.CONNECTING)
    office.show("entrance-3", CameraState.LIVE)
    done = await adding
    assert done.live
    assert done.seconds is not None
    assert 0 < done.seconds < 10
    kept = await office.records.acceptance("house", "entrance-3")
    assert kept == done.record
    assert kept is not None
    assert (kept.who, kept.make, kept.serial, kept.picture) == ("Ivan", "Acme", "SN9", JPEG)
    assert kept.camera_name == {"ru": "Подъезд 3"}
    assert kept.verdict == SIGHTING.verdict
    [known] = await office.records.remembered("house")
    assert known.identity == "mac:a4:14:37:00:00:09"
    [looked] = await office.records.checkups()
    entry = load(office.folder).sites["house"].camera("entrance-3")
    assert entry is not None
    assert looked.target == subject("house", entry).target, "it is known as the file names it"
    assert looked.baseline is Playable.EVERYWHERE
    assert "+  - " in done.diff
    assert FILE.rstrip() in office.text, "what stood there stands there"


async def test_a_camera_that_does_not_come_stays_registered_and_is_accepted_later(
    office: Office,
) -> None:
    office.show("entrance-1", CameraState.LIVE)
    done = await office.work.add("house", newcomer(), wait_s=0.05)
    assert not done.live
    assert done.reason
    office.show("entrance-3", CameraState.LIVE)

    async def kept() -> bool:
        return await office.records.acceptance("house", "entrance-3") is not None

    await until(kept)


async def test_rename_switch_replace_and_remove_keep_the_rest_of_the_file(office: Office) -> None:
    await office.work.add("house", newcomer())
    await office.work.change("house", "entrance-1", {"name": {"ru": "Дверь"}})
    await office.work.change("house", "entrance-1", {"enabled": False})
    house = load(office.folder).sites["house"]
    assert [camera.enabled for camera in house.cameras] == [False, True]
    await office.work.change("house", "entrance-1", {"enabled": True})
    assert "enabled" not in office.text
    device = Newcomer({"rtsp": "rtsp://10.12.0.99/1"}, who="Ivan")
    await office.work.replace("house", "entrance-3", device)
    replaced = load(office.folder).sites["house"].camera("entrance-3")
    assert replaced is not None
    assert (replaced.rtsp, replaced.rtsp_sub, replaced.onvif) == ("rtsp://10.12.0.99/1", None, None)
    assert await office.records.remembered("house") == []
    assert await office.records.checkups() == []
    await office.work.remove("house", "entrance-3")
    assert [one.id for one in load(office.folder).sites["house"].cameras] == ["entrance-1"]
    for words in ("# Lenina 12, by hand", "# the name", "# the first door"):
        assert words in office.text


async def test_a_change_in_the_meantime_and_a_taken_id_are_refused(office: Office) -> None:
    _, version = office.work.editor.read("house")  # type: ignore[attr-defined]  # SiteFiles
    (office.folder / "house.yaml").write_text(FILE + "# more\n", encoding="utf-8")
    for work in (
        office.work.add("house", replace(newcomer(), version=version)),
        office.work.remove("house", "entrance-1", version=version),
        office.work.add("house", newcomer("entrance-1")),
    ):
        with pytest.raises(GatewayError) as caught:
            await work
        assert caught.value.kind is ErrorKind.CONFLICT
    assert office.text == FILE + "# more\n"


def type_a_note(path: Path, n: int) -> None:
    """Add a line as a careful script does: under the file's lock, if it is still that file."""
    while True:
        with path.open("a", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if os.fstat(file.fileno()).st_ino == path.stat().st_ino:
                file.write(f"# note {n}\n")
                return


async def register(office: Office, n: int) -> None:
    fields = {"id": f"cam-{n}", "name": f"Camera {n}", "rtsp": f"rtsp://10.13.{n}.1/1"}
    for _ in range(20):
        with contextlib.suppress(GatewayError):
            await office.work.add("house", Newcomer(fields))
            return
    raise AssertionError(n)


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_many_registrations_and_a_person_at_the_keyboard_lose_nothing(
    office: Office,
) -> None:
    async def type_notes() -> None:
        for n in range(25):
            await asyncio.to_thread(type_a_note, office.folder / "house.yaml", n)
            await asyncio.sleep(0.05)

    await asyncio.gather(type_notes(), *(register(office, n) for n in range(200)))
    data = yaml.safe_load(office.text)
    ids = [camera["id"] for camera in data["cameras"]]
    assert sorted(ids) == sorted(["entrance-1", *(f"cam-{n}" for n in range(200))])
    assert len(set(ids)) == len(ids)
    assert not load(office.folder).errors
    assert re.findall(r"# note (\d+)\n", office.text) == [str(n) for n in range(25)]
    assert "# the first door" in office.text


def test_residents_get_the_stream_that_plays() -> None:
    broken = replace(SIGHTING, verdict=CameraVerdict(Playable.EVERYWHERE, "sub", "sub"))
    assert addresses_of(broken) == {"onvif": "10.12.0.23", "rtsp": "rtsp://10.12.0.23/2"}
    dead = StreamLook("rtsp://10.12.0.23/2", failure=ProbeFailure("x", "y", "z"))
    assert "rtsp_sub" not in addresses_of(replace(SIGHTING, sub=dead))
    assert addresses_of(SIGHTING)["rtsp_sub"] == "rtsp://10.12.0.23/2"


def test_the_accepted_user_is_named_only_where_it_must_be() -> None:
    one = Credential("viewer", Secret("a"), "env:CAMERAS")
    two = Credential("viewer", Secret("b"), "env:CAMERAS_OLD")
    three = Credential("root", Secret("c"), "file:/run/secrets/c")
    assert credential_key(site_of(credentials=(one,)), "env:CAMERAS") is None
    assert credential_key(site_of(credentials=(one, three)), "env:CAMERAS") == "viewer"
    twins = credential_key(site_of(credentials=(one, two)), "env:CAMERAS_OLD")
    assert twins == {"username": "viewer", "password": {"env": "CAMERAS_OLD"}}
    foreign = credential_key(site_of(credentials=(one,)), three.reference, [three])
    assert foreign == {"username": "root", "password": {"file": "/run/secrets/c"}}
    assert credential_key(site_of(), "prompt") is None
