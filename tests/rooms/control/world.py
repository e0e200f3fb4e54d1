"""A world in memory: a runtime and media servers that do at once what they are told."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from gateway.control.board import Board
from gateway.control.clients import Clients
from gateway.control.demand import Demand
from gateway.control.keeper import Keeper
from gateway.control.siteloop import Rhythm, World
from gateway.kit.clock import SystemClock
from gateway.kit.secret import Secret
from gateway.model.company import Fleet, Settings
from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.server import (
    CaptureObserved,
    ControlAddress,
    ServerObserved,
    ServerSpec,
    ServerState,
    ServerStats,
    StreamObserved,
)
from gateway.model.site import Camera, Pull, Site, Viewing
from gateway.model.text import LocalText

QUICK = Rhythm(urgent=0.01, coming=0.01, live=0.05, idle=0.05, look=0.05)
NAME = LocalText.of("x")


def camera(camera_id: str, *, pull: Pull = Pull.ALWAYS, sub: bool = False) -> Camera:
    rtsp = f"rtsp://10.0.0.1/{camera_id}"
    return Camera(camera_id, NAME, rtsp=rtsp, rtsp_sub=f"{rtsp}-sub" if sub else None, pull=pull)


def site(site_id: str, *cameras: Camera, enabled: bool = True, sound: bool = False) -> Site:
    return Site(site_id, NAME, cameras, viewing=Viewing(sound=sound), enabled=enabled)


def fleet(*sites: Site, unreadable: Sequence[str] = (), settled: bool = True) -> Fleet:
    by_id = {one.id: one for one in sites}
    return Fleet(Settings(), by_id, unreadable=frozenset(unreadable), settled=settled)


@dataclass
class Played:
    """A play that lasts until somebody ends it."""

    id: str
    answer: str
    ended: asyncio.Future[str]

    async def stop(self) -> None:
        if not self.ended.done():
            self.ended.set_result("Stopped by user")


@dataclass
class MemoryServer:
    """A media server; ``dead`` cameras are pulled and send nothing; ``tells`` of changes.

    ``held``: a startup never answers, and can be cancelled only once this is set.
    """

    name: str
    dead: set[str] = field(default_factory=set)
    broken: Exception | None = None
    picture_trouble: Exception | None = None
    refuses: GatewayError | None = None
    held: asyncio.Event | None = None
    tells: asyncio.Queue[None] | None = None
    pulled: dict[Secret, str] = field(default_factory=dict)
    viewers: dict[str, tuple[str, Played]] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    numbers: dict[str, float] = field(default_factory=dict)
    plays: int = 0

    def _enter(self, call: str) -> None:
        self.calls[call] += 1
        if self.broken is not None:
            raise self.broken

    async def ready(self) -> bool:
        self._enter("ready")
        return True

    async def captures(self) -> Sequence[CaptureObserved]:
        self._enter("captures")
        return [
            CaptureObserved(uri, stream, "FAILED" if stream in self.dead else "PLAYING")
            for uri, stream in self.pulled.items()
        ]

    async def changes(self) -> AsyncIterator[None]:
        self._enter("changes")
        if self.tells is None:
            raise GatewayError(ErrorKind.NOT_FOUND, "this server tells nothing")
        while True:
            yield await self.tells.get()

    async def startup(self, uri: Secret, stream: str) -> None:
        self._enter("startup")
        if self.refuses is not None:
            raise self.refuses
        if self.held is not None:
            try:
                await asyncio.Future()
            finally:
                await self.held.wait()
        self.pulled[uri] = stream

    async def terminate_capture(self, uri: Secret) -> None:
        self._enter("terminate")
        self.pulled.pop(uri, None)

    async def streams(self) -> Sequence[StreamObserved]:
        self._enter("streams")
        ingests = [
            StreamObserved(name, f"in-{name}", True, "PUBLISHING", None, "H264", 1280, 720)  # noqa: FBT003  # published
            for name in self.pulled.values()
            if name not in self.dead
        ]
        viewers = [
            StreamObserved(name, session, False, "PLAYING")  # noqa: FBT003  # not published
            for session, (name, _) in self.viewers.items()
        ]
        return [*ingests, *viewers]

    async def stop_viewer(self, media_session_id: str) -> bool:
        found = self.viewers.pop(media_session_id, None)
        if found is not None:
            await found[1].stop()
        return found is not None

    async def stats(self) -> ServerStats:
        return ServerStats(self.numbers)

    async def snapshot(self, stream: str) -> bytes:
        self._enter("snapshot")
        if self.picture_trouble is not None:
            raise self.picture_trouble
        return f"picture of {stream}".encode()

    async def play(self, stream: str, offer: str, *, tcp: bool = False) -> Played:
        self._enter("play by tcp" if tcp else "play")
        if self.refuses is not None:
            raise self.refuses
        ended = asyncio.get_running_loop().create_future()
        self.plays += 1
        played = Played(f"{self.name}-{self.plays}", f"answer to {offer}", ended)
        self.viewers[played.id] = (stream, played)
        ended.add_done_callback(lambda _: self.viewers.pop(played.id, None))
        return played

    async def close(self) -> None:
        self.calls["close"] += 1


@dataclass
class MemoryRuntime:
    """A runtime; ``calls`` counts what each server was told."""

    there: dict[str, ServerObserved] = field(default_factory=dict)
    servers: dict[str, MemoryServer] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    broken: Exception | None = None
    bell: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    dies: bool = False
    processors: dict[str, float] = field(default_factory=dict)

    def fingerprint(self, spec: ServerSpec) -> str:
        return f"sound={spec.sound}" + (f" {spec.license.reveal()}" if spec.license else "")

    async def observe(self, site: str | None = None) -> Sequence[ServerObserved]:
        self.calls["observe"] += 1
        if self.broken is not None:
            raise self.broken
        return [one for one in self.there.values() if site in (None, one.site)]

    def processor(self, server_id: str) -> float | None:
        self.calls[f"processor {server_id}"] += 1
        return self.processors.get(server_id)

    def put(self, spec: ServerSpec) -> None:
        """Let a server be there, as if a former gateway had made it."""
        state = ServerState.STOPPED if self.dies else ServerState.RUNNING
        self.servers[spec.id] = MemoryServer(spec.id)
        self.there[spec.id] = ServerObserved(
            id=spec.id,
            site=spec.site,
            role=spec.role,
            state=state,
            fingerprint=self.fingerprint(spec),
            since=datetime.now(UTC),
            control=None if self.dies else ControlAddress(f"http://{spec.id}", f"ws://{spec.id}"),
            detail="Killed by a test" if self.dies else "",
        )

    async def create(self, spec: ServerSpec) -> None:
        self.calls[f"create {spec.id}"] += 1
        if self.broken is not None:
            raise self.broken
        self.put(spec)

    async def start(self, server_id: str) -> None:
        self.calls[f"start {server_id}"] += 1
        if not self.dies:
            self.put(ServerSpec(server_id, self.there[server_id].site))

    async def stop(self, server_id: str) -> None:
        self.calls[f"stop {server_id}"] += 1
        old = self.there[server_id]
        self.there[server_id] = replace(old, state=ServerState.STOPPED, control=None)

    async def remove(self, server_id: str) -> None:
        self.calls[f"remove {server_id}"] += 1
        self.there.pop(server_id, None)

    async def events(self) -> AsyncIterator[str]:
        while True:
            yield await self.bell.get()

    async def close(self) -> None:
        self.calls["close"] += 1

    def client(self, control: ControlAddress) -> MemoryServer:
        return self.servers[control.http_url.removeprefix("http://")]


@dataclass
class Kept:
    """A keeper and all that it works on."""

    runtime: MemoryRuntime
    world: World
    keeper: Keeper
    board: Board

    def states(self, site_id: str) -> dict[str, str]:
        status = self.board.site(site_id)
        return {one.id: str(one.state) for one in status.cameras} if status else {}


def kept(runtime: MemoryRuntime | None = None, *, rhythm: Rhythm = QUICK) -> Kept:
    runtime = runtime or MemoryRuntime()
    clock, board = SystemClock(), Board()
    world = World(runtime, Clients(runtime.client), board, Demand(clock, 0.3), clock, rhythm)
    return Kept(runtime, world, Keeper(world), board)


def failure(message: str = "it is broken") -> GatewayError:
    return GatewayError(ErrorKind.ENGINE_UNAVAILABLE, message, "mend it")
