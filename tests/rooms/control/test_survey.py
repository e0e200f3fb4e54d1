"""Surveys of real pretend cameras: found, interviewed, probed, recognised, whatever they do."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.api.survey_views import status_view
from gateway.control.recognise import remembered
from gateway.demo.building import DemoBuilding
from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.probe import Playable
from gateway.model.survey import SightingState, SurveyEventKind, SurveyState
from tests.peers.onvif_device import PASSWORD, OnvifCamera, Quirks
from tests.peers.rtsp_peer import rtsp_peer
from tests.rooms.control.field import GOOD, WRONG, by_camera, camera_of, field, site_of

pytestmark = pytest.mark.slow

PLAIN = frozenset({"GetServices"})


@pytest.fixture
async def building(clips: Path) -> AsyncIterator[DemoBuilding]:
    made = DemoBuilding(credential=GOOD, cache=clips, discovery_port=0)
    await made.start(3)
    yield made
    await made.close()


@pytest.mark.slow
async def test_a_building_is_found_interviewed_and_pictured(building: DemoBuilding) -> None:
    async with field(port=building.discovery_port or 0) as net:
        survey, events = await net.survey(site_of())
        pictures = [await net.records.picture(survey.order.id, n) for n in (1, 2, 3)]
    assert survey.status().state is SurveyState.FINISHED
    kinds = [event.kind for event in events]
    assert kinds[-1] is SurveyEventKind.FINISHED
    assert {SurveyEventKind.INTERVIEWED, SurveyEventKind.PROBED} <= set(kinds)
    progress = events[-1].progress
    assert (progress.found, progress.probed, progress.pictures) == (3, 3, 3)
    assert all(one is not None and one.startswith(b"\xff\xd8") for one in pictures)
    for sighting in survey.book.sightings:
        assert sighting.state is SightingState.PROBED
        assert sighting.verdict is not None
        assert sighting.verdict.playable is Playable.EVERYWHERE
        assert sighting.credential == "env:CAMERAS"
        assert sighting.main is not None
        assert sighting.sub is not None
        assert sighting.main.facts.width > sighting.sub.facts.width > 0


@pytest.mark.slow
async def test_a_camera_of_the_file_is_recognised_and_a_moved_one_is_told(
    building: DemoBuilding,
) -> None:
    entrance, yard, _ = building.cameras
    async with field(port=building.discovery_port or 0) as net:
        site = site_of(
            camera_of("door", onvif=entrance.onvif),
            camera_of("court", rtsp=yard.rtsp, rtsp_sub=yard.rtsp_sub, credential=GOOD),
        )
        first, _ = await net.survey(site)
        assert set(by_camera(first)) == {"door", "court"}
        assert len(first.book.sightings) == 3
        assert not any(one.moved_from for one in first.book.sightings)
        # The same devices, and a file that still names where they were.
        moved = site_of(camera_of("door", onvif="127.0.0.77"), camera_of("court", onvif="x"))
        second, _ = await net.survey(moved)
        known = await net.records.remembered()
        looks = await net.records.checkups()
    seen = by_camera(second)
    assert seen["door"].moved_from == "127.0.0.77"
    assert seen["door"].identity == by_camera(first)["door"].identity
    assert seen["court"].identity == by_camera(first)["court"].identity
    assert {one.camera: (one.target, one.moved) for one in known} == {
        "door": ("127.0.0.77", "127.0.0.1"),
        "court": ("x", ""),
    }, "a camera is played from where a survey has met it"
    assert {one.camera: one.baseline for one in looks} == {
        "door": Playable.EVERYWHERE,
        "court": Playable.EVERYWHERE,
    }


async def test_devices_that_claim_one_identity_raise_an_alarm_and_are_told_apart() -> None:
    twin = Quirks(mac="a4:14:37:00:00:0a", serial="S-1")
    async with OnvifCamera(twin) as one, OnvifCamera(twin) as two, field() as net:
        cameras = camera_of("left", onvif=one.url), camera_of("right", onvif=two.url)
        survey, _ = await net.survey(site_of(*cameras, subnets=()), pictures=False)
    assert set(by_camera(survey)) == {"left", "right"}
    for sighting in survey.book.sightings:
        assert "copied firmware" in sighting.alarms[0]
        assert sighting.remarks[0].code == "twins"
    assert by_camera(survey)["left"].target == one.url


async def test_another_device_at_a_cameras_address_is_told() -> None:
    async with OnvifCamera(Quirks(mac="a4:14:37:00:00:01")) as camera, field() as net:
        site = site_of(camera_of("door", onvif=camera.url), subnets=())
        first, _ = await net.survey(site, pictures=False)
        [sighting] = first.book.sightings
        known = remembered(site.id, "door", camera.url, sighting, first.started)
        await net.records.remember(known)
        camera.quirks.mac, camera.quirks.serial = "a4:14:37:00:00:02", "SN-2"
        second, _ = await net.survey(site, pictures=False)
    assert by_camera(second)["door"].alarms
    assert "exchanged" in by_camera(second)["door"].alarms[0]
    assert by_camera(second)["door"].remarks[0].values == (("camera", "door"),)


async def test_each_password_is_tried_once_on_onvif_and_rtsp_together() -> None:
    tries: list[str] = []

    def refuse(request: object) -> bytes:
        headers = request.headers  # type: ignore[attr-defined]  # the peer's request
        tries.append(headers.get("authorization", ""))
        cseq = headers["cseq"]
        return (
            f'RTSP/1.0 401 No\r\nCSeq: {cseq}\r\nWWW-Authenticate: Basic realm="x"\r\n\r\n'
        ).encode()

    async with rtsp_peer(DESCRIBE=refuse) as peer:
        quirks = Quirks(uri=f"rtsp://{{host}}:{peer.port}/{{token}}")
        async with OnvifCamera(quirks) as camera, field() as net:
            site = site_of(camera_of("door", onvif=camera.url), subnets=(),
                           credentials=(WRONG, GOOD))  # fmt: skip
            survey, _ = await net.survey(site)
            assert camera.wrong_passwords == 1
    [sighting] = survey.book.sightings
    assert sighting.failure is not None
    assert sighting.failure.kind == "unauthorized"
    # The user that ONVIF has accepted, once; the one that it has refused, never.
    assert len([one for one in tries if one]) == 1


async def test_a_plain_rtsp_address_can_be_surveyed(building: DemoBuilding) -> None:
    address = building.cameras[0].rtsp
    async with field() as net:
        survey, _ = await net.survey(site_of(), targets=[address])
        outside, _ = await net.survey(site_of(), targets=["rtsp://127.0.0.9:1/x", "10.9.9.9"])
    [sighting] = survey.book.sightings
    assert sighting.state is SightingState.PROBED
    assert sighting.has_picture
    assert sighting.credential == "env:CAMERAS"
    assert {one.failure.kind for one in outside.book.sightings if one.failure} == {"outside"}


@pytest.mark.slow
async def test_hanging_cameras_do_not_hold_up_the_others(building: DemoBuilding) -> None:
    hanging = [OnvifCamera(Quirks(body="hang")) for _ in range(30)]
    for one in hanging:
        await one.__aenter__()
    try:
        # The silent ones are not given up in this test: whoever waited for one would wait for ever.
        async with field(port=building.discovery_port or 0, hello_s=600) as net:
            site = site_of(*(camera_of(f"h{n}", onvif=one.url) for n, one in enumerate(hanging)))
            net.fleet[site.id] = site
            targets = [one.url for one in hanging] + [one.onvif for one in building.cameras]
            survey = net.surveys.start(site.id, targets=targets, pictures=False)
            with survey.book.feed.subscribe() as events:
                async for event in events:
                    if event.progress.interviewed == 3:
                        break
            assert event.progress.failed == 0
            net.surveys.cancel(site.id, survey.order.id)
            with survey.book.feed.subscribe() as events:
                last = [event async for event in events][-1]
            assert last.state is SurveyState.CANCELLED
    finally:
        for one in hanging:
            await one.__aexit__()


async def test_a_survey_outlives_the_gateway(tmp_path: Path) -> None:
    async with OnvifCamera() as camera:
        site = site_of(camera_of("door", onvif=camera.url), subnets=())
        async with field(folder=tmp_path) as net:
            first, events = await net.survey(site, pictures=False)
            net.surveys.start(site.id, targets=["10.9.9.9"], pictures=False)
        asked = len(camera.asked)
        async with field(folder=tmp_path) as net:
            net.fleet[site.id] = site
            await net.surveys.restore()
            again = net.surveys.last(site.id)
            assert again is not None
            assert again.status() == first.status()
            assert net.surveys.get(site.id, first.order.id).sighting(1) == first.sighting(1)
            with again.book.feed.subscribe() as told:
                assert [event async for event in told][-1] == events[-1]
            assert not net.surveys.busy()
            assert len(camera.asked) == asked
            # Another one may begin.
            await net.survey(site, pictures=False)
        async with field(folder=tmp_path) as net:
            await net.surveys.restore()
            assert net.surveys.last(site.id) is None, "the site is gone"


async def test_one_survey_at_a_time_and_an_end_for_each() -> None:
    async with OnvifCamera(Quirks(body="hang")) as camera, field() as net:
        site = site_of(camera_of("door", onvif=camera.url), subnets=())
        net.fleet[site.id] = site
        survey = net.surveys.start(site.id, deadline_s=0.3)
        with pytest.raises(GatewayError) as caught:
            net.surveys.start(site.id)
        assert caught.value.kind is ErrorKind.CONFLICT
        with survey.book.feed.subscribe() as events:
            last = [event async for event in events][-1]
        assert last.state is SurveyState.TOO_LONG
        assert last.reason
        begun = net.surveys.start(site.id)
        await net.surveys.close()
        await asyncio.sleep(0)
        assert begun.status().state is SurveyState.CANCELLED


@pytest.mark.parametrize(
    "target", ["rtsp://u:planted-pw@127.0.0.1/x", "ftp://127.0.0.1/", "http://[::bad/", "", "//"]
)
async def test_addresses_that_cannot_be_surveyed_are_refused(target: str) -> None:
    async with field() as net:
        net.fleet["house"] = site_of()
        with pytest.raises(GatewayError) as caught:
            net.surveys.start("house", targets=[target])
    assert caught.value.kind is ErrorKind.BAD_REQUEST
    assert "planted" not in str(caught.value)


async def test_a_scope_that_is_none_says_so() -> None:
    async with field() as net:
        survey, events = await net.survey(site_of(subnets=("10.0.0.0/8",)))
    assert events[-1].state is SurveyState.FAILED
    assert "more than" in survey.status().reason


@pytest.mark.slow
async def test_no_password_is_told_whatever_goes_wrong(
    building: DemoBuilding, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = [OnvifCamera(Quirks(body=body)) for body in ("html", "huge", "redirect")]
    odd += [OnvifCamera(Quirks(lock_after=1)), OnvifCamera(Quirks(uri="rtsp://{host}:9/x"))]
    async with contextlib.AsyncExitStack() as stack:
        for one in odd:
            await stack.enter_async_context(one)
        net = await stack.enter_async_context(field(port=building.discovery_port or 0))
        cameras = [camera_of(f"c{n}", onvif=one.url) for n, one in enumerate(odd)]
        site = site_of(*cameras, credentials=(WRONG, GOOD))
        survey, events = await net.survey(site)
        logged = capsys.readouterr()
        known = await net.records.remembered()
    told = json.dumps(status_view(survey.status(), site)) + repr((events, known, survey.order))
    told += logged.out + logged.err
    for secret in (PASSWORD, WRONG.password.reveal(), "c%40mera"):
        assert secret not in told
    assert len({one.failure.kind for one in survey.book.sightings if one.failure}) >= 3
