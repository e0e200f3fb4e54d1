"""A company for tests: a gateway in a process of its own, real cameras, and people who watch."""

import asyncio
import json
import os
import random
import signal
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from aiohttp import ClientError, ClientSession, ClientTimeout
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError

from gateway.demo.building import DemoCamera
from gateway.kit.secret import Secret
from gateway.model.site import Credential
from tests.waiting import until

PASSWORD = "gr33n:d00r/k3y@9"
CREDENTIAL = Credential("viewer", Secret(PASSWORD), "env:CAMERAS")
STAFF = "a staff token of a test"


@dataclass
class Company:
    """The files of a company in ``root``, and the gateway process that serves them.

    ``command`` runs the gateway, ``environment`` is what it is given beside ours.
    """

    root: Path
    port: int = 0
    process: asyncio.subprocess.Process | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    command: tuple[str, ...] = (sys.executable, "-m", "gateway")
    environment: dict[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.port = self.port or free_port()
        self.sites.mkdir(parents=True, exist_ok=True)
        # Below the ports that the kernel gives to connections by itself.
        first = random.Random(str(self.root)).randrange(20_000, 32_000, 10)
        self._write(
            "gateway",
            {
                "listen": f"127.0.0.1:{self.port}",
                "data_dir": str(self.data),
                "media_servers": {"media_ports": f"{first}-{first + 9}"},
                "staff_token": {"env": "STAFF"},
                **self.settings,
            },
        )

    @property
    def sites(self) -> Path:
        return self.root / "sites"

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def log(self) -> Path:
        return self.root / "gateway.log"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def write_site(self, site_id: str, cameras: Sequence[DemoCamera], **more: Any) -> None:
        """Write a building's file; a later call replaces it in one step."""
        self._write(
            site_id,
            {
                "name": site_id,
                "viewing": {"access": "public"},
                "cameras": [
                    {
                        "id": camera.id,
                        "name": camera.name.as_json(),
                        "rtsp": camera.rtsp,
                        "rtsp_sub": camera.rtsp_sub or None,
                        "credential": {
                            "username": CREDENTIAL.username,
                            "password": {"env": "CAMERAS"},
                        },
                    }
                    for camera in cameras
                ],
                **more,
            },
        )

    def _write(self, name: str, content: dict[str, Any]) -> None:
        draft = self.sites / f".{name}.new"
        draft.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")
        draft.replace(self.sites / f"{name}.yaml")

    async def begin(self) -> None:
        """Start the gateway and wait until it looks after every site."""
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(*self.command, "serve", str(self.sites), *self.options),
                stdout=log,
                stderr=log,
                env={**os.environ, "CAMERAS": PASSWORD, "STAFF": STAFF, **self.environment},
            )
        await until(self._ready, within=60)

    async def end(self, number: signal.Signals) -> int:
        """Send a signal and wait for the process; return its exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        async with asyncio.timeout(60):
            code = await self.process.wait()
        self.process = None
        return code

    async def get(self, path: str) -> Any:
        """Ask the API as staff; ``None`` when nobody answers."""
        headers = {"Authorization": f"Bearer {STAFF}"}
        try:
            async with (
                ClientSession(timeout=ClientTimeout(total=5)) as session,
                session.get(self.url + path, headers=headers) as answer,
            ):
                return await answer.json()
        except (ClientError, TimeoutError):
            return None

    async def states(self, site_id: str) -> dict[str, str]:
        """Return the state of each camera."""
        site = await self.get(f"/api/v1/sites/{site_id}") or {}
        return {camera["id"]: camera["state"] for camera in site.get("cameras", [])}

    async def live(self, site_id: str) -> bool:
        states = await self.states(site_id)
        return bool(states) and set(states.values()) == {"live"}

    def media_server(self, site_id: str) -> int:
        """Return the process id of a site's media server; 0 when there is none."""
        file = self.data / "servers" / site_id / "run/server.json"
        try:
            return int(json.loads(file.read_text())["pid"])
        except (OSError, ValueError):
            return 0

    async def _ready(self) -> bool:
        assert self.process is not None
        assert self.process.returncode is None, self.log.read_text()
        answer = await self.get("/readyz")
        return bool(answer and answer.get("status") == "ready")


@asynccontextmanager
async def company_in(
    root: Path, *, kind: type[Company] = Company, port: int = 0, **settings: Any
) -> AsyncIterator[Company]:
    """Give a company whose gateway and media servers are gone in the end."""
    company = kind(root, port, settings=settings)
    try:
        yield company
    finally:
        if company.process is None and (company.data / "servers").is_dir():
            await company.begin()
        if company.process is not None:
            await company.end(signal.SIGINT)


class Watcher:
    """Somebody who watches as the page does: plays, and plays again when no picture comes.

    ``patience``: seconds without a picture after which a new play is asked for. ``ticket``: what
    the company's website has given them.
    """

    def __init__(self, url: str, *, patience: float = 1.0, ticket: str = "") -> None:
        self.url = url + "?low=1"
        self.patience = patience
        self.ticket = ticket
        self.frames = 0
        self.plays = 0
        self.location = ""
        self._task: asyncio.Task[None] | None = None
        self._leaving: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await asyncio.gather(*self._leaving, return_exceptions=True)

    async def more(self, frames: int = 20, *, within: float = 20) -> None:
        """Wait for so many further decoded frames."""
        wanted = self.frames + frames
        await until(lambda: self.frames >= wanted, within=within)

    async def _watch(self) -> None:
        while True:
            peer = RTCPeerConnection()
            try:
                await self._play(peer)
            except (ClientError, TimeoutError, MediaStreamError, ConnectionError):
                await asyncio.sleep(0.2)
            finally:
                # Meanwhile: a peer that does not come to connect says so after half a minute.
                leaving = asyncio.create_task(_hang_up(peer))
                self._leaving.add(leaving)
                leaving.add_done_callback(self._leaving.discard)

    async def _play(self, peer: RTCPeerConnection) -> None:
        tracks: asyncio.Queue[Any] = asyncio.Queue()
        peer.on("track", tracks.put_nowait)
        peer.addTransceiver("video", direction="recvonly")
        await peer.setLocalDescription(await peer.createOffer())
        headers = {"Content-Type": "application/sdp"}
        if self.ticket:
            headers["Authorization"] = f"Bearer {self.ticket}"
        async with (
            ClientSession(timeout=ClientTimeout(total=10)) as session,
            session.post(self.url, data=peer.localDescription.sdp, headers=headers) as response,
        ):
            response.raise_for_status()
            answer = await response.text()
            self.location = response.headers["Location"]
        await peer.setRemoteDescription(RTCSessionDescription(sdp=answer, type="answer"))
        self.plays += 1
        track = await tracks.get()
        while True:
            async with asyncio.timeout(self.patience):
                await track.recv()
            self.frames += 1


async def _hang_up(peer: RTCPeerConnection) -> None:
    """Close a peer once it is settled: one that is closed before leaves a task behind."""
    if peer.remoteDescription is not None:
        settled = ("connected", "failed", "closed")
        await until(lambda: peer.connectionState in settled, within=60)
    await peer.close()


def free_port() -> int:
    """Return a TCP port of the loopback address that nobody uses now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port
