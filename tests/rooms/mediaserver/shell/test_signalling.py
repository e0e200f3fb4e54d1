"""The WebSocket signalling, spoken by hand over real sockets."""

import contextlib
import json
import uuid
from typing import Any

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.rooms.mediaserver.fanout.browser import Browser
from tests.rooms.mediaserver.shell.conftest import TOKEN, Served, Signalling, serve
from tests.waiting import until

pytestmark = pytest.mark.slow


def play_of(name: str, offer: str, media_session_id: str | None = None) -> dict[str, Any]:
    return {
        "mediaSessionId": media_session_id or str(uuid.uuid4()),
        "name": name,
        "published": False,
        "hasVideo": True,
        "hasAudio": True,
        "status": "PENDING",
        "mediaProvider": "WebRTC",
        "sdp": offer,
    }


@pytest.fixture
async def live(server: Served, camera: str) -> Served:
    await server.call("rtsp/startup", {"uri": camera, "toStream": "yard"})
    await server.live("yard")
    return server


async def offer() -> str:
    async with Browser() as browser:
        return await browser.offer()


async def test_the_sequence_of_a_playback(live: Served) -> None:
    async with live.signalling() as client, Browser() as browser:
        user = await client.introduce(keepAlive=False)
        assert [name for name, _ in client.seen] == ["getVersion", "getUserData"]
        assert user["appKey"] == "a"
        assert user["authToken"]
        assert "webRTCMetricsServerDescription" not in user
        assert TOKEN not in json.dumps(user)
        body = play_of("yard", await browser.offer(), browser.id)
        await client.send("playStream", body)
        media_session_id, answer = await client.until("setRemoteSDP")
        assert media_session_id == browser.id
        assert "a=candidate:" in answer
        status = await client.status()
        assert status["status"] == "PLAYING"
        size = (await client.until("notifyStreamEvent"))[0]
        assert (size["type"], size["payload"]["streamerVideoWidth"] > 0) == ("resize", True)

        _, (viewer,) = await live.call("stream/find", {"published": False})
        assert viewer["mediaSessionId"] == browser.id
        assert (viewer["name"], viewer["mediaProvider"]) == ("yard", "WebRTC")
        _, (connection,) = await live.call("connection/find_all")
        assert connection["sessionId"].startswith("/127.0.0.1:")
        assert "custom" not in connection

        await client.send("stopStream", body)
        status = await client.status()
        assert (status["status"], status["info"]) == ("STOPPED", "Stopped by user")
        assert (await live.call("stream/find", {"published": False}))[0] == 404


async def test_several_streams_on_one_socket(live: Served) -> None:
    async with live.signalling() as client:
        await client.introduce()
        for _ in range(3):
            await client.send("playStream", play_of("yard", await offer()))
            assert (await client.status())["status"] == "PLAYING"
        _, viewers = await live.call("stream/find", {"published": False})
        assert len(viewers) == 3


@pytest.mark.parametrize(
    ("name", "info"),
    [
        ("other", "Stream not found"),
        ("", "Stream not found"),
        ("rtsp://127.0.0.1:9/x", "Restricted access"),
        ("RTSPS://127.0.0.1:9/x", "Restricted access"),
    ],
)
async def test_what_is_not_published_is_not_played(server: Served, name: str, info: str) -> None:
    async with server.signalling() as client:
        await client.introduce()
        await client.send("playStream", play_of(name, await offer()))
        status = await client.status()
        assert (status["status"], status["info"]) == ("FAILED", info)


async def test_a_camera_without_video_yet_is_not_ready(server: Served) -> None:
    await server.call("rtsp/startup", {"uri": "rtsp://127.0.0.1:9/x", "toStream": "yard"})
    async with server.signalling() as client:
        await client.introduce()
        await client.send("availableStream", {"mediaSessionId": "m", "name": "yard"})
        available = (await client.until("availableStream"))[0]
        assert available == {"id": "m", "status": "false", "info": "Publish stream is not ready"}
        await client.send("playStream", play_of("yard", await offer()))
        status = await client.status()
        assert status["info"] == "Publish stream is not ready"
        assert status["detail"]


async def test_available_stream(live: Served) -> None:
    async with live.signalling() as client:
        await client.introduce()
        for name, wanted in (("yard", "true"), ("other", "false")):
            await client.send("availableStream", {"mediaSessionId": "m", "name": name})
            assert (await client.until("availableStream"))[0]["status"] == wanted


@pytest.mark.parametrize("sdp", ["", "hello", "v=0\r\n"])
async def test_a_malformed_offer_is_told_apart(live: Served, sdp: str) -> None:
    async with live.signalling() as client:
        await client.introduce()
        await client.send("playStream", play_of("yard", sdp))
        status = await client.status()
        assert status["status"] == "FAILED"
        assert status["refused"].startswith("offer_")


async def test_media_session_ids_are_checked(live: Served) -> None:
    async with live.signalling() as client, live.signalling() as other:
        await client.introduce()
        await other.introduce()
        body = play_of("yard", await offer())
        await client.send("playStream", body)
        assert (await client.status())["status"] == "PLAYING"
        for again in (client, other):
            await again.send("playStream", body)
            assert (await again.status())["info"] == "MediaSessionId is already in use"
        # A stranger's stopStream does not end the play of somebody else.
        await other.send("stopStream", body)
        await other.send("playStream", {**body, "mediaSessionId": ""})
        assert (await other.status())["info"] == "MediaSessionId is null"
        assert len((await live.call("stream/find", {"published": False}))[1]) == 1


async def test_playing_before_the_introduction_and_publishing_are_refused(live: Served) -> None:
    async with live.signalling() as client:
        await client.send("playStream", play_of("yard", await offer()))
        assert (await client.status())["info"] == "Session not ready"
        await client.introduce()
        await client.send("publishStream", play_of("mine", await offer()))
        assert (await client.status())["info"] == "Restricted access"


@pytest.mark.parametrize(
    "custom", [None, {}, {"token": "wrong"}, {"token": 7}, "x", {"token": "\ud800"}]
)
async def test_a_wrong_token_is_refused(server: Served, custom: Any) -> None:
    async with server.signalling() as client:
        await client.send("connection", {"appKey": "a", "custom": custom})
        body = (await client.until("fail"))[0]
        assert body == {"apiMethod": "ConnectionStatusEvent", "info": "Restricted access"}
        assert await client.closed() == 1008


async def test_a_terminated_viewer_and_a_lost_camera_are_told(live: Served, camera: str) -> None:
    async with live.signalling() as client:
        await client.introduce()
        first, second = play_of("yard", await offer()), play_of("yard", await offer())
        for body in (first, second):
            await client.send("playStream", body)
            await client.status()
        await live.call("stream/terminate", {"mediaSessionId": first["mediaSessionId"]})
        status = await client.status()
        assert status["mediaSessionId"] == first["mediaSessionId"]
        assert (status["status"], status["info"]) == ("STOPPED", "Stopped by rest /terminate")
        await live.call("rtsp/terminate", {"uri": camera})
        status = await client.status()
        assert status["mediaSessionId"] == second["mediaSessionId"]
        assert status["status"] == "STOPPED"


@pytest.mark.parametrize(("keep", "left"), [(False, 0), (True, 1)])
async def test_a_lost_socket_ends_its_plays_unless_asked_to_keep_them(
    live: Served, *, keep: bool, left: int
) -> None:
    async with Browser() as browser:
        async with live.signalling() as client:
            await client.introduce(keepAlive=keep)
            await client.send("playStream", play_of("yard", await browser.offer(), browser.id))
            await client.status()
        await until(lambda: _connections(live))
        assert len(live.engine.viewers()) == left
        # A play that was kept can still be ended over REST.
        status, _ = await live.call("stream/terminate", {"mediaSessionId": browser.id})
        assert status == (200 if left else 404)


async def _connections(server: Served) -> bool:
    return (await server.call("connection/find_all"))[0] == 404


async def test_rest_ends_a_connection(server: Served) -> None:
    async with server.signalling() as client:
        await client.introduce()
        _, (connection,) = await server.call("connection/find_all")
        body = {"sessionId": connection["sessionId"]}
        assert (await server.call("connection/terminate", body))[0] == 200
        await client.closed()
    assert (await server.call("connection/terminate", body))[0] == 404


async def test_pings_come_and_silence_closes_the_socket() -> None:
    async with serve(ping_interval_s=0.05, missing_pongs=3) as server:
        async with server.signalling() as client:
            await client.introduce()
            for _ in range(6):
                assert (await client.socket.receive_json(timeout=5))["data"] == [None]
                await client.send("pong", None)
            assert await client.closed() == 1008
        async with server.signalling() as client:
            await client.introduce()
            await client.send("ping", None)
            assert await client.until("pong") == [None]


async def test_the_end_of_the_server_is_told_to_viewers(camera: str) -> None:
    async with aiohttp.ClientSession() as http:
        async with serve() as server:
            await server.call("rtsp/startup", {"uri": camera, "toStream": "yard"})
            await server.live("yard")
            client = Signalling(await http.ws_connect(server.ws_url))
            await client.introduce(keepAlive=True)
            await client.send("playStream", play_of("yard", await offer()))
            await client.status()
        status = await client.status()
        assert (status["status"], status["info"]) == ("STOPPED", "Stopped by publisher stop")
        await client.closed()


async def test_a_flood_closes_the_socket(server: Served) -> None:
    async with server.signalling() as client:
        await client.introduce()
        with contextlib.suppress(ConnectionError):
            for _ in range(1000):
                await client.send("pong", None)
        assert await client.closed() == 1008
    async with server.signalling() as client:
        await client.introduce()


async def test_an_oversized_message_closes_the_socket(server: Served) -> None:
    async with server.signalling() as client:
        await client.introduce()
        await client.socket.send_str("x" * 200_000)
        assert await client.closed() in (1002, 1009)
    async with server.signalling() as client:
        await client.introduce()


async def test_too_many_plays_on_one_socket_are_refused(live: Served) -> None:
    sdp = await offer()
    async with live.signalling() as client:
        await client.introduce()
        for _ in range(64):
            await client.send("playStream", play_of("yard", sdp))
            assert (await client.status())["status"] == "PLAYING"
        await client.send("playStream", play_of("yard", sdp))
        assert "at most" in (await client.status())["detail"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(
    [
        "connection",
        "playStream",
        "stopStream",
        "availableStream",
        "publishStream",
        "pong",
        "ping",
        "pushLogs",
        "x",
    ]
)
BODIES = st.dictionaries(
    st.sampled_from(["mediaSessionId", "name", "sdp", "custom", "keepAlive", "appKey"]), JSON
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    first=st.tuples(NAMES | JSON, st.lists(BODIES | JSON, max_size=2) | JSON),
    raw=st.text() | st.binary(),
)
async def test_hostile_messages_end_at_most_their_own_socket(
    server: Served, first: tuple[Any, Any], raw: str | bytes
) -> None:
    async with server.signalling() as client:
        await client.socket.send_str(json.dumps({"message": first[0], "data": first[1]}))
        if isinstance(raw, str):
            await client.socket.send_str(raw)
        else:
            await client.socket.send_bytes(raw)
    async with server.signalling() as client:
        assert await client.introduce()
