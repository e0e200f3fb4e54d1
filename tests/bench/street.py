"""A thousand pretend media servers in one process: the embedded server's protocol, and no media.

``python -m tests.bench.street FILE`` (a list of each server's captures, pairs of address and
stream) prints one JSON line with the servers' ports, and answers each line of its input with one:
``counts`` (calls since it was asked last, the most of them at one moment, what is pulled), ``dark``
(the mains fail: connections are cut and refused, captures forgotten), ``light`` (all are back at
once), ``silent N`` (the N-th server's first camera sends nothing). Ends with its input.

A real peer on loopback: REST with WCS's lists and statistics, the tellings of changes, and
signalling that answers offers, over real sockets.
"""

import asyncio
import base64
import json
import random
import resource
import struct
import sys
import uuid
import zlib
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import WSMsgType, web

HOST = "127.0.0.1"
ANSWER_S = 0.005
DIAL_S = 0.2
"""How long a camera takes to answer its media server."""
WIDTH, HEIGHT = 640, 360
_SINCE = datetime.now(UTC).isoformat()


@dataclass
class Capture:
    """A camera that is pulled; it plays ``DIAL_S`` after it was dialled."""

    uri: str
    stream: str
    status: str = "CONNECTING"
    session: str = field(default_factory=lambda: str(uuid.uuid4()))


@dataclass
class House:
    """One pretend media server."""

    captures: dict[str, Capture] = field(default_factory=dict)
    plays: dict[str, str] = field(default_factory=dict)
    told: set[asyncio.Event] = field(default_factory=set)

    def changed(self) -> None:
        for one in self.told:
            one.set()


def picture() -> str:
    """Return a PNG as large as one of a camera's low-resolution stream, in Base64 as WCS does."""
    noise = random.Random(1)
    rows = (
        b"\0" + bytes((x * 5 + y + noise.randrange(6)) & 255 for x in range(WIDTH * 3))
        for y in range(HEIGHT)
    )
    pieces = (
        (b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"".join(rows), 1)),
        (b"IEND", b""),
    )
    png = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in pieces
    )
    return base64.b64encode(png).decode()


class Street:
    """All of them, behind one handler; the port that was asked says which one is meant."""

    def __init__(self, pulled: list[list[list[str]]]) -> None:
        self.houses = [
            House({uri: Capture(uri, stream, "PLAYING") for uri, stream in one}) for one in pulled
        ]
        self.by_port: dict[int, House] = {}
        self.counts: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.open: set[asyncio.BaseTransport] = set()
        self.asking = 0
        self.dialling = 0
        self.dark = False
        self.picture = picture()

    def application(self) -> web.Application:
        app = web.Application(middlewares=[self._count])
        app.router.add_get("/", self._root)
        for name, handler in {
            "rtsp/find_all": self._captures,
            "rtsp/startup": self._startup,
            "rtsp/terminate": self._terminate,
            "stream/find_all": self._streams,
            "stream/snapshot": self._snapshot,
            "changes": self._changes,
        }.items():
            app.router.add_route("*", f"/rest-api/{name}", handler)
        return app

    @web.middleware
    async def _count(self, request: web.Request, handler: Any) -> web.StreamResponse:
        transport = request.transport
        if transport is None or self.dark:
            raise web.HTTPServiceUnavailable
        if transport not in self.open:
            self.open.add(transport)
            self.counts["connections"] += 1
        port = transport.get_extra_info("sockname")[1]
        request["house"] = self.by_port[port]
        self.counts[request.path] += 1
        self.asking += 1
        self.most["asking"] = max(self.most["asking"], self.asking)
        try:
            await asyncio.sleep(ANSWER_S)
            return await handler(request)  # type: ignore[no-any-return]  # a handler answers
        finally:
            self.asking -= 1

    async def _root(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._signalling(request)
        house: House = request["house"]
        text = f"-----Stream Stats-----\nstreams={len(house.captures)}\ncore_cpu_percent=1.5\n"
        return web.Response(text=f"{text}ports_media_free={500 - len(house.plays)}\n")

    async def _captures(self, request: web.Request) -> web.Response:
        return _found([_agent(one) for one in request["house"].captures.values()])

    async def _streams(self, request: web.Request) -> web.Response:
        house: House = request["house"]
        shown = [_ingest(one) for one in house.captures.values()]
        shown += [_viewer(stream, play) for play, stream in house.plays.items()]
        return _found(shown)

    async def _startup(self, request: web.Request) -> web.Response:
        house, body = request["house"], await request.json()
        if body["uri"] in house.captures:
            return web.Response(status=409)
        capture = house.captures[body["uri"]] = Capture(body["uri"], body["toStream"])
        self.dialling += 1
        self.most["dialling"] = max(self.most["dialling"], self.dialling)
        asyncio.get_running_loop().call_later(DIAL_S, self._answered, house, capture)
        return web.Response()

    def _answered(self, house: House, capture: Capture) -> None:
        self.dialling -= 1
        capture.status = "PLAYING"
        house.changed()

    async def _terminate(self, request: web.Request) -> web.Response:
        gone = request["house"].captures.pop((await request.json())["uri"], None)
        return web.Response(status=404 if gone is None else 200)

    async def _snapshot(self, _request: web.Request) -> web.Response:
        return web.json_response({"data": self.picture})

    async def _changes(self, request: web.Request) -> web.StreamResponse:
        house: House = request["house"]
        response = web.StreamResponse()
        response.content_type = "text/plain"
        await response.prepare(request)
        bell = asyncio.Event()
        bell.set()
        house.told.add(bell)
        self.asking -= 1  # it is no question that anybody waits for
        try:
            while True:
                try:
                    async with asyncio.timeout(15):
                        await bell.wait()
                    bell.clear()
                    await response.write(b"!")
                    await asyncio.sleep(0.5)
                except TimeoutError:
                    await response.write(b".")
        except ConnectionError:
            return response
        finally:
            self.asking += 1
            house.told.discard(bell)

    async def _signalling(self, request: web.Request) -> web.StreamResponse:
        house: House = request["house"]
        socket = web.WebSocketResponse(autoping=True)
        await socket.prepare(request)
        async for frame in socket:
            if frame.type is not WSMsgType.TEXT:
                continue
            said = json.loads(frame.data)
            name, body = said["message"], (said["data"] or [{}])[0] or {}
            if name == "connection":
                await _send(socket, "getUserData", {})
            elif name == "playStream":
                play = body["mediaSessionId"]
                house.plays[play] = body["name"]
                await socket.send_str(
                    json.dumps({"message": "setRemoteSDP", "data": [play, "v=0\r\n", False]})
                )
            elif name == "stopStream":
                house.plays.pop(body["mediaSessionId"], None)
                await _send(socket, "notifyStreamStatusEvent", {**body, "status": "STOPPED"})
        return socket

    def told(self, line: str) -> dict[str, Any]:
        """Do what one line says."""
        word, _, number = line.strip().partition(" ")
        if word == "counts":
            said: dict[str, Any] = {"calls": dict(self.counts), "most": dict(self.most)}
            every = [one for house in self.houses for one in house.captures.values()]
            said["pulled"] = len(every)
            said["playing"] = sum(one.status == "PLAYING" for one in every)
            self.counts.clear()
            self.most.clear()
            return said
        if word == "dark":
            self.dark = True
            for transport in self.open:
                transport.abort()  # type: ignore[attr-defined]  # all are TCP transports
            self.open.clear()
            for house in self.houses:
                house.captures.clear()
                house.plays.clear()
        elif word == "light":
            self.dark = False
        elif word == "silent":
            house = self.houses[int(number)]
            next(iter(house.captures.values())).status = "FAILED"
            house.changed()
        return {"done": word}


def _found(items: list[dict[str, Any]]) -> web.Response:
    return web.json_response(items) if items else web.Response(status=404)


def _agent(one: Capture) -> dict[str, Any]:
    failed = one.status == "FAILED"
    return {
        "uri": one.uri,
        "status": one.status,
        "toStream": one.stream,
        "info": "Failed by RTP activity" if failed else "",
        "reason": "The camera sends nothing." if failed else "",
        "hint": "",
        "kind": "camera_offline" if failed else "",
        "since": _SINCE,
        "reconnects": 0,
    }


def _common(name: str, *, published: bool) -> dict[str, Any]:
    return {
        "nodeId": None,
        "appKey": "defaultApp",
        "name": name,
        "published": published,
        "hasVideo": True,
        "hasAudio": False,
        "record": False,
        "width": 1280,
        "height": 720,
        "bitrate": 0,
        "quality": 0,
        "videoCodec": "H264",
        "audioCodec": None,
    }


def _ingest(one: Capture) -> dict[str, Any]:
    return {
        **_common(one.stream, published=True),
        "mediaSessionId": one.session,
        "status": "PUBLISHING" if one.status == "PLAYING" else "PENDING",
        "info": "",
        "reason": "",
        "mediaType": "publish",
        "viewers": 0,
        "mediaProvider": "RTSP",
    }


def _viewer(stream: str, play: str) -> dict[str, Any]:
    shown = {"mediaSessionId": play, "status": "PLAYING", "info": "", "mediaProvider": "WebRTC"}
    return {**_common(stream, published=False), **shown, "mediaType": "play", "connected": True}


async def _send(socket: web.WebSocketResponse, name: str, body: dict[str, Any]) -> None:
    await socket.send_str(json.dumps({"message": name, "data": [body]}))


async def main(pulled: list[list[list[str]]]) -> None:
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, soft))
    street = Street(pulled)
    runner = web.AppRunner(street.application(), access_log=None, keepalive_timeout=120.0)
    await runner.setup()
    ports = []
    for house in street.houses:
        pair = []
        for _ in range(2):
            site = web.TCPSite(runner, HOST, 0)
            await site.start()
            port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]  # the kernel's choice is told nowhere else
            street.by_port[port] = house
            pair.append(port)
        ports.append(pair)
    print(json.dumps(ports), flush=True)
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    while line := await reader.readline():
        print(json.dumps(street.told(line.decode())), flush=True)


if __name__ == "__main__":
    asyncio.run(main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
