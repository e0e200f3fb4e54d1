"""The REST API, asked over real sockets."""

import base64
import json
import re
from typing import Any

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.rooms.mediaserver.shell.conftest import Served, serve
from tests.waiting import until

pytestmark = pytest.mark.slow

NOWHERE = "rtsp://viewer:planted-camera-password@127.0.0.1:9/nowhere"


async def test_nothing_found_is_404_and_bodies_are_optional(server: Served) -> None:
    for path in ("rtsp/find_all", "stream/find_all", "connection/find_all"):
        assert (await server.call(path))[0] == 404
        assert (await server.call(path, {}))[0] == 404
        assert (await server.call(path, b""))[0] == 404


async def test_a_capture_is_started_found_and_ended_by_its_uri(server: Served, camera: str) -> None:
    assert await server.call("rtsp/startup", {"uri": camera, "toStream": "yard"}) == (200, "")
    await server.live("yard")
    status, (agent,) = await server.call("rtsp/find", {"uri": camera})
    assert status == 200
    assert agent.items() >= {"uri": camera, "status": "PLAYING", "toStream": "yard"}.items()
    assert (await server.call("rtsp/find", {"status": "PLAYING"}))[1][0]["uri"] == camera
    assert (await server.call("rtsp/find", {"status": "FAILED"}))[0] == 404
    assert await server.call("rtsp/terminate", {"uri": camera}) == (200, "")
    assert (await server.call("rtsp/terminate", {"uri": camera}))[0] == 404
    assert (await server.call("rtsp/find_all"))[0] == 404
    assert (await server.call("stream/find_all"))[0] == 404


async def test_repeated_uri_and_used_name_are_409(server: Served) -> None:
    assert (await server.call("rtsp/startup", {"uri": NOWHERE, "toStream": "yard"}))[0] == 200
    assert (await server.call("rtsp/startup", {"uri": NOWHERE, "toStream": "other"}))[0] == 409
    other = {"uri": NOWHERE + "2", "toStream": "yard"}
    assert await server.call("rtsp/startup", other) == (409, "Stream name is already in use")


async def test_an_unreachable_camera_says_why(server: Served) -> None:
    await server.call("rtsp/startup", {"uri": NOWHERE, "toStream": "yard"})

    async def failed() -> dict[str, Any] | None:
        _, (agent,) = await server.call("rtsp/find_all")
        return agent if agent["status"] == "FAILED" else None

    agent = await until(failed)
    assert agent["info"] == "Failed to connect to rtsp stream"
    assert "127.0.0.1:9" in agent["reason"]
    assert "planted" not in agent["reason"]
    status, (stream,) = await server.call("stream/find_all")
    assert (status, stream["status"]) == (200, "PENDING")
    assert "planted" not in json.dumps(stream)


async def test_a_stream_without_a_name_of_its_own_hides_the_password(server: Served) -> None:
    assert (await server.call("rtsp/startup", {"uri": NOWHERE}))[0] == 200
    _, (stream,) = await server.call("stream/find_all")
    assert stream["name"] == "rtsp://127.0.0.1:9/nowhere"
    _, (agent,) = await server.call("rtsp/find_all")
    assert "toStream" not in agent


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"uri": 7},
        {"uri": ""},
        {"uri": "http://127.0.0.1/"},
        {"uri": "rtsp://"},
        {"uri": "rtsp://a b/"},
        {"uri": "rtsp://host:99999/"},
        {"uri": "rtsp://" + "a" * 5000},
        {"uri": NOWHERE, "toStream": ""},
        {"uri": NOWHERE, "toStream": 5},
        {"uri": NOWHERE, "toStream": "a\nb"},
        {"uri": NOWHERE, "toStream": "a" * 1000},
    ],
)
async def test_a_bad_startup_is_400(server: Served, body: Any) -> None:
    status, text = await server.call("rtsp/startup", body)
    assert status == 400
    assert "planted" not in text
    assert (await server.call("rtsp/find_all"))[0] == 404


async def test_only_allowed_cameras_are_pulled() -> None:
    async with serve(allowed_cameras=("10.12.0.0/24", "door.local")) as server:
        for host, wanted in (("10.12.0.9", 200), ("door.local", 200), ("10.13.0.9", 400)):
            body = {"uri": f"rtsp://{host}/x", "toStream": host}
            assert (await server.call("rtsp/startup", body))[0] == wanted


async def test_captures_are_bounded() -> None:
    async with serve(max_captures=1) as server:
        assert (await server.call("rtsp/startup", {"uri": NOWHERE}))[0] == 200
        assert (await server.call("rtsp/startup", {"uri": NOWHERE + "2"}))[0] == 503


async def test_stream_objects_have_the_documented_fields(server: Served, camera: str) -> None:
    await server.call("rtsp/startup", {"uri": camera, "toStream": "yard"})
    stream = await server.live("yard")
    assert stream["mediaProvider"] == "RTSP"
    assert stream["mediaType"] == "publish"
    assert stream["videoCodec"] == "H264"
    assert stream["width"] > 0
    assert stream["height"] > 0
    assert stream["hasVideo"] is True
    assert "metrics" not in stream
    body = {"mediaSessionId": stream["mediaSessionId"], "display": ["metrics"]}
    _, (same,) = await server.call("stream/find", body)
    assert same["metrics"]["VIDEO_WIDTH"] == stream["width"]
    assert (await server.call("stream/find", {"published": False}))[0] == 404
    assert (await server.call("stream/find", {"name": "other"}))[0] == 404


async def test_terminate_without_a_target_is_refused(server: Served) -> None:
    await server.call("rtsp/startup", {"uri": NOWHERE, "toStream": "yard"})
    for body in ({}, {"published": True}, {"status": "PENDING"}, {"mediaSessionIds": []}):
        assert (await server.call("stream/terminate", body))[0] == 400
    assert (await server.call("rtsp/find_all"))[0] == 200
    assert (await server.call("stream/terminate", {"name": "other"}))[0] == 404
    assert (await server.call("stream/terminate", {"mediaSessionIds": ["x"]}))[0] == 404
    assert await server.call("stream/terminate", {"name": "yard"}) == (200, "")
    assert (await server.call("rtsp/find_all"))[0] == 404


async def test_snapshot_codes(server: Served) -> None:
    assert (await server.call("stream/snapshot", {"streamName": "yard"}))[0] == 404
    await server.call("rtsp/startup", {"uri": NOWHERE, "toStream": "yard"})
    assert (await server.call("stream/snapshot", {"streamName": "yard"}))[0] == 500
    assert (await server.call("stream/snapshot", {}))[0] == 400


async def test_a_snapshot_is_a_png(server: Served, camera: str) -> None:
    await server.call("rtsp/startup", {"uri": camera, "toStream": "yard"})
    await server.live("yard")
    status, answer = await server.call("stream/snapshot", {"streamName": "yard"})
    assert status == 200
    assert base64.b64decode(answer["data"]).startswith(b"\x89PNG\r\n")


async def test_statistics_satisfy_the_vendors_parser(server: Served, camera: str) -> None:
    await server.call("rtsp/startup", {"uri": camera, "toStream": "yard"})
    await server.live("yard")
    async with server.http.get(f"{server.http_url}/?action=stat", headers=server.auth) as response:
        assert response.status == 200
        text = await response.text()
    sections: dict[str, dict[str, str]] = {}
    for line in filter(None, text.split("\n")):
        if line.startswith("-"):
            title = re.match(r"-+([a-zA-Z_]+)", line)
            assert title is not None
            sections[title[1].lower()] = section = {}
        else:
            key, value = line.split("=")
            section[key] = value
    assert set(sections) >= {"connection", "stream", "core", "system"}
    assert sections["stream"]["streams_rtsp_in"] == "1"
    assert sections["port"]["ports_media_free"] == "500"


async def test_statistics_as_json_by_group(server: Served) -> None:
    url = f"{server.http_url}/?action=stat&format=json"
    async with server.http.get(url, headers=server.auth) as response:
        groups = await response.json()
    assert groups["streams_stats"]["streams_webrtc_out"] == 0
    async with server.http.get(f"{url}&groups=port_stats", headers=server.auth) as response:
        assert set(await response.json()) == {"port_stats"}


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"Authorization": "Basic"},
        {"Authorization": "Basic %%%"},
        {"Authorization": "Bearer x"},
        {"Authorization": aiohttp.encode_basic_auth("gateway", "wrong")},
        {"Authorization": aiohttp.encode_basic_auth("пользователь", "пароль")},
        {"Authorization": "Basic " + base64.b64encode(b"\xff\xfe:\xff").decode()},
    ],
)
async def test_who_does_not_know_the_password_is_refused(
    server: Served, header: dict[str, str]
) -> None:
    for path in ("/rest-api/rtsp/find_all", "/?action=stat", "/nothing"):
        async with server.http.get(server.http_url + path, headers=header) as response:
            assert response.status == 401
            assert "Basic" in response.headers["WWW-Authenticate"]


async def test_too_large_bodies_are_413(server: Served) -> None:
    assert (await server.call("rtsp/startup", b'{"uri":"' + b"a" * 70_000 + b'"}'))[0] == 413


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b"7", b"\xff\xfe", b"[" * 60_000])
async def test_a_body_that_is_no_json_object_is_400(server: Served, body: bytes) -> None:
    assert (await server.call("stream/find", body))[0] == 400


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(
    [
        "uri",
        "toStream",
        "name",
        "published",
        "mediaSessionId",
        "mediaSessionIds",
        "status",
        "display",
        "streamName",
    ]
)
PATHS = st.sampled_from(
    (
        *("rtsp/startup", "rtsp/find", "rtsp/terminate"),
        *("stream/find", "stream/terminate", "stream/snapshot"),
        *("connection/find", "connection/terminate"),
    )
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=PATHS, body=st.dictionaries(KEYS, JSON, max_size=4) | JSON)
async def test_hostile_bodies_are_answered_and_change_nothing(
    server: Served, path: str, body: Any
) -> None:
    status, _ = await server.call(path, json.dumps(body).encode())
    assert status in (200, 400, 404)
    assert (await server.call("rtsp/find_all"))[0] == 404
