"""A media server that answers badly, or as a real WCS may: played by a bare web server."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import WSMsgType, web
from hypothesis import given
from hypothesis import strategies as st

from gateway.kit.secret import Secret
from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.server import ControlAddress
from gateway.wcs import reasons, stats
from gateway.wcs.server import WcsServer
from tests.rooms.wcs.conftest import driving

CAMERA = Secret("rtsp://viewer:planted@10.0.0.1/x")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def answering(handler: Handler) -> AsyncIterator[WcsServer]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host = f"127.0.0.1:{runner.addresses[0][1]}"
    try:
        async with driving(ControlAddress(f"http://{host}", f"ws://{host}/")) as driver:
            yield driver
    finally:
        await runner.cleanup()


def always(status: int, body: bytes = b"", **headers: str) -> Handler:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(status=status, body=body, headers=headers)

    return handler


@pytest.mark.parametrize(
    "answer",
    [
        always(200, b"{"),
        always(200, b"{}"),
        always(200, b""),
        always(200, b"[" * 100_000),
        always(500, b"<html>rtsp://viewer:planted@10.0.0.1/x</html>"),
        always(302, Location="http://127.0.0.1:9/"),
        always(200, b"[" + b" " * 9_000_000 + b"]"),
    ],
)
async def test_a_bad_list_is_a_bad_answer(answer: Handler) -> None:
    async with answering(answer) as driver:
        with pytest.raises(GatewayError) as caught:
            await driver.captures()
        assert caught.value.kind is ErrorKind.SERVER_BAD_ANSWER
        assert "planted" not in str(caught.value)


async def test_unknown_fields_and_odd_types_are_survived() -> None:
    odd = [7, None, {"name": 5, "width": True, "published": "yes"}, {"name": "yard", "more": {}}]
    async with answering(always(200, json.dumps(odd).encode())) as driver:
        assert [stream.name for stream in await driver.streams()] == ["", "yard"]


async def test_an_error_of_wcs_to_startup_hides_what_it_says() -> None:
    async with answering(always(500, b"no route to rtsp://viewer:planted@10.0.0.1/x")) as driver:
        with pytest.raises(GatewayError) as caught:
            await driver.startup(CAMERA, "yard")
        assert caught.value.kind is ErrorKind.CAMERA_UNREACHABLE
        assert "planted" not in str(caught.value)
    async with answering(always(500, b"Rtsp stream not found")) as driver:
        with pytest.raises(GatewayError, match="Rtsp stream not found"):
            await driver.startup(CAMERA, "yard")


async def test_find_all_that_tells_no_stream_names_still_confirms_a_409() -> None:
    async def handler(request: web.Request) -> web.Response:
        if request.path.endswith("startup"):
            return web.Response(status=409)
        return web.json_response([{"uri": CAMERA.reveal(), "status": "PLAYING"}])

    async with answering(handler) as driver:
        await driver.startup(CAMERA, "yard")


async def test_statistics_and_pictures_that_are_none() -> None:
    async with answering(always(404)) as driver:
        for call in (driver.stats(), driver.snapshot("yard")):
            with pytest.raises(GatewayError):
                await call
        assert not await driver.ready()
    for body in (b"{}", b'{"data": 5}', b'{"data": "%%%"}', b"[]"):
        async with answering(always(200, body)) as driver:
            with pytest.raises(GatewayError) as caught:
                await driver.snapshot("yard")
            assert caught.value.kind is ErrorKind.SERVER_BAD_ANSWER


def speaking(*answers: Any, stays: bool = False) -> Handler:
    """Answer playStream with ``answers``; ``$id`` in them is the client's mediaSessionId."""

    async def handler(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for frame in socket:
            if frame.type is not WSMsgType.TEXT:
                break
            message = json.loads(frame.data)
            if message["message"] == "connection":
                await socket.send_json({"message": "ping", "data": [None]})
                await socket.send_json({"message": "getUserData", "data": [{}]})
            elif message["message"] == "playStream":
                media_session_id = message["data"][0]["mediaSessionId"]
                for answer in answers:
                    text = answer if isinstance(answer, str) else json.dumps(answer)
                    await socket.send_str(text.replace("$id", media_session_id))
                if not stays:
                    break
        return socket

    return handler


ANSWER = {"message": "setRemoteSDP", "data": ["$id", "v=0 answer"]}


def status_of(status: str, **more: str) -> dict[str, Any]:
    return {
        "message": "notifyStreamStatusEvent",
        "data": [{"mediaSessionId": "$id", "status": status, **more}],
    }


async def test_noise_before_the_answer_is_passed_over() -> None:
    noise = ["", "{", "[]", "null", '{"message": 5}', '{"message": "x", "data": {}}']
    other = {"message": "setRemoteSDP", "data": ["another", "v=0 wrong"]}
    handler = speaking(*noise, other, status_of("PENDING"), status_of("PLAYING"), ANSWER)
    async with answering(handler) as driver:
        play = await driver.play("yard", "v=0")
        assert play.answer == "v=0 answer"
        # This server closes the socket at once, which is the end of the play too.
        assert "lost" in await asyncio.wait_for(play.ended, 5)


async def test_a_failure_after_the_answer_ends_the_play() -> None:
    failed = status_of("FAILED", info="Failed by ICE timeout")
    async with answering(speaking(ANSWER, failed)) as driver:
        play = await driver.play("yard", "v=0")
        assert await asyncio.wait_for(play.ended, 5) == "Failed by ICE timeout"


@pytest.mark.parametrize(
    ("info", "kind"),
    [
        ("Stream not found", ErrorKind.NOT_FOUND),
        ("Failed by RTP activity", ErrorKind.CAMERA_OFFLINE),
        ("Transcoding required, but disabled", ErrorKind.CODEC_UNSUPPORTED),
        ("Restricted access", ErrorKind.FORBIDDEN),
        ("Something new", ErrorKind.SERVER_BAD_ANSWER),
    ],
)
async def test_the_texts_of_wcs_become_kinds(info: str, kind: ErrorKind) -> None:
    async with answering(speaking(status_of("FAILED", info=info))) as driver:
        with pytest.raises(GatewayError) as caught:
            await driver.play("yard", "v=0")
        assert caught.value.kind is kind


async def test_a_silent_server_is_left_after_the_deadline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gateway.wcs.session.ANSWER_S", 0.2)
    async with answering(speaking(stays=True)) as driver:
        with pytest.raises(GatewayError) as caught:
            await driver.play("yard", "v=0")
        assert caught.value.kind is ErrorKind.SERVER_NOT_READY


async def test_a_stop_without_an_answer_is_not_taken_for_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gateway.wcs.session.STOP_S", 0.2)
    async with answering(speaking(ANSWER, stays=True)) as driver:
        play = await driver.play("yard", "v=0")
        with pytest.raises(GatewayError) as caught:
            await play.stop()
        assert caught.value.kind is ErrorKind.SERVER_NOT_READY
        assert not play.ended.done()


def test_statistics_take_numbers_and_leave_the_rest() -> None:
    parsed = stats.parse("---- a ----\nx=1\ny=2.5\nz=many\n-b=3\nnan=nan\nw=\nstray\nx =4\n")
    assert parsed.values == {"x": 4.0, "y": 2.5}


@given(st.text())
def test_any_statistics_are_survived(text: str) -> None:
    assert all(isinstance(value, float) for value in stats.parse(text).values.values())


@given(st.dictionaries(st.sampled_from(["info", "detail", "refused"]), st.text() | st.integers()))
def test_any_failure_becomes_an_error_for_people(body: dict[str, Any]) -> None:
    error = reasons.error_of(body)
    assert error.message
    assert error.hint
