"""No password of a camera is seen anywhere, whatever goes wrong while cameras are looked after."""

import asyncio
import contextlib
import io
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog

from gateway.api.survey_views import acceptance_view, status_view
from gateway.config.edit import SiteFiles
from gateway.config.load import load
from gateway.control.board import Board
from gateway.control.checkups import Checkups
from gateway.control.drafts import addresses_of
from gateway.control.following import Follower, Rhythm
from gateway.control.notes import Notes
from gateway.control.registration import Newcomer, Registrations
from gateway.control.streams import Streams
from gateway.control.survey_tools import Tools
from gateway.demo.building import DemoBuilding
from gateway.kit import logs
from gateway.kit.clock import SystemClock
from gateway.model.company import Fleet, Settings
from gateway.model.device import DeviceReport
from gateway.model.probe import ProbeResult
from gateway.model.status import CameraState, CameraStatus, SiteState, SiteStatus
from gateway.rtsp.address import parse
from gateway.rtsp.probe import Prober
from gateway.saying import Sayings
from gateway.store.record_page import page
from tests.peers.onvif_device import PASSWORD
from tests.peers.rtsp_peer import SDP, reply, rtsp_peer
from tests.rooms.control.field import GOOD, WRONG, Field, camera_of, field, site_of
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

SECRETS = (PASSWORD, "c%40mera", WRONG.password.reveal())
LONG_AGO = datetime.now(UTC) - timedelta(days=9)


@pytest.fixture
def log() -> Any:
    """Let everything be logged as the service does it, tracebacks too, to where it can be read."""
    written = io.StringIO()
    logs.set_up(stream=written)
    yield written
    structlog.reset_defaults()


@pytest.fixture
async def building(clips: Path) -> AsyncIterator[DemoBuilding]:
    made = DemoBuilding(credential=GOOD, cache=clips, discovery_port=0)
    await made.start(2)
    yield made
    await made.close()


def clean(told: str | bytes) -> None:
    data = told.encode() if isinstance(told, str) else told
    for secret in SECRETS:
        assert secret.encode() not in data


def files_of(folder: Path) -> bytes:
    return b"".join(one.read_bytes() for one in folder.rglob("*") if one.is_file())


async def beside(work: "asyncio.Task[Any]") -> bytes:
    """Return the arguments of all processes that are there while something is done."""
    seen = b""
    while not work.done():
        seen += command_lines()
        await asyncio.sleep(0.05)
    return seen


def command_lines() -> bytes:
    seen = b""
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            seen += entry.read_bytes()
    return seen


def of_process(pid: int, name: str) -> bytes:
    return Path(f"/proc/{pid}/{name}").read_bytes()


async def test_from_the_search_to_the_acceptance_record(
    building: DemoBuilding, tmp_path: Path, log: io.StringIO
) -> None:
    sites, data = tmp_path / "sites", tmp_path / "data"
    sites.mkdir()
    text = "name: House\ncameras: []\n"
    (sites / "house.yaml").write_text(text, encoding="utf-8")
    async with field(port=building.discovery_port or 0, folder=data) as net:
        site = site_of(credentials=(WRONG, GOOD))
        surveying = asyncio.ensure_future(net.survey(site))
        lines = await beside(surveying)
        survey, events = await surveying
        assert b"gateway.rtsp.probe_child" in lines
        clean(lines)
        clean(json.dumps(status_view(survey.status(), site)) + repr((survey.status(), events)))
        seen = next(one for one in survey.book.sightings if one.verdict is not None)
        board = Board()
        work = Registrations(
            editor=SiteFiles(sites, environment={"CAMERAS": PASSWORD}),
            board=board,
            fleet=lambda: load(sites),
            records=net.records,
            clock=SystemClock(),
        )
        fields = {"id": "door", "name": "Door", **addresses_of(seen)}
        newcomer = Newcomer(fields, who="Ivan", sighting=seen, survey=survey.order.id)
        await work.add("house", newcomer)
        now = datetime.now(UTC)
        live = CameraStatus("door", camera_of("door").name, CameraState.LIVE, now)
        board.publish(SiteStatus("house", live.name, SiteState.OK, now, cameras=(live,)))

        async def accepted() -> Any:
            return await net.records.acceptance("house", "door")

        record = await until(accepted)
        await work.close()
    assert record.make
    assert record.picture
    pages = [page(record, language, Sayings(language).mend) for language in ("ru", "en")]
    clean(json.dumps(acceptance_view(record)) + "".join(pages))
    clean(repr(record) + log.getvalue())
    clean(files_of(tmp_path))


class Broken:
    """Rooms that fail with everything that they were given in their hands."""

    async def look_at(self, rtsp: str, credential: object) -> ProbeResult:
        address = parse(rtsp).with_login(GOOD.username, GOOD.password)
        raise RuntimeError(f"{address} {address.secret_url} {credential!r}")

    async def ask(
        self, found: object, credentials: object, discovery: object = None
    ) -> DeviceReport:
        raise ValueError(found, credentials, discovery)


async def test_tracebacks_of_mistakes_name_no_password(tmp_path: Path, log: io.StringIO) -> None:
    broken = Broken()
    camera = camera_of("door", rtsp="rtsp://127.0.0.1:9/x", onvif="127.0.0.1", credential=GOOD)
    known = camera_of("yard", onvif="127.0.0.1:9", credential=GOOD)
    house = site_of(camera, known)
    async with field(folder=tmp_path) as net:
        real = net.surveys.tools
        tools = replace(real, prober=broken, interviewer=_asked_by(real, broken))
        net.surveys.tools = tools
        survey, _ = await net.survey(house, targets=["127.0.0.1", "rtsp://127.0.0.1:9/x"])
        assert survey.book.sightings
        await _look_after(net, tools, house)
    logged = log.getvalue()
    for sentence in ("a probe has failed", "an interview has failed", "a look has failed"):
        assert sentence in logged
    assert "Traceback" in logged
    assert "a camera could not be asked" in logged
    clean(logged)
    clean(files_of(tmp_path))


def _asked_by(tools: Tools, broken: Broken) -> Any:
    interviewer: Any = tools.interviewer

    class Interviewer:
        locate = staticmethod(interviewer.locate)
        ask = broken.ask

    return Interviewer()


async def _look_after(net: Field, tools: Tools, house: Any) -> None:
    """Let the loops beside the videos meet the same mistakes."""
    board, notes, fleet = Board(), Notes(), Fleet(Settings(), {house.id: house})
    states = [CameraStatus(one.id, one.name, CameraState.LIVE, LONG_AGO) for one in house.cameras]
    board.publish(SiteStatus(house.id, house.name, SiteState.OK, LONG_AGO, tuple(states)))
    clock = _Later()
    tools = replace(tools, clock=clock)
    streams = Streams(
        interviewer=tools.interviewer,
        records=tools.records,
        board=board,
        clock=clock,
        notes=notes,
        changed=lambda: None,
    )
    streams.take(fleet)
    checkups = Checkups(
        tools=tools,
        given=lambda: fleet,
        fleet=lambda: streams.fleet,
        board=board,
        notes=notes,
        surveying=lambda _: False,
        pictures=_Nowhere(),
    )
    follower = Follower(
        tools=tools,
        streams=streams,
        board=board,
        notes=notes,
        edit=_refuse,
        surveying=lambda _: False,
        rhythm=Rhythm(patience=0, first=0.01, look=0.01),
    )
    await streams.start()
    checkups.start()
    follower.start()

    async def looked() -> bool:
        return any(one.failure for one in await net.records.checkups())

    try:
        await until(lambda: clock.turns > 3)
        clock.ahead = timedelta(hours=5)
        await until(looked, within=30)
        await until(lambda: notes.of(house.id, "yard").trouble, within=30)
        clean(repr(notes) + repr(board.sites()) + repr(await net.records.checkups()))
    finally:
        for one in (follower, checkups, streams):
            await one.close()


class _Later(SystemClock):
    def __init__(self) -> None:
        self.ahead = timedelta()
        self.turns = 0

    def now(self) -> datetime:
        return super().now() + self.ahead

    async def sleep(self, seconds: float) -> None:
        self.turns += 1
        await asyncio.sleep(min(seconds, 0.02))


class _Nowhere:
    async def offer(self, site_id: str, camera_id: str, jpeg: bytes) -> None:
        raise AssertionError((site_id, camera_id, len(jpeg)))


async def _refuse(site: str, camera: str, fields: object) -> None:
    raise AssertionError((site, camera, fields))


async def test_a_worker_that_dies_leaves_no_core() -> None:
    """OpenCV itself plays what our client does not: its process knows the password."""
    sdp = SDP.replace("H264", "VP8").replace("packetization-mode=1;", "")

    asked: list[str] = []

    def describe(request: Any) -> bytes | None:
        asked.append(request.headers.get("user-agent", ""))
        return reply(request, body=sdp, content_type="application/sdp") if len(asked) == 1 else None

    prober = Prober()
    async with rtsp_peer(DESCRIBE=describe) as peer:
        looking = asyncio.ensure_future(prober.look_at(peer.url(), GOOD))
        try:
            await until(lambda: prober._busy, within=30)
            [child] = prober._busy
            await until(lambda: len(asked) > 1, within=30)
            limits = of_process(child.pid, "limits").decode()
            [line] = [one for one in limits.splitlines() if "core file size" in one]
            assert line.split()[4:6] == ["0", "0"]
            clean(of_process(child.pid, "cmdline"))
            child.kill()
            result = await looking
            assert result.failure is not None
            clean(repr(result))
        finally:
            looking.cancel()
            await asyncio.wait([looking])
            await prober.close()
