"""Interviews of cameras that misbehave: always an answer, always the right sentence."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from gateway.kit.secret import Secret
from gateway.model.device import DeviceFailureKind as Kind
from gateway.model.device import DeviceReport
from gateway.model.site import Credential
from gateway.onvif.discovery.scope import Scope
from gateway.onvif.interrogate import Interrogator
from tests.peers.onvif_device import PASSWORD, OnvifCamera, Quirks

pytestmark = pytest.mark.slow

SCOPE = Scope.of(("127.0.0.0/24",), None)
GOOD = Credential("viewer", Secret(PASSWORD), "env:CAMERAS")
WRONG = Credential("viewer", Secret("not-this-one"), "env:OLD")


@pytest.fixture
async def interrogator() -> AsyncIterator[Interrogator]:
    async with Interrogator(threads=8, camera_s=30.0) as made:
        yield made


@pytest.fixture
async def hasty() -> AsyncIterator[Interrogator]:
    """Return one that gives a camera up soon."""
    async with Interrogator(threads=8, camera_s=1.0) as made:
        yield made


async def ask(
    interrogator: Interrogator, camera: OnvifCamera, *credentials: Credential
) -> DeviceReport:
    return await interrogator.ask([camera.url], camera.host, SCOPE, credentials or (GOOD,))


async def test_a_good_camera_tells_all(interrogator: Interrogator) -> None:
    async with OnvifCamera() as camera:
        report = await ask(interrogator, camera)
    assert report.failure is None
    assert (report.make, report.model, report.firmware) == ("Acme", "Dome 2", "1.2")
    assert report.identity == "mac:a4:14:37:00:00:01"
    assert report.credential == "env:CAMERAS"
    [source] = report.sources
    assert (source.main.width, source.main.codec, source.main.gop) == (1920, "H264", 50)
    assert source.sub is not None
    assert source.sub.rtsp == "rtsp://127.0.0.1/main/sub0"
    assert not [name for name in camera.asked if "Subscription" in name]


@pytest.mark.parametrize(
    ("quirks", "kind", "words"),
    [
        (Quirks(body="html"), Kind.BAD_ANSWER, "cannot be understood"),
        (Quirks(body="text"), Kind.BAD_ANSWER, "cannot be understood"),
        (Quirks(body="empty"), Kind.BAD_ANSWER, "cannot be understood"),
        (Quirks(body="huge"), Kind.BAD_ANSWER, "far too long"),
        (Quirks(body="redirect"), Kind.NO_ONVIF, "no ONVIF service"),
        (Quirks(profiles=False), Kind.NO_PROFILE, "no profile"),
        (Quirks(skew=timedelta(hours=30), local_as_utc=True), Kind.WRONG_PASSWORD, "not accept"),
        (
            Quirks(skew=timedelta(hours=3), tolerance=timedelta(seconds=-1)),
            Kind.CLOCK_OFF,
            "off by 3.0 h",
        ),
        (Quirks(uri="http://{host}/{token}"), Kind.NO_PROFILE, "no profile"),
        (Quirks(refuse=frozenset({"GetProfiles"})), Kind.BAD_ANSWER, "refuses a question"),
    ],
    ids=lambda value: value.body if isinstance(value, Quirks) else None,
)
async def test_each_failure_has_its_sentence(
    interrogator: Interrogator, quirks: Quirks, kind: Kind, words: str
) -> None:
    async with OnvifCamera(quirks) as camera:
        report = await ask(interrogator, camera)
    assert report.failure is not None
    assert report.failure.kind is kind
    assert words in report.failure.message
    assert report.failure.hint
    assert PASSWORD not in repr(report)


@pytest.mark.parametrize("status", [200, 400, 401, 500])
async def test_a_wrong_password_is_told_whatever_status_the_fault_has(
    interrogator: Interrogator, status: int
) -> None:
    async with OnvifCamera(Quirks(fault_status=status)) as camera:
        report = await ask(interrogator, camera, WRONG)
        assert report.failure is not None
        assert report.failure.kind is Kind.WRONG_PASSWORD
        assert camera.wrong_passwords == 1


@pytest.mark.parametrize("auth", ["wsse", "http-digest", "open-info"])
async def test_each_credential_is_tried_once_and_the_good_one_is_named(
    interrogator: Interrogator, auth: str
) -> None:
    async with OnvifCamera(Quirks(auth=auth, lock_after=5)) as camera:
        report = await ask(interrogator, camera, WRONG, GOOD)
        assert report.failure is None
        assert report.credential == "env:CAMERAS"
        assert camera.wrong_passwords == 1


async def test_a_camera_without_password_needs_no_credential(interrogator: Interrogator) -> None:
    async with OnvifCamera(Quirks(auth="none")) as camera:
        report = await interrogator.ask([camera.url], camera.host, SCOPE, ())
    assert report.failure is None
    assert report.credential == ""


async def test_a_missing_credential_is_told_apart_from_a_wrong_one(
    interrogator: Interrogator,
) -> None:
    async with OnvifCamera() as camera:
        report = await interrogator.ask([camera.url], camera.host, SCOPE, ())
    assert report.failure is not None
    assert report.failure.kind is Kind.NEEDS_PASSWORD


async def test_a_locked_camera_is_left_alone(interrogator: Interrogator) -> None:
    async with OnvifCamera(Quirks(lock_after=1)) as camera:
        report = await ask(interrogator, camera, WRONG, GOOD)
        assert report.failure is not None
        assert report.failure.kind is Kind.LOCKED
        assert camera.wrong_passwords == 1


@pytest.mark.parametrize(
    "quirks",
    [
        Quirks(skew=timedelta(hours=3)),
        Quirks(skew=-timedelta(days=20_000)),
        Quirks(skew=timedelta(hours=3), local_as_utc=True),
        Quirks(date="zero"),
        Quirks(date="month13"),
        Quirks(date="none"),
        Quirks(xaddr_host="192.168.1.88"),
        Quirks(xaddr_host="169.254.7.7:8080"),
        Quirks(services=False),
        Quirks(refuse=frozenset({"GetServices"})),
        Quirks(refuse=frozenset({"GetNetworkInterfaces"})),
        Quirks(make=b"Acm\xe9 \x01\x02"),
        Quirks(media2=True, refuse=frozenset({"GetServices", "GetCapabilities"})),
        Quirks(uri=" rtsp://u:p@{host}:554/a?x=1&amp;amp;y={token}\r\n"),
    ],
)
async def test_oddities_do_not_keep_a_camera_out(
    interrogator: Interrogator, quirks: Quirks
) -> None:
    async with OnvifCamera(quirks) as camera:
        report = await ask(interrogator, camera)
    assert report.failure is None, report
    rtsp = report.sources[0].main.rtsp
    assert rtsp is not None
    assert rtsp.startswith("rtsp://127.0.0.1/")
    assert "p@" not in rtsp
    assert report.make.isprintable()


async def test_media2_tells_the_truth_about_h265(interrogator: Interrogator) -> None:
    async with OnvifCamera(Quirks(media2=True)) as camera:
        report = await ask(interrogator, camera)
    [source] = report.sources
    assert source.main.codec == "H265"
    assert source.sub is not None
    assert source.sub.codec == "H264"


async def test_a_recorder_shows_each_of_its_pictures(interrogator: Interrogator) -> None:
    async with OnvifCamera(Quirks(sources=4)) as camera:
        report = await ask(interrogator, camera)
    assert [source.token for source in report.sources] == [f"source{n}" for n in range(4)]
    assert all(source.sub for source in report.sources)


async def test_nothing_outside_the_scope_is_asked(interrogator: Interrogator) -> None:
    async with OnvifCamera(host="127.0.5.1") as camera:
        report = await interrogator.ask([camera.url], "127.0.0.1", SCOPE, (GOOD,))
        assert camera.asked == []
    assert report.failure is not None
    assert report.failure.kind is Kind.OUTSIDE


async def test_a_dead_address_is_unreachable(interrogator: Interrogator) -> None:
    url = "http://127.0.0.1:9/onvif/device_service"
    report = await interrogator.ask([url], "127.0.0.1", SCOPE, (GOOD,))
    assert report.failure is not None
    assert report.failure.kind is Kind.UNREACHABLE


@pytest.mark.parametrize("body", ["hang", "drip", "drip-head"])
async def test_a_camera_that_takes_its_time_is_left(hasty: Interrogator, body: str) -> None:
    async with OnvifCamera(Quirks(body=body)) as camera:
        report = await ask(hasty, camera)
    assert report.failure is not None
    assert report.failure.kind is Kind.TOO_SLOW
    assert "too slowly" in report.failure.message
    assert report.failure.hint


async def test_hanging_cameras_do_not_hold_the_good_ones_up() -> None:
    hung = [OnvifCamera(Quirks(body="hang")) for _ in range(4)]
    # The silent ones are not given up in this test: whoever waited for one would wait for ever.
    async with OnvifCamera() as good, Interrogator(hello_s=600) as interrogator:
        for camera in hung:
            await camera.__aenter__()
        slow = [asyncio.ensure_future(ask(interrogator, camera)) for camera in hung]
        report = await ask(interrogator, good)
        assert report.failure is None
        assert not any(task.done() for task in slow)
        for camera in hung:
            await camera.__aexit__()
        await asyncio.gather(*slow)
