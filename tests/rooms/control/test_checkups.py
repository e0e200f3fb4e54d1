"""Full looks at real pretend cameras, in days that pass in seconds."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.control.board import Board
from gateway.control.checkup_results import subject
from gateway.control.checkups import Checkups
from gateway.control.notes import Notes
from gateway.demo.building import DemoBuilding
from gateway.kit.clock import SystemClock
from gateway.kit.secret import Secret
from gateway.model.checkup import Checkup
from gateway.model.company import Fleet, Settings
from gateway.model.probe import CameraVerdict, Playable
from gateway.model.site import Camera, Credential, PrivacyHours, Site
from gateway.model.status import CameraState, CameraStatus, SiteState, SiteStatus
from tests.peers.rtsp_peer import Request, RtspPeer, reply, rtsp_peer
from tests.rooms.control import field as surveys
from tests.rooms.control.field import GOOD, Field, camera_of, site_of
from tests.waiting import until

LONG_AGO = timedelta(days=60)


class Days(SystemClock):
    """The machine's clock, ``ahead`` of it; pauses are short."""

    def __init__(self) -> None:
        self.ahead = timedelta()
        self.rounds = 0

    def now(self) -> datetime:
        return super().now() + self.ahead

    async def sleep(self, seconds: float) -> None:
        self.rounds += 1
        await asyncio.sleep(min(seconds, 0.01))

    async def jump(self, ahead: timedelta) -> None:
        """Be so far ahead, after what is there now has been seen."""
        await self.turn()
        self.ahead = ahead

    async def turn(self) -> None:
        """Wait until another whole round has passed."""
        seen = self.rounds
        await until(lambda: self.rounds > seen + 2)


@dataclass
class Watch:
    """What is tested, and what stands around it."""

    net: Field
    clock: Days = field(default_factory=Days)
    board: Board = field(default_factory=Board)
    notes: Notes = field(default_factory=Notes)
    settings: Settings = field(default_factory=Settings)
    surveyed: set[str] = field(default_factory=set)
    posters: dict[tuple[str, str], bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.work = Checkups(
            tools=replace(self.net.surveys.tools, clock=self.clock),
            given=self.fleet,
            fleet=self.fleet,
            board=self.board,
            notes=self.notes,
            surveying=lambda site: site in self.surveyed,
            pictures=self,
        )

    def fleet(self) -> Fleet:
        return Fleet(self.settings, self.net.fleet)

    async def offer(self, site_id: str, camera_id: str, jpeg: bytes) -> None:
        self.posters[site_id, camera_id] = jpeg

    def put(self, site: Site, state: CameraState = CameraState.LIVE, **seen: object) -> None:
        """Put a site into the fleet and on the board, where it has been for long."""
        self.net.fleet[site.id] = site
        since = datetime.now(UTC) - LONG_AGO
        cameras = [CameraStatus(one.id, one.name, state, since, **seen) for one in site.cameras]  # type: ignore[arg-type]  # keys of a status
        self.board.publish(SiteStatus(site.id, site.name, SiteState.OK, since, tuple(cameras)))

    async def looked(self, camera: str = "door", *, failures: int = 0) -> Checkup:
        """Wait for a look at a camera and return what is kept of it."""

        async def kept() -> Checkup | None:
            found = {one.camera: one for one in await self.net.records.checkups()}
            one = found.get(camera)
            return one if one is not None and one.failures >= failures else None

        return await until(kept, within=60)  # type: ignore[return-value]  # until returns what is true


@asynccontextmanager
async def watch(folder: Path | None = None) -> AsyncIterator[Watch]:
    async with surveys.field(window_s=1.0, folder=folder) as net:
        made = Watch(net)
        made.work.start()
        try:
            yield made
        finally:
            await made.work.close()


@pytest.fixture
async def building(clips: Path) -> AsyncIterator[DemoBuilding]:
    made = DemoBuilding(credential=GOOD, cache=clips, discovery_port=None)
    await made.start(2)
    yield made
    await made.close()


def door(building: DemoBuilding, number: int = 0, **keys: object) -> Camera:
    one = building.cameras[number]
    keys = {"rtsp": one.rtsp, "rtsp_sub": one.rtsp_sub, "credential": GOOD, **keys}
    return camera_of("door" if not number else f"door-{number}", **keys)


@pytest.mark.slow
async def test_a_camera_that_got_worse_is_told_and_a_mended_one_no_more(
    building: DemoBuilding, tmp_path: Path
) -> None:
    house = site_of(door(building))
    at = subject(house.id, house.cameras[0])
    async with watch(tmp_path) as made:
        made.put(house, CameraState.IDLE)
        await made.clock.turn()
        assert await made.net.records.checkups() == [], "not before it has settled"
        await made.clock.jump(timedelta(hours=5))
        first = await made.looked()
        assert first.baseline is Playable.EVERYWHERE
        assert first.main is not None
        assert first.main.codec == "H264"
        assert (first.main.width, first.main.fps) == (1280, pytest.approx(15, abs=3))
        assert made.posters["house", "door"].startswith(b"\xff\xd8")
        await until(lambda: made.notes.of("house", "door").checked)
        # The records say that it was worse a moment ago, as a look at a changed camera would.
        bad = CameraVerdict(Playable.NOWHERE, None, None)
        worse = replace(first, when=made.clock.now(), verdict=bad)
        await made.net.records.keep_checkup(worse)
        made.work.refresh()
        await until(lambda: made.notes.problems("house", "door"))
    async with watch(tmp_path) as made:
        made.put(house)
        await until(lambda: made.notes.problems("house", "door"))
        await made.clock.jump(timedelta(hours=40))
        await until(lambda: not made.notes.problems("house", "door"), within=60)
        seen = made.notes.of("house", "door").checked
        assert seen is not None
        assert seen.playable is Playable.EVERYWHERE
        # What is known belongs to the entry that it was taken for.
        made.put(site_of(replace(house.cameras[0], rtsp="rtsp://127.0.0.1:9/other")))
        await until(lambda: made.notes.of("house", "door").checked is None)
        assert subject("house", made.net.fleet["house"].cameras[0]) != at


@pytest.mark.slow
async def test_one_of_a_site_at_once_and_never_beside_a_survey_or_in_privacy_hours(
    building: DemoBuilding,
) -> None:
    always = (PrivacyHours(0, 720), PrivacyHours(720, 0))
    async with watch() as made:
        made.put(site_of(door(building), door(building, 1)))
        made.put(site_of(door(building, privacy_hours=always), site_id="private"))
        made.put(site_of(door(building), site_id="surveyed"))
        made.surveyed.add("surveyed")
        made.settings = replace(made.settings, probe_every_s=None)
        await made.clock.jump(timedelta(days=2))
        await made.clock.turn()
        assert not made.work.busy, "never means never"
        made.settings = Settings()
        await until(lambda: made.work.busy)
        assert made.work.busy == {"house"}
        await made.looked("door")
        await made.looked("door-1")
        assert {one.site for one in await made.net.records.checkups()} == {"house"}
        # A survey by the command, in another process, is one too.
        made.surveyed.clear()
        await made.net.records.begin_survey("surveyed", "by-hand")
        await made.clock.turn()
        assert not made.work.busy


def busy(request: Request) -> bytes:
    return reply(request, 453, "Not Enough Bandwidth")


def refuse(request: Request) -> bytes:
    return reply(request, 401, "Unauthorized", www_authenticate='Basic realm="x"')


@asynccontextmanager
async def peer(**on: object) -> AsyncIterator[RtspPeer]:
    async with AsyncExitStack() as stack:
        yield await stack.enter_async_context(rtsp_peer(**on))  # type: ignore[arg-type]  # answers of the peer


@pytest.mark.parametrize("method", ["DESCRIBE", "SETUP"])
async def test_a_camera_of_one_session_is_left_to_the_media_server(method: str) -> None:
    async with peer(**{method: busy}) as camera, watch() as made:
        one = camera_of("door", rtsp=camera.url())
        made.put(site_of(one), video_codec="H264", width=1920, height=1080)
        await made.clock.jump(timedelta(hours=5))
        first = await made.looked()
        assert first.single
        assert first.failure is None
        assert first.main is not None
        assert (first.main.codec, first.main.width) == ("H264", 1920)
        assert first.verdict is not None
        assert [reason.code for reason in first.verdict.reasons] == ["one_session"]
        asked = len(camera.requests)
        await made.clock.jump(timedelta(hours=40))

        async def again() -> bool:
            return (await made.looked()).when > first.when

        await until(again)
        assert len(camera.requests) == asked, "it is not disturbed a second time"


async def test_a_refused_password_is_not_tried_again_until_the_entry_changes() -> None:
    wrong = Credential("viewer", Secret("planted-wrong-8"), "env:OLD")
    async with peer(DESCRIBE=refuse) as camera, watch() as made:
        one = camera_of("door", rtsp=camera.url(), credential=wrong)
        made.put(site_of(one), CameraState.IDLE)
        await made.clock.jump(timedelta(hours=5))
        found = await made.looked(failures=1)
        assert found.failure is not None
        assert found.failure.kind == "unauthorized"
        tried = len([one for one in camera.requests if "authorization" in one.headers])
        assert tried == 1
        asked = len(camera.requests)
        for day in range(3, 60, 10):
            await made.clock.jump(timedelta(days=day))
            await made.clock.turn()
        assert len(camera.requests) == asked
        made.put(site_of(replace(one, credential=GOOD)), CameraState.IDLE)
        await made.clock.jump(made.clock.ahead + timedelta(days=3))
        await made.looked(failures=2)
        assert len(camera.requests) > asked
        kept = repr(await made.net.records.checkups()) + repr(made.notes)
        assert "planted" not in kept
