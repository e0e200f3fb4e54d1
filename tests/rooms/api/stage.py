"""A small world behind the doors: real board, real files, and plain classes for what plays."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import ClientResponse, web

from gateway.api.app import create_app
from gateway.api.limits import Limits
from gateway.api.ports import Stores
from gateway.api.runner import create_runner
from gateway.control.board import Board
from gateway.control.facts import Facts
from gateway.kit.clock import Clock, SystemClock
from gateway.kit.secret import Secret
from gateway.model.company import Fleet, Problem, Settings
from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.remark import remark
from gateway.model.server import Role
from gateway.model.site import Access, Camera, Site, Viewing
from gateway.model.status import (
    CameraState,
    CameraStatus,
    ServerStatus,
    SiteState,
    SiteStatus,
)
from gateway.model.text import LocalText
from tests.rooms.api.described import hold_to_document

TICKET_SECRET = Secret("0123456789abcdef0123456789abcdef-of-tests")
STAFF_TOKEN = Secret("staff-token-of-tests")
STAFF = {"Authorization": f"Bearer {STAFF_TOKEN.reveal()}"}
SINCE = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
OFFER = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n"
SDP = {"Content-Type": "application/sdp"}


@dataclass(slots=True)
class Play:
    """One running play of :class:`Cinema`."""

    id: str
    answer: str
    ended: asyncio.Future[str]


@dataclass(slots=True)
class Cinema:
    """The shape of ``Watching``: plays whatever is asked, or fails as told."""

    plays: dict[tuple[str, str, str], Play] = field(default_factory=dict)
    asked: list[tuple[str, str, bool]] = field(default_factory=list)
    by_tcp: list[bool] = field(default_factory=list)
    error: Exception | None = None
    gate: asyncio.Event | None = None
    stop_errors: list[GatewayError] = field(default_factory=list)
    stops: int = 0
    silent: bool = False
    places: int | None = None
    draining: set[str] = field(default_factory=set)
    uneasy: set[str] = field(default_factory=set)

    def room(self, site_id: str) -> int | None:
        taken = sum(site == site_id for site, _, _ in self.plays)
        return None if self.places is None else max(0, self.places - taken)

    def leaving(self, site_id: str) -> frozenset[str]:
        return frozenset(play for site, _, play in self.plays if site == site_id) & self.draining

    def crowded(self, site_id: str) -> frozenset[str]:
        return frozenset(play for site, _, play in self.plays if site == site_id) & self.uneasy

    def viewers(self, site_id: str) -> frozenset[str] | None:
        if self.silent:
            return None
        return frozenset(play for site, _, play in self.plays if site == site_id)

    async def play(
        self, site_id: str, camera_id: str, offer: str, *, low: bool, tcp: bool = False
    ) -> Play:
        assert offer.startswith("v=0")
        self.asked.append((site_id, camera_id, low))
        self.by_tcp.append(tcp)
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        number = len(self.asked)
        play = Play(f"play-{number}", f"v=0\r\ns=answer {number}\r\n", asyncio.Future())
        self.plays[site_id, camera_id, play.id] = play
        return play

    async def stop(self, site_id: str, camera_id: str, play_id: str) -> bool:
        self.stops += 1
        if self.stop_errors:
            raise self.stop_errors.pop()
        play = self.plays.pop((site_id, camera_id, play_id), None)
        if play is None:
            return False
        play.ended.set_result("stopped")
        return True


@dataclass(frozen=True, slots=True)
class Picture:
    """One still picture."""

    jpeg: bytes
    taken: datetime


@dataclass(slots=True)
class Album:
    """The shape of ``Posters``."""

    pictures: dict[tuple[str, str], Picture] = field(default_factory=dict)

    def get(self, site_id: str, camera_id: str, /) -> Picture | None:
        return self.pictures.get((site_id, camera_id))


@dataclass(slots=True)
class Switch:
    """The shape of ``DemoSwitch``."""

    plugs: dict[str, bool]

    def cameras(self) -> Mapping[str, bool]:
        return self.plugs

    async def set_plugged(self, camera_id: str, plugged: bool, /) -> None:  # noqa: FBT001  # as in the port
        self.plugs[camera_id] = plugged


@dataclass(slots=True)
class HandClock:
    """The machine's clock, moved on by hand; who sleeps wakes up soon."""

    ahead: float = 0.0

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.ahead)

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(min(seconds, 0.02))


@dataclass(slots=True)
class Stage:
    """Everything behind the doors, within a test's reach."""

    web_dir: Path
    sites: dict[str, Site] = field(default_factory=dict)
    settings: Settings = field(
        default_factory=lambda: Settings(ticket_secret=TICKET_SECRET, staff_token=STAFF_TOKEN)
    )
    board: Board = field(default_factory=Board)
    cinema: Cinema = field(default_factory=Cinema)
    album: Album = field(default_factory=Album)
    ages: dict[str, float] = field(default_factory=dict)
    switch: Switch | None = None
    limits: Limits = field(default_factory=Limits)
    stores: Stores = field(default_factory=Stores)
    clock: Clock = field(default_factory=SystemClock)
    facts: dict[str, Facts] = field(default_factory=dict)
    undescribed: list[str] = field(default_factory=list)
    problems: tuple[Problem, ...] = ()
    unreadable: frozenset[str] = frozenset()

    def fleet(self) -> Fleet:
        return Fleet(self.settings, self.sites, self.problems, self.unreadable)

    def add(self, site: Site, *, state: CameraState = CameraState.LIVE) -> None:
        """Put a site into the fleet and on the board."""
        self.sites[site.id] = site
        self.ages[site.id] = 1.0
        self.board.publish(status_of(site, state=state))

    def app(self) -> web.Application:
        """Make the doors; every answer of theirs is held to the OpenAPI document."""
        app = create_app(
            fleet=self.fleet,
            board=self.board,
            watching=self.cinema,
            posters=self.album,
            ages=lambda: self.ages,
            web_dir=self.web_dir,
            demo_switch=self.switch,
            limits=self.limits,
            stores=self.stores,
            clock=self.clock,
            facts=lambda: self.facts,
        )
        hold_to_document(app, self.undescribed)
        return app


def site_of(
    site_id: str,
    access: Access = Access.PUBLIC,
    *,
    origins: tuple[str, ...] = (),
    max_watch_s: float | None = None,
) -> Site:
    """Return a site with the cameras ``entrance-1`` and ``yard``."""
    return Site(
        id=site_id,
        name=LocalText.of({"ru": "Дом", "en": "House"}),
        cameras=(
            Camera("entrance-1", LocalText.of("Entrance 1"), rtsp="rtsp://10.0.0.1/"),
            Camera("yard", LocalText.of("Yard"), rtsp="rtsp://10.0.0.2/"),
        ),
        viewing=Viewing(access=access, allowed_origins=origins, max_watch_s=max_watch_s),
    )


def status_of(site: Site, *, state: CameraState = CameraState.LIVE) -> SiteStatus:
    """Return the status of a site whose cameras are all in ``state``."""
    return SiteStatus(
        id=site.id,
        name=site.name,
        state=SiteState.OK,
        since=SINCE,
        cameras=tuple(
            CameraStatus(camera.id, camera.name, state, SINCE, video_codec="H264", width=1280)
            for camera in site.cameras
        ),
        servers=(ServerStatus(site.id, Role.ORIGIN, "running", SINCE),),
        problems=(Problem("sites/a.yaml", 3, "cameras", "something to mend"),),
        last_step=remark("failed_create", "create a: it is not there", target="a", why="conflict"),
    )


@asynccontextmanager
async def served(app: web.Application) -> AsyncIterator[tuple[web.Server, int]]:
    """Serve ``app`` as the service does; yield the server and its port.

    aiohttp's own test server differs: it cancels a handler whose client has left.
    """
    runner = create_runner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        assert runner.server is not None
        yield runner.server, int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


async def problem_of(response: ClientResponse) -> dict[str, Any]:
    """Return the problem of an error answer, after a look at its shape (RFC 9457)."""
    assert response.content_type == "application/problem+json", await response.text()
    body = json.loads(await response.read())
    keys = set(body) - {"reason", "place", "queue"}
    assert keys == {"type", "title", "status", "detail", "kind", "hint"}
    assert body["status"] == response.status
    assert body["title"]
    assert body["detail"]
    assert body["kind"]
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    return dict(body)


def offline() -> GatewayError:
    """Return the error of a camera that sends nothing."""
    return GatewayError(ErrorKind.CAMERA_OFFLINE, "The camera sends nothing.", "Wait for it.")


async def events_of(response: ClientResponse) -> AsyncIterator[tuple[str, Any]]:
    """Yield ``(event, data)`` of a stream; a comment is ``("", text)``, ``retry`` is left out."""
    kind = ""
    async for raw in response.content:
        line = raw.decode().rstrip("\n")
        if line.startswith("event: "):
            kind = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield kind, json.loads(line.removeprefix("data: "))
        elif line.startswith(":"):
            yield "", line
