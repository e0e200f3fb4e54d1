"""The opt-in change of a camera's encoder: within what it offers, and back if it does not help."""

from collections.abc import AsyncIterator

import pytest

from gateway.control.encoder_fix import Doing, Workshop
from gateway.demo.rtsp_server import RtspServer
from gateway.demo.stream import Stream
from gateway.kit.clock import SystemClock
from gateway.kit.tasks import Tasks
from gateway.model.encoder import Encoder
from gateway.model.errors import GatewayError
from gateway.model.probe import CameraVerdict, Playable
from gateway.model.survey import Sighting
from gateway.onvif.failures import DeviceError
from gateway.onvif.field import OnvifField
from gateway.onvif.settings import Offered, wanted
from gateway.rtsp.probe import Prober
from gateway.rtsp.verdict import judge_camera
from tests.bench.town import clip
from tests.peers.onvif_device import OnvifCamera, Quirks
from tests.rooms.control.field import GOOD

pytestmark = pytest.mark.slow

NOW = Encoder("e", "H264", "High", 100, 25, 1920, 1080)


@pytest.fixture
async def field() -> AsyncIterator[OnvifField]:
    async with OnvifField() as made:
        yield made


@pytest.fixture
async def prober() -> AsyncIterator[Prober]:
    made = Prober(window_s=2)
    yield made
    await made.close()


async def seen(field: OnvifField, camera: OnvifCamera) -> Sighting:
    found = await field.locate(camera.url)
    report = await field.ask(found, [GOOD])
    verdict = CameraVerdict(Playable.SOMEWHERE, None, None)
    return Sighting(1, camera.host, camera.url, report=report, source=report.sources[0],
                    verdict=verdict)  # fmt: skip


def workshop(field: OnvifField, prober: Prober) -> Workshop:
    return Workshop(field, prober, lambda main, sub, _: judge_camera(main, sub),
                    SystemClock(), settle_s=0.1)  # fmt: skip


@pytest.mark.parametrize("media2", [False, True])
async def test_a_better_setting_is_kept(field: OnvifField, prober: Prober, media2: bool) -> None:  # noqa: FBT001  # a case
    tasks = Tasks("test")
    streams = {"/main0": Stream(clip(640, 360), tasks, "main")}
    rtsp = RtspServer(streams, host="127.0.0.1", port=0, tasks=tasks)
    await rtsp.plug()
    quirks = Quirks(media2=media2, uri=f"rtsp://{{host}}:{rtsp.port}/{{token}}")
    try:
        async with OnvifCamera(quirks) as camera:
            sighting = await seen(field, camera)
            work = workshop(field, prober)
            change = await work.propose(sighting, GOOD)
            assert (change.before.codec, change.before.gop) == ("H265", 100 if media2 else 0)
            done = await work.fix(sighting, change, GOOD)
            assert done.kept
            assert done.verdict.playable is Playable.EVERYWHERE
            told = {"codec": "H264", "profile": "Main", "gop": "50", "width": "1280"}
            assert camera.encoder == told
            assert not (await work.propose(sighting, GOOD)).needed
    finally:
        await rtsp.close()
        await tasks.close()


@pytest.mark.parametrize("media2", [False, True])
async def test_the_old_setting_comes_back_when_no_picture_does(
    field: OnvifField,
    prober: Prober,
    media2: bool,  # noqa: FBT001  # a case
) -> None:
    async with OnvifCamera(Quirks(media2=media2, uri="rtsp://{host}:9/{token}")) as camera:
        before = dict(camera.encoder)
        sighting = await seen(field, camera)
        work = workshop(field, prober)
        change = await work.propose(sighting, GOOD)
        done_so_far: list[Doing] = []
        done = await work.fix(sighting, change, GOOD, tell=done_so_far.append)
        assert not done.kept
        assert done.result.failure is not None
        assert camera.encoder["codec"] == before["codec"]
        assert camera.asked.count("SetVideoEncoderConfiguration") == 2
    assert done_so_far == [Doing.SET, Doing.BACK]


@pytest.mark.parametrize("media2", [False, True])
async def test_what_a_camera_does_not_offer_is_not_sent(
    field: OnvifField,
    prober: Prober,
    media2: bool,  # noqa: FBT001  # a case
) -> None:
    async with OnvifCamera(Quirks(media2=media2, h264="")) as camera:
        sighting = await seen(field, camera)
        with pytest.raises(GatewayError, match=r"does not offer H\.264"):
            await workshop(field, prober).propose(sighting, GOOD)
        assert "SetVideoEncoderConfiguration" not in camera.asked


def test_only_what_must_change_changes() -> None:
    assert wanted(NOW, Offered()) == Encoder("e", "H264", "Main", 50, 25, 1920, 1080)
    baseline = Encoder("e", "H264", "Baseline", 50, 25, 1920, 1080)
    assert wanted(baseline, Offered(("Baseline", "Main"))) == baseline
    assert wanted(NOW, Offered(("Main",), 1, 30)).gop == 30
    assert wanted(NOW, Offered(("Main",), 100, 300)).gop == 100
    assert wanted(NOW, Offered(sizes=((640, 360),))).width == 1920
    with pytest.raises(DeviceError):
        wanted(NOW, Offered(("High",)))
