"""The vendor's unmodified browser SDK plays from the embedded media server.

The proof that our signalling is WCS's and no private dialect. The SDK (npm ``@flashphoner/websdk``,
MIT) is used by tests only; ``make web-tools`` installs it.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from gateway.demo.building import DemoBuilding
from tests.e2e.browser import Viewer, chromium, window
from tests.rooms.mediaserver.shell.conftest import TOKEN, Served, serve
from tests.waiting import until

SDK = Path(__file__).parents[1] / "node_modules/@flashphoner/websdk/flashphoner-webrtc-only.min.js"
PAGE = Path(__file__).with_name("sdk") / "page.html"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(not SDK.exists(), reason="the vendor's SDK is missing: make web-tools"),
]


@dataclass
class SdkPage:
    """The SDK's page; statuses come as (status, info) pairs in their order."""

    viewer: Viewer
    served: Served

    async def run(self, script: str, *values: Any) -> Any:
        arguments = ", ".join(json.dumps(value) for value in values)
        return await self.viewer.page.evaluate(f"{script}({arguments})")

    async def connect(self, **options: Any) -> None:
        defaults = {"urlServer": self.served.ws_url, "custom": {"token": TOKEN}}
        await self.run("connect", {**defaults, **options})

    async def established(self, **options: Any) -> None:
        await self.connect(**options)
        await self.session("ESTABLISHED")

    async def session(self, status: str) -> list[str]:
        async def look() -> list[str] | None:
            found: list[str] = await self.viewer.page.evaluate("seen.session")
            return found if status in found else None

        return await until(look)

    async def play(self, key: str, **options: Any) -> None:
        await self.run("play", key, {"name": "yard", **options})

    async def status(self, key: str, status: str) -> str:
        """Return the info that came with ``status``, once it has come."""

        async def look() -> list[str] | None:
            found = await self.viewer.page.evaluate(f"seen.streams[{json.dumps(key)}]")
            return next((pair for pair in found if pair[0] == status), None)

        return (await until(look))[1]

    async def watched(self, key: str, more: int = 10) -> dict[str, int]:
        """Wait until ``more`` further pictures have been shown."""
        before = (await self.run("video", key))["frames"]

        async def look() -> dict[str, int] | None:
            video: dict[str, int] = await self.run("video", key)
            return video if video["frames"] >= before + more else None

        return await until(look, within=20)


@pytest.fixture
async def camera(clips: Path) -> AsyncIterator[str]:
    building = DemoBuilding(cache=clips, discovery_port=None)
    await building.start(1)
    try:
        yield building.cameras[0].rtsp_sub
    finally:
        await building.close()


@asynccontextmanager
async def page_server() -> AsyncIterator[str]:
    async def page(_: web.Request) -> web.FileResponse:
        return web.FileResponse(PAGE)

    async def sdk(_: web.Request) -> web.FileResponse:
        return web.FileResponse(SDK)

    app = web.Application()
    app.router.add_get("/", page)
    app.router.add_get("/sdk.js", sdk)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def opened(served: Served) -> AsyncIterator[SdkPage]:
    async with page_server() as url, chromium() as browser, window(browser) as viewer:
        await viewer.page.goto(url)
        yield SdkPage(viewer, served)


@pytest.fixture
async def sdk(camera: str) -> AsyncIterator[SdkPage]:
    async with serve() as served:
        await served.call("rtsp/startup", {"uri": camera, "toStream": "yard"})
        await served.live("yard")
        async with opened(served) as page:
            yield page


async def test_it_plays_knows_the_size_and_stops(sdk: SdkPage) -> None:
    await sdk.established()
    await sdk.play("a")
    await sdk.status("a", "PLAYING")
    video = await sdk.watched("a", more=30)
    stream = await sdk.served.live("yard")
    assert video["width"] == stream["width"]
    size = await sdk.viewer.page.evaluate("streams.a.videoResolution()")
    assert size == {"width": stream["width"], "height": stream["height"]}
    assert ["a", "resize"] in await sdk.viewer.page.evaluate("seen.events")
    await sdk.viewer.page.evaluate("streams.a.stop()")
    assert await sdk.status("a", "STOPPED") == "Stopped by user"
    assert (await sdk.served.call("stream/find", {"published": False}))[0] == 404


@pytest.mark.parametrize(
    "options",
    [
        {"constraints": {"audio": False, "video": True}},
        {"stripCodecs": "VP8,VP9,AV1"},
        {"receiveAudio": False, "receiveVideo": True},
        {"transport": "TCP"},
    ],
    ids=["video only", "codecs stripped", "no sound wanted", "over TCP"],
)
async def test_it_plays_whatever_it_offers(sdk: SdkPage, options: dict[str, Any]) -> None:
    await sdk.established()
    await sdk.play("a", **options)
    await sdk.status("a", "PLAYING")
    assert (await sdk.watched("a"))["width"] > 0


async def test_two_streams_play_on_one_session(sdk: SdkPage) -> None:
    await sdk.established()
    await sdk.play("a", display="first")
    await sdk.play("b", display="second")
    await sdk.watched("a")
    await sdk.watched("b")
    _, viewers = await sdk.served.call("stream/find", {"published": False})
    assert len(viewers) == 2


async def test_after_a_failure_the_same_place_plays_anew(sdk: SdkPage) -> None:
    await sdk.established()
    await sdk.play("a", name="nobody")
    assert await sdk.status("a", "FAILED") == "Stream not found"
    await sdk.play("b")
    await sdk.watched("b")
    await sdk.play("c", name="rtsp://127.0.0.1:9/x", display="second")
    assert await sdk.status("c", "FAILED") == "Restricted access"


async def test_ends_from_the_servers_side_are_told(sdk: SdkPage, camera: str) -> None:
    await sdk.established()
    await sdk.play("a", display="first")
    await sdk.play("b", display="second")
    await sdk.watched("a")
    await sdk.watched("b")
    media_session_id = await sdk.viewer.page.evaluate("streams.a.id()")
    found = [
        viewer["mediaSessionId"]
        for viewer in (await sdk.served.call("stream/find", {"published": False}))[1]
    ]
    assert media_session_id in found
    await sdk.served.call("stream/terminate", {"mediaSessionId": media_session_id})
    assert await sdk.status("a", "STOPPED") == "Stopped by rest /terminate"
    await sdk.watched("b")
    await sdk.served.call("rtsp/terminate", {"uri": camera})
    assert await sdk.status("b", "STOPPED") == "Stopped by rest /terminate"


async def test_a_closed_socket_ends_session_and_streams(sdk: SdkPage) -> None:
    await sdk.established()
    await sdk.play("a")
    await sdk.watched("a")
    _, (connection,) = await sdk.served.call("connection/find_all")
    await sdk.served.call("connection/terminate", {"sessionId": connection["sessionId"]})
    await sdk.session("DISCONNECTED")
    await sdk.status("a", "FAILED")
    await until(lambda: not sdk.served.engine.viewers())


async def test_a_wrong_token_and_a_refused_socket(sdk: SdkPage) -> None:
    await sdk.connect(custom={"token": "wrong"})
    await sdk.session("WARN")
    assert "ESTABLISHED" not in await sdk.session("DISCONNECTED")
    await sdk.connect(urlServer="ws://127.0.0.1:9/")
    await sdk.session("FAILED")


async def test_available(sdk: SdkPage) -> None:
    await sdk.established()
    assert await sdk.run("available", "yard") == "yes"
    assert await sdk.run("available", "nobody") == "no"


async def test_both_sides_keep_the_session_alive(camera: str) -> None:
    async with serve(ping_interval_s=0.2, missing_pongs=3) as served:
        await served.call("rtsp/startup", {"uri": camera, "toStream": "yard"})
        await served.live("yard")
        async with opened(served) as sdk:
            await sdk.established(pingInterval=200, receiveProbes=3, probesInterval=1000)
            await sdk.play("a")
            await sdk.watched("a", more=60)
            assert await sdk.viewer.page.evaluate("seen.session") == ["ESTABLISHED"]
            assert (await served.call("connection/find_all"))[0] == 200
