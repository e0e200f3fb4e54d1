"""Cameras that come back at another address: real ones on loopback, found by real searches."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.config.edit import Edit, SiteFiles
from gateway.config.load import load
from gateway.control.board import Board
from gateway.control.checkup_results import subject
from gateway.control.following import Follower, Rhythm
from gateway.control.moves import (
    Lost,
    away,
    can_be_followed,
    entry_at,
    moved,
    placed,
    whereabouts,
)
from gateway.control.notes import Notes
from gateway.control.streams import Streams
from gateway.kit.clock import SystemClock
from gateway.model.checkup import Checkup
from gateway.model.company import Fleet, Settings
from gateway.model.device import DeviceReport
from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.site import Camera, Credential, Discovery, Follow, Site
from gateway.model.status import CameraState, CameraStatus, SiteState, SiteStatus
from gateway.model.survey import Remembered, Sighting
from tests.peers.onvif_device import OnvifCamera, Quirks
from tests.rooms.control import field as surveys
from tests.rooms.control.field import GOOD, WRONG, Field, camera_of
from tests.waiting import until

pytestmark = pytest.mark.slow

PORT = 8899
MAC = "a4:14:37:00:00:01"
QUICK = Rhythm(patience=0, first=0.02, most=0.1, whole=30, look=0.02)


def at(host: str) -> str:
    return f"http://{host}:{PORT}/onvif/device_service"


@asynccontextmanager
async def camera_at(host: str, quirks: Quirks | None = None) -> AsyncIterator[OnvifCamera]:
    made = OnvifCamera(quirks or Quirks(mac=MAC), host=host)
    made.port = PORT
    async with made:
        yield made


@dataclass
class Desk:
    """What is tested, and what stands around it; ``edit`` writes the file of the house."""

    net: Field
    subnet: str
    searches: int = 0
    surveyed: set[str] = field(default_factory=set)
    written: list[Mapping[str, Any]] = field(default_factory=list)
    files: SiteFiles | None = None
    board: Board = field(default_factory=Board)
    notes: Notes = field(default_factory=Notes)

    def __post_init__(self) -> None:
        tools = replace(self.net.surveys.tools, finder=self)
        self.finder = self.net.surveys.tools.finder
        self.streams = Streams(
            interviewer=tools.interviewer,
            records=tools.records,
            board=self.board,
            clock=SystemClock(),
            notes=self.notes,
            changed=lambda: None,
        )
        self.work = Follower(
            tools=tools,
            streams=self.streams,
            board=self.board,
            notes=self.notes,
            edit=self.edit,
            surveying=lambda site: site in self.surveyed,
            rhythm=QUICK,
        )

    def search(self, discovery: Discovery) -> Any:
        """Count the searches; they are the real ones."""
        self.searches += 1
        return self.finder.search(discovery)

    def allows(self, discovery: Discovery, host: str) -> bool:
        return self.finder.allows(discovery, host)

    async def edit(self, site: str, camera: str, fields: Mapping[str, Any]) -> Edit:
        self.written.append(fields)
        if self.files is None:
            raise GatewayError(ErrorKind.CONFLICT, "the file has changed", "look at it")
        return await asyncio.to_thread(self.files.change_camera, site, camera, fields)

    def take(self, *cameras: Camera, follow: Follow = Follow.PLAY,
             credentials: tuple[Credential, ...] = (GOOD,)) -> Site:  # fmt: skip
        site = surveys.site_of(*cameras, subnets=(self.subnet,), credentials=credentials)
        site = replace(site, discovery=replace(site.discovery, follow=follow))
        self.streams.take(Fleet(Settings(), {site.id: site}))
        return site

    def say(self, **states: CameraState) -> None:
        """Let the board say something of the cameras for an hour already."""
        since = datetime.now(UTC) - timedelta(hours=1)
        cameras = [CameraStatus(one, surveys.camera_of(one).name, state, since)
                   for one, state in states.items()]  # fmt: skip
        name = surveys.camera_of("x").name
        self.board.publish(SiteStatus("house", name, SiteState.OK, since, tuple(cameras)))

    def rtsp(self, camera: str = "door") -> str | None:
        found = self.streams.fleet.sites["house"].camera(camera)
        assert found is not None
        return found.rtsp

    def problems(self, camera: str = "door") -> str:
        return "\n".join(one.message for one in self.notes.problems("house", camera))

    async def another_search(self) -> None:
        """Wait until a whole search has passed."""
        seen = self.searches
        await until(lambda: self.searches >= seen + 2, within=30)


@asynccontextmanager
async def desk(subnet: str, folder: Path | None = None) -> AsyncIterator[Desk]:
    # Nobody answers probes at this port: the cameras are found by their usual ports.
    async with surveys.field(port=9, with_tcp=True, folder=folder) as net:
        made = Desk(net, subnet)
        await made.streams.start()
        made.work.start()
        try:
            yield made
        finally:
            await made.work.close()
            await made.streams.close()


async def known(made: Desk, camera: OnvifCamera, *, file: Camera) -> None:
    """Let a survey get to know a camera of the file, and then let its plug be pulled."""
    made.say(door=CameraState.LIVE)
    made.take(file)
    memory = Remembered(
        "house", "door", f"mac:{MAC}", camera.host, "source0", file.onvif or file.rtsp or "",
        f"rtsp://{camera.host}/main/main0", credential="env:CAMERAS",
        serial_identity="serial:Dome 2:SN-1",
    )  # fmt: skip
    await made.streams.learn(memory)


async def test_a_camera_known_by_onvif_is_followed_and_comes_back(tmp_path: Path) -> None:
    home, away = "127.0.61.2", "127.0.61.5"
    file = camera_of("door", onvif=at(home), credential=GOOD)
    async with desk("127.0.61.0/29", tmp_path) as made:
        async with camera_at(home) as camera:
            await known(made, camera, file=file)
            assert made.rtsp() == f"rtsp://{home}/main/main0"
        async with camera_at(away):
            made.say(door=CameraState.SILENT)
            await until(lambda: made.rtsp() == f"rtsp://{away}/main/main0", within=30)
            said = f"door moved from {home} to {away}; the file still names the old address"
            await until(lambda: made.problems() == said)
            [given] = made.streams.given.sites["house"].cameras
            assert given.onvif == at(home), "the file is as it was"
            made.say(door=CameraState.LIVE)
            searched = made.searches
            for _ in range(10):
                await asyncio.sleep(0.02)
            assert made.searches <= searched + 1, "nobody looks for a camera that plays"
    async with desk("127.0.61.0/29", tmp_path) as made:
        made.say(door=CameraState.SILENT)
        made.take(file)
        assert made.rtsp() == f"rtsp://{away}/main/main0", "it outlives a restart"
        await until(lambda: "moved from" in made.problems())
        async with camera_at(home):
            await until(lambda: made.rtsp() == f"rtsp://{home}/main/main0", within=30)
            await until(lambda: not made.problems())


@pytest.mark.parametrize("follow", list(Follow))
async def test_an_address_of_the_file_is_told_played_or_corrected(
    follow: Follow, tmp_path: Path
) -> None:
    number = 62 + list(Follow).index(follow)
    home, away = f"127.0.{number}.2", f"127.0.{number}.5"
    text = f"""\
name: House
discovery: {{subnets: [127.0.{number}.0/29], follow: {follow}}}  # by hand
cameras:
  # the door
  - {{id: door, name: Door, onvif: {home}, rtsp: "rtsp://{home}:5554/a?b=1"}}
"""
    (tmp_path / "house.yaml").write_text(text, encoding="utf-8")
    async with desk(f"127.0.{number}.0/29") as made:
        made.files = SiteFiles(tmp_path)
        [file] = load(tmp_path).sites["house"].cameras
        assert load(tmp_path).sites["house"].discovery.follow is follow
        file = replace(file, credential=GOOD)
        async with camera_at(away) as camera:
            await known(made, camera, file=file)
            look = Checkup("house", "door", datetime.now(UTC), subject("house", file).target)
            await made.net.records.keep_checkup(look)
            made.take(file, follow=follow)
            made.say(door=CameraState.SILENT)
            await until(lambda: away in made.problems(), within=30)
            if follow is Follow.TELL:
                assert "is not played from there" in made.problems()
                assert made.rtsp() == file.rtsp
            else:
                assert made.rtsp() == f"rtsp://{away}:5554/a?b=1"
            if follow is not Follow.WRITE:
                assert made.written == []
                return
            await until(lambda: away in (tmp_path / "house.yaml").read_text(encoding="utf-8"))
            written = (tmp_path / "house.yaml").read_text(encoding="utf-8")
            assert written == text.replace(home, away), "only the addresses have changed"
            [file] = load(tmp_path).sites["house"].cameras
            made.take(file, follow=follow)
            await until(lambda: not made.problems())
            assert made.rtsp() == f"rtsp://{away}:5554/a?b=1"
            # The remark goes first; what is remembered follows within the same round.
            taken = replace(look, target=subject("house", file).target)
            await until(lambda: kept_is(made, taken))
            memory = made.streams.memory("house", "door")
            assert memory is not None
            assert (memory.target, memory.moved) == (away, "")


async def kept_is(made: Desk, look: Checkup) -> bool:
    return await made.net.records.checkups() == [look]


async def test_twins_are_told_and_nobody_is_followed() -> None:
    home = "127.0.66.2"
    file = camera_of("door", onvif=at(home), credential=GOOD)
    async with AsyncExitStack() as stack:
        made = await stack.enter_async_context(desk("127.0.66.0/29"))
        twins = [await stack.enter_async_context(camera_at(f"127.0.66.{n}")) for n in (3, 4)]
        await known(made, twins[0], file=file)
        before = made.rtsp()
        made.say(door=CameraState.SILENT)
        await until(lambda: "127.0.66.3 and 127.0.66.4 answer as it" in made.problems(), within=30)
        assert made.rtsp() == before


async def test_strangers_are_asked_once_and_nothing_outside_at_all() -> None:
    file = camera_of("door", onvif=at("127.0.67.2"), credential=WRONG)
    async with (
        desk("127.0.67.0/29") as made,
        camera_at("127.0.67.4", Quirks(mac="a4:14:37:00:00:09", serial="SN-9")) as stranger,
        camera_at("127.0.67.9") as outside,
    ):
        await known(made, outside, file=file)
        made.take(file, credentials=(WRONG,))
        made.surveyed.add("house")
        made.say(door=CameraState.SILENT)
        for _ in range(10):
            await asyncio.sleep(0.02)
        assert made.searches == 0, "not beside a survey"
        made.surveyed.clear()
        for _ in range(3):
            await made.another_search()
        assert stranger.wrong_passwords == 1
        assert not outside.asked
        assert not made.problems()


async def test_an_edit_that_is_refused_leaves_the_camera_playing() -> None:
    home, away = "127.0.68.2", "127.0.68.5"
    file = camera_of("door", onvif=at(home), credential=GOOD)
    async with desk("127.0.68.0/29") as made, camera_at(away) as camera:
        await known(made, camera, file=file)
        made.take(file, follow=Follow.WRITE)
        made.say(door=CameraState.SILENT)
        await until(lambda: made.written, within=30)
        await until(lambda: made.rtsp() == f"rtsp://{away}/main/main0")
        await made.another_search()
        assert "the file still names the old address" in made.problems()
        assert made.written == [{"onvif": at(away)}], "it is tried once"


# The decisions by themselves.


def lost(camera: str, host: str, identity: str = f"mac:{MAC}", **more: str) -> Lost:
    file = camera_of(camera, onvif=host)
    return Lost(file, Remembered("house", camera, identity, host, "0", host, **more))


def met(host: str, mac: str | None = MAC, serial: str = "") -> Sighting:
    report = DeviceReport(host, at(host), "Acme", "Dome", serial=serial, mac=mac)
    return Sighting(1, host, at(host), report=report)


SERIAL = "serial:Dome:SN-1"


@pytest.mark.parametrize(
    ("one", "here", "address", "alarm"),
    [
        (lost("a", "10.0.0.2"), [met("10.0.0.5")], "10.0.0.5", ""),
        (lost("a", "10.0.0.2"), [met("10.0.0.2")], "", ""),
        (lost("a", "10.0.0.2"), [met("10.0.0.2"), met("10.0.0.5")], "", "answer as it"),
        (lost("a", "10.0.0.2"), [met("10.0.0.9")], "", "another camera's address"),
        (lost("a", "10.0.0.2", SERIAL), [met("10.0.0.5", None, "SN-1")], "10.0.0.5", ""),
        (lost("a", "10.0.0.2", SERIAL), [met("10.0.0.5", MAC, "SN-1")], "10.0.0.5", ""),
        (
            lost("a", "10.0.0.2", f"mac:{MAC}", serial_identity=SERIAL),
            [met("10.0.0.5", "a4:14:37:00:00:02", "SN-1")],
            None,
            "",
        ),
        (lost("a", "10.0.0.2", "address:10.0.0.2"), [met("10.0.0.5")], None, ""),
        (lost("a", "10.0.0.2"), [met("10.0.0.5", None, "SN-1")], None, ""),
    ],
)
def test_who_is_met_where(one: Lost, here: list[Sighting], address: str | None, alarm: str) -> None:
    found = list(whereabouts([one], here, [], {"10.0.0.9"}))
    if address is None:
        assert found == []
        return
    [only] = found
    assert alarm in only.alarm.text
    assert bool(only.alarm) is bool(alarm)
    assert only.address == address


def test_two_places_with_one_identity_are_clones_and_two_channels_are_a_recorder() -> None:
    clones = lost("a", "10.0.0.2"), lost("b", "10.0.0.3")
    assert all(one.alarm for one in whereabouts(clones, [met("10.0.0.5")], [], ()))
    [only] = whereabouts(clones[:1], [met("10.0.0.5")], clones[1:], ())
    assert "b of this site is remembered as it" in only.alarm.text
    assert only.alarm.code == "remembered_twice"
    assert ("others", "b") in only.alarm.values
    channels = lost("a", "10.0.0.2"), lost("b", "10.0.0.2")
    found = list(whereabouts(channels, [met("10.0.0.5")], [], ()))
    assert [one.address for one in found] == ["10.0.0.5", "10.0.0.5"]


@pytest.mark.parametrize(
    ("target", "there"),
    [
        ("10.0.0.2", "10.0.0.5"),
        ("10.0.0.2:8000", "10.0.0.5:8000"),
        ("http://10.0.0.2/onvif/x?y=1", "http://10.0.0.5/onvif/x?y=1"),
        ("rtsp://10.0.0.2:554/a/b?c=d&e", "rtsp://10.0.0.5:554/a/b?c=d&e"),
        ("camera.lan", "10.0.0.5"),
        (None, None),
    ],
)
def test_only_the_host_of_an_address_moves(target: str | None, there: str | None) -> None:
    assert moved(target, "10.0.0.5") == there


def test_what_is_only_known_by_its_place_is_not_followed() -> None:
    assert not can_be_followed(None)
    assert not can_be_followed(lost("a", "10.0.0.2", "address:10.0.0.2").memory)
    assert can_be_followed(lost("a", "10.0.0.2", "address:x", serial_identity=SERIAL).memory)


def test_an_entry_is_where_its_memory_says_unless_it_is_only_to_be_told() -> None:
    file = camera_of("a", rtsp="rtsp://10.0.0.2/1", rtsp_sub="rtsp://10.0.0.2/2")
    memory = Remembered("house", "a", SERIAL, "10.0.0.5", "0", "rtsp://10.0.0.2/1",
                        moved="10.0.0.5")  # fmt: skip
    there = placed(file, memory, Follow.PLAY)
    assert (there.rtsp, there.rtsp_sub) == ("rtsp://10.0.0.5/1", "rtsp://10.0.0.5/2")
    assert placed(file, memory, Follow.TELL) == file
    assert placed(file, None, Follow.PLAY) == file
    other = replace(file, rtsp="rtsp://10.0.0.7/1")
    assert placed(other, memory, Follow.PLAY) == other, "the file has been changed by hand"
    onvif = replace(file, rtsp=None, rtsp_sub=None, onvif="10.0.0.2")
    told = replace(memory, target="10.0.0.2", main="rtsp://10.0.0.5/1")
    assert placed(onvif, told, Follow.PLAY).rtsp == "rtsp://10.0.0.5/1"
    assert placed(onvif, told, Follow.TELL).rtsp == "rtsp://10.0.0.2/1"
    said = away(onvif, "10.0.0.5", Follow.TELL)
    assert "10.0.0.2" in said.text
    values = (("camera", "a"), ("home", "10.0.0.2"), ("address", "10.0.0.5"))
    assert (said.code, said.values) == ("moved_not_played", values)


def test_a_bare_host_stays_one_and_the_rest_of_an_address_what_it_is() -> None:
    assert entry_at(camera_of("a", onvif="10.0.0.2"), "10.0.0.5") == {"onvif": "10.0.0.5"}
    both = camera_of("a", onvif="http://10.0.0.2:80/x", rtsp="rtsp://10.0.0.2/1")
    there = {"onvif": "http://10.0.0.5:80/x", "rtsp": "rtsp://10.0.0.5/1"}
    assert entry_at(both, "10.0.0.5") == there
