"""What control asks of a media server, asked of the embedded one."""

import asyncio
import re

import pytest
from aiortc import RTCSessionDescription

from gateway.control.ports import MediaServer
from gateway.kit.secret import Secret
from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.server import ControlAddress, StreamObserved
from gateway.wcs.server import WcsServer
from tests.rooms.mediaserver.fanout.browser import Browser
from tests.rooms.mediaserver.shell.conftest import Served, serve
from tests.rooms.wcs.conftest import control_of, driving
from tests.waiting import until

pytestmark = pytest.mark.slow

NOWHERE = Secret("rtsp://viewer:planted-camera-password@127.0.0.1:9/x")


async def live(driver: MediaServer, name: str = "yard") -> StreamObserved:
    async def look() -> StreamObserved | None:
        found = [s for s in await driver.streams() if s.name == name and s.published]
        return found[0] if found and found[0].status == "PUBLISHING" else None

    return await until(look)


async def test_an_idle_server_is_ready_and_empty(driver: WcsServer) -> None:
    assert await driver.ready()
    assert await driver.captures() == []
    assert await driver.streams() == []
    assert (await driver.stats()).get("ports_media_free") == 500
    assert not await driver.stop_viewer("nobody")
    assert not await driver.stop_viewer("")
    await driver.terminate_capture(NOWHERE)


async def test_a_capture_from_start_to_end(driver: WcsServer, camera: Secret) -> None:
    await driver.startup(camera, "yard")
    await driver.startup(camera, "yard")
    stream = await live(driver)
    assert (stream.video_codec, stream.width > 0) == ("H264", True)
    (capture,) = await driver.captures()
    assert (capture.uri, capture.stream, capture.status) == (camera, "yard", "PLAYING")
    assert (await driver.snapshot("yard")).startswith(b"\x89PNG")
    await driver.terminate_capture(camera)
    assert await driver.captures() == []


async def test_captures_in_the_way_are_a_conflict(driver: WcsServer, camera: Secret) -> None:
    await driver.startup(camera, "yard")
    for uri, stream in ((camera, "door"), (NOWHERE, "yard")):
        with pytest.raises(GatewayError) as caught:
            await driver.startup(uri, stream)
        assert caught.value.kind is ErrorKind.CONFLICT


async def test_a_dead_camera_says_why_without_its_password(driver: WcsServer) -> None:
    await driver.startup(NOWHERE, "yard")

    async def failed() -> str:
        (capture,) = await driver.captures()
        return capture.reason

    assert "127.0.0.1:9" in await until(failed)
    with pytest.raises(GatewayError) as caught:
        await driver.snapshot("yard")
    assert caught.value.kind is ErrorKind.CAMERA_OFFLINE
    with pytest.raises(GatewayError) as refused:
        await driver.startup(Secret("http://viewer:planted@10.0.0.1/"), "door")
    assert refused.value.kind is ErrorKind.CAMERA_UNREACHABLE
    assert "planted" not in str(refused.value)


async def test_a_viewer_sees_the_camera_and_stops(driver: WcsServer, camera: Secret) -> None:
    await driver.startup(camera, "yard")
    await live(driver)
    async with Browser() as browser:
        play = await driver.play("yard", await browser.offer())
        await browser.peer.setRemoteDescription(RTCSessionDescription(play.answer, "answer"))
        await until(lambda: browser.frames > 3, within=20)
        viewers = [s for s in await driver.streams() if not s.published]
        assert [v.media_session_id for v in viewers] == [play.id]
        await play.stop()
        assert play.ended.result() == "Stopped by user"
        assert [s for s in await driver.streams() if not s.published] == []


async def test_the_servers_tcp_transport_is_asked_for(driver: WcsServer, camera: Secret) -> None:
    await driver.startup(camera, "yard")
    await live(driver)
    async with Browser() as browser:
        plain = await driver.play("yard", await browser.offer())
        by_tcp = await driver.play("yard", browser.peer.localDescription.sdp, tcp=True)
        for play, wanted in ((plain, {"udp", "tcp"}), (by_tcp, {"tcp"})):
            assert set(re.findall(r"a=candidate:\d+ 1 (\w+) ", play.answer)) == wanted
            await play.stop()


async def test_the_end_of_a_play_is_told_whoever_ends_it(driver: WcsServer, camera: Secret) -> None:
    await driver.startup(camera, "yard")
    await live(driver)
    async with Browser() as browser:
        first = await driver.play("yard", await browser.offer())
        second = await driver.play("yard", browser.peer.localDescription.sdp)
    assert await driver.stop_viewer(first.id)
    assert await asyncio.wait_for(first.ended, 5) == "Stopped by rest /terminate"
    await driver.terminate_capture(camera)
    assert await asyncio.wait_for(second.ended, 5) == "Stopped by rest /terminate"
    await first.stop()


async def test_video_goes_on_when_the_gateway_is_gone(served: Served, camera: Secret) -> None:
    async with Browser() as browser:
        async with driving(control_of(served)) as first:
            await first.startup(camera, "yard")
            await live(first)
            play = await first.play("yard", await browser.offer())
            await browser.peer.setRemoteDescription(RTCSessionDescription(play.answer, "answer"))
            await until(lambda: browser.frames > 0, within=20)
        assert play.ended.done()
        frames = browser.frames
        await until(lambda: browser.frames > frames + 10)
        async with driving(control_of(served)) as second:
            assert await second.stop_viewer(play.id)


async def test_a_play_ends_when_the_server_is_gone(camera: Secret) -> None:
    async with serve() as served:
        driver = WcsServer(control_of(served))
        await driver.startup(camera, "yard")
        await live(driver)
        async with Browser() as browser:
            play = await driver.play("yard", await browser.offer())
    assert await asyncio.wait_for(play.ended, 5) == "Stopped by publisher stop"
    assert not await driver.ready()
    with pytest.raises(GatewayError) as caught:
        await driver.captures()
    assert caught.value.kind is ErrorKind.SERVER_NOT_READY
    with pytest.raises(GatewayError) as unplayed:
        await driver.play("yard", "v=0")
    assert unplayed.value.kind is ErrorKind.SERVER_NOT_READY
    await driver.close()


async def test_a_server_that_was_let_go_is_silent_for_whoever_still_asks(served: Served) -> None:
    driver = WcsServer(control_of(served))
    await driver.close()
    with pytest.raises(GatewayError) as unheard:
        await anext(driver.changes())
    with pytest.raises(GatewayError) as unasked:
        await driver.captures()
    kinds = {unheard.value.kind, unasked.value.kind}
    assert kinds == {ErrorKind.SERVER_NOT_READY}


async def test_refused_plays_say_their_kind(driver: WcsServer, camera: Secret) -> None:
    await driver.startup(camera, "yard")
    await live(driver)
    await driver.startup(NOWHERE, "door")
    async with Browser() as browser:
        offer = await browser.offer()
    only_vp8 = "\r\n".join(
        line for line in offer.split("\r\n") if "H264" not in line and "h264" not in line
    )
    cases = [
        ("nothing", offer, ErrorKind.NOT_FOUND),
        ("rtsp://127.0.0.1:9/x", offer, ErrorKind.FORBIDDEN),
        ("door", offer, ErrorKind.CAMERA_OFFLINE),
        ("yard", "hello", ErrorKind.OFFER_MALFORMED),
        ("yard", offer.replace("a=ice-ufrag", "a=ice-nothing"), ErrorKind.OFFER_UNUSABLE),
        ("yard", only_vp8, ErrorKind.CODEC_UNSUPPORTED),
    ]
    for stream, sdp, kind in cases:
        with pytest.raises(GatewayError) as caught:
            await driver.play(stream, sdp)
        assert caught.value.kind is kind, caught.value
        assert caught.value.message
        assert caught.value.hint
    assert [s for s in await driver.streams() if not s.published] == []


async def test_a_full_server_says_so(camera: Secret) -> None:
    async with serve(max_viewers=1) as served, driving(control_of(served)) as driver:
        await driver.startup(camera, "yard")
        await live(driver)
        async with Browser() as browser:
            offer = await browser.offer()
        await driver.play("yard", offer)
        assert (await driver.stats()).get("ports_media_free") == 0
        with pytest.raises(GatewayError) as caught:
            await driver.play("yard", offer)
        assert caught.value.kind is ErrorKind.SERVER_FULL


async def test_wrong_secrets_are_told_and_not_shown(served: Served) -> None:
    right = control_of(served)
    wrong = ControlAddress(
        right.http_url, right.ws_url, "gateway", Secret("planted-wrong"), Secret("planted-token-2")
    )
    async with driving(wrong) as driver:
        assert not await driver.ready()
        for call in (driver.captures(), driver.play("yard", "v=0")):
            with pytest.raises(GatewayError) as caught:
                await call
            assert caught.value.kind is ErrorKind.SERVER_BAD_ANSWER
            assert "planted" not in str(caught.value)
