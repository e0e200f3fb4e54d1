"""The whole embedded server inside the test's loop, a pretend camera, and a plain client."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.demo.building import DemoBuilding
from gateway.kit.clock import SystemClock
from gateway.kit.secret import Secret
from gateway.mediaserver.app import Parts, serving
from gateway.mediaserver.fanout.engine import EngineSettings, WebRtcEngine
from gateway.mediaserver.lease import Lease
from gateway.mediaserver.settings import BasicUser, Settings
from gateway.rtsp.picture import PictureWorker
from tests.waiting import until

USER = "gateway"
PASSWORD = "planted-rest-password"
TOKEN = "planted-token"


@dataclass
class Signalling:
    """A client of the WebSocket port; ``seen`` is everything that came, pings left out."""

    socket: aiohttp.ClientWebSocketResponse
    seen: list[tuple[str, list[Any]]] = field(default_factory=list)

    async def send(self, message: str, *data: Any) -> None:
        await self.socket.send_str(json.dumps({"message": message, "data": list(data)}))

    async def next(self) -> tuple[str, list[Any]]:
        while True:
            envelope = await self.socket.receive_json(timeout=10)
            if envelope["message"] != "ping":
                self.seen.append((envelope["message"], envelope["data"]))
                return self.seen[-1]

    async def until(self, name: str) -> list[Any]:
        while True:
            message, data = await self.next()
            if message == name:
                return data

    async def status(self) -> dict[str, Any]:
        body = (await self.until("notifyStreamStatusEvent"))[0]
        assert isinstance(body, dict)
        return body

    async def introduce(self, **more: Any) -> dict[str, Any]:
        await self.send("connection", {"appKey": "a", "custom": {"token": TOKEN}, **more})
        user = (await self.until("getUserData"))[0]
        assert isinstance(user, dict)
        return user

    async def closed(self) -> int:
        while not self.socket.closed:
            await self.socket.receive(timeout=10)
        assert self.socket.close_code is not None
        return self.socket.close_code


@dataclass
class Served:
    """A running server and how to ask it."""

    http_url: str
    ws_url: str
    engine: WebRtcEngine
    http: aiohttp.ClientSession
    auth: dict[str, str]
    cdn: int | None = None

    async def call(self, path: str, body: Any = None) -> tuple[int, Any]:
        method = "GET" if body is None else "POST"
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        async with self.http.request(
            method,
            f"{self.http_url}/rest-api/{path}",
            data=None if body is None else data,
            headers=self.auth,
        ) as response:
            text = await response.text()
            return response.status, json.loads(text) if text[:1] in ("[", "{") else text

    @asynccontextmanager
    async def signalling(self) -> AsyncIterator[Signalling]:
        async with self.http.ws_connect(self.ws_url) as socket:
            yield Signalling(socket)

    async def live(self, stream: str) -> dict[str, Any]:
        async def look() -> dict[str, Any] | None:
            status, found = await self.call("stream/find", {"name": stream, "published": True})
            return found[0] if status == 200 and found[0]["status"] == "PUBLISHING" else None

        return await until(look)


Serve = Callable[..., AbstractAsyncContextManager[Served]]


@asynccontextmanager
async def serve(**more: Any) -> AsyncIterator[Served]:
    options: dict[str, Any] = {
        "http_port": 0,
        "ws_port": 0,
        "rest_user": BasicUser(USER, Secret(PASSWORD)),
        "signalling_token": Secret(TOKEN),
        **more,
    }
    settings = Settings(**options)
    engine = WebRtcEngine(
        EngineSettings(bind=("127.0.0.1",), port=0, max_viewers=settings.max_viewers)
    )
    pictures = PictureWorker()
    auth = {"Authorization": aiohttp.encode_basic_auth(USER, PASSWORD)}
    try:
        parts = Parts(engine, pictures, SystemClock())
        async with (
            serving(settings, parts, Lease(0, SystemClock())) as ports,
            aiohttp.ClientSession() as http,
        ):
            yield Served(
                f"http://127.0.0.1:{ports.http}",
                f"ws://127.0.0.1:{ports.ws}/",
                engine,
                http,
                auth,
                ports.cdn,
            )
    finally:
        await pictures.close()


@pytest.fixture
async def server() -> AsyncIterator[Served]:
    async with serve() as served:
        yield served


@pytest.fixture
async def building(clips: Path) -> AsyncIterator[DemoBuilding]:
    building = DemoBuilding(cache=clips, discovery_port=None)
    await building.start(1)
    try:
        yield building
    finally:
        await building.close()


@pytest.fixture
def camera(building: DemoBuilding) -> str:
    return building.cameras[0].rtsp_sub
