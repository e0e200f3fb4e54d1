"""A still picture of every camera: what people see before the video, and when there is none."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

import structlog

from gateway.control.board import Board
from gateway.control.clients import Clients
from gateway.control.facts import ServerFacts
from gateway.control.gallery import Gallery, Poster
from gateway.control.keeper import Keeper
from gateway.control.pacing import Pacing
from gateway.kit.clock import Clock
from gateway.kit.tasks import Tasks
from gateway.model.errors import GatewayError
from gateway.model.site import stream_name
from gateway.model.status import CameraState

ToJpeg = Callable[[bytes, int], Awaitable[bytes]]
"""Turns a PNG into a JPEG of at most so many pixels across; raises GatewayError."""

MAX_WIDTH: Final = 960


class PosterStore(Protocol):
    """Where pictures outlive a restart."""

    def load(self, site_id: str, camera_id: str) -> tuple[bytes, datetime] | None:
        """Return the last picture; ``None`` when there is none that can be read."""

    def save(self, site_id: str, camera_id: str, jpeg: bytes, taken: datetime) -> None:
        """Keep a picture; raises GatewayError."""

    def forget(self, site_id: str) -> None:
        """Delete a site's pictures."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """Seconds: between two pictures of a camera, and between two looks around.

    ``share`` bounds the work: the pause grows with the number of cameras so that this many
    seconds pass between two pictures of the whole fleet. ``burst``: of so many cameras that go
    live together pictures are taken at once, the others wait for their share. A look around
    lasts ``look`` for each ``crowd`` cameras.
    """

    every: float = 60.0
    look: float = 1.0
    share: float = 0.75
    burst: int = 60
    crowd: int = 1500


class Posters:
    """Takes pictures soon after a camera goes live, and then now and again."""

    def __init__(
        self,
        *,
        board: Board,
        keeper: Keeper,
        clients: Clients,
        store: PosterStore,
        to_jpeg: ToJpeg,
        clock: Clock,
        schedule: Schedule | None = None,
    ) -> None:
        self._board = board
        self._keeper = keeper
        self._clients = clients
        self._store = store
        self._to_jpeg = to_jpeg
        self._clock = clock
        self._schedule = schedule or Schedule()
        self._posters = Gallery()
        self._queue = 0.0
        self._due: dict[tuple[str, str], float] = {}
        self._sites: set[str] = set()
        self._failures = Pacing(first=2, most=60, calm=0)
        self._tasks = Tasks("posters")
        self._log = structlog.get_logger("control")

    def start(self) -> None:
        """Begin to take pictures."""
        self._tasks.spawn(self._run(), "pictures")

    async def close(self) -> None:
        """Stop to take pictures."""
        await self._tasks.close()

    def get(self, site_id: str, camera_id: str) -> Poster | None:
        """Return a camera's latest picture; ``None`` when there is none, or no such camera."""
        site = self._board.site(site_id)
        if site is None or site.camera(camera_id) is None:
            return None
        key = (site_id, camera_id)
        if key not in self._posters:
            kept = self._store.load(site_id, camera_id)
            self._posters.put(key, None if kept is None else Poster(*kept))
        return self._posters.get(key)

    async def offer(self, site_id: str, camera_id: str, jpeg: bytes) -> None:
        """Take a picture of a camera that is not playing; a live one's is newer by itself."""
        site = self._board.site(site_id)
        one = None if site is None else site.camera(camera_id)
        if one is None or one.state is CameraState.LIVE:
            return
        taken = self._clock.now()
        try:
            await asyncio.to_thread(self._store.save, site_id, camera_id, jpeg, taken)
        except GatewayError as error:
            self._log.warning("a picture cannot be kept", site=site_id, reason=str(error))
        self._posters.put((site_id, camera_id), Poster(jpeg, taken))

    async def _run(self) -> None:
        while True:
            try:
                await self._forget_sites()
                for key in self._cameras_due():
                    await self._refresh(*key)
            except Exception:  # noqa: BLE001  # the edge: one error must not end all pictures
                self._log.exception("taking pictures has failed")
                await self._clock.sleep(self._schedule.every)
            crowds = 1 + len(self._due) // self._schedule.crowd
            await self._clock.sleep(self._schedule.look * crowds)

    async def _forget_sites(self) -> None:
        """Delete the pictures of sites that have left the board."""
        there = {site.id for site in self._board.sites()}
        for site_id in self._sites - there:
            await asyncio.to_thread(self._store.forget, site_id)
        self._sites = there

    def _cameras_due(self) -> list[tuple[str, str]]:
        """Return the live cameras whose picture is old, the oldest first; forget what is gone."""
        sites = self._board.sites()
        there = {(site.id, camera.id) for site in sites for camera in site.cameras}
        self._posters.keep_only(there)
        live = {
            (site.id, camera.id)
            for site in sites
            for camera in site.cameras
            if camera.state is CameraState.LIVE
        }
        self._failures.forget_others({f"{site}/{camera}" for site, camera in live})
        for gone in self._due.keys() - live:
            del self._due[gone]
        now = self._clock.monotonic()
        for key in live - self._due.keys():
            self._due[key] = self._place(now)
        due = [key for key, at in self._due.items() if at <= now]
        return sorted(due, key=self._due.__getitem__)

    def _place(self, now: float) -> float:
        """Return when a camera that has gone live is due: soon, unless a crowd came before it."""
        schedule = self._schedule
        self._queue = max(self._queue, now - schedule.burst * schedule.share) + schedule.share
        return self._queue

    async def _refresh(self, site_id: str, camera_id: str) -> None:
        pause = max(self._schedule.every, self._schedule.share * len(self._due))
        key, now = f"{site_id}/{camera_id}", self._clock.monotonic()
        try:
            jpeg = await self._take(site_id, camera_id)
            self._failures.fine(key, now)
        except GatewayError as error:
            self._failures.tried(key, now)
            pause = min(pause, self._failures.wait(key, now))
            self._log.debug("no picture", site=site_id, camera=camera_id, reason=str(error))
        else:
            if jpeg is not None:
                self._posters.put((site_id, camera_id), Poster(jpeg, self._clock.now()))
        self._due[site_id, camera_id] = self._clock.monotonic() + pause

    async def _take(self, site_id: str, camera_id: str) -> bytes | None:
        facts = self._keeper.facts(site_id)
        found = _sending(facts.servers if facts else (), site_id, camera_id)
        if found is None:
            return None
        server, stream = found
        client = await self._clients.get(server.observed)
        if client is None:
            return None
        jpeg = await self._to_jpeg(await client.snapshot(stream), MAX_WIDTH)
        await asyncio.to_thread(self._store.save, site_id, camera_id, jpeg, self._clock.now())
        return jpeg


def _sending(
    servers: tuple[ServerFacts, ...], site_id: str, camera_id: str
) -> tuple[ServerFacts, str] | None:
    """Return a server and the stream to take a picture of; the small one costs least."""
    names = (stream_name(site_id, camera_id, sub=True), stream_name(site_id, camera_id))
    for server in servers:
        for name in names:
            if server.asked and server.sends(name):
                return server, name
    return None
