"""Synthetic viewers that watch through the gateway as its player does: they move when told."""

import asyncio
import contextlib
import random
import socket
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from aiohttp import ClientError, ClientSession, ClientTimeout

from gateway.kit.tasks import Tasks
from tests.bench.peer import Crowd, Peer

_SDP = {"Content-Type": "application/sdp"}


@dataclass
class Guest:
    """One viewer of one camera. ``longest`` is the longest time without a packet, in seconds."""

    party: "Party"
    path: str
    peer: Peer
    play: str = ""
    moves: int = 0
    refusals: int = 0
    longest: float = 0.0
    lost: int = 0
    _last: float = 0.0
    _ask_after: float = 0.0

    async def come(self) -> None:
        """Play; raises when the gateway refuses."""
        await self._connect(self.peer, "")

    async def follow(self) -> None:
        """Ask now and then whether to move, as long as the play lasts."""
        while self._ask_after:
            await asyncio.sleep(self._ask_after * random.uniform(0.75, 1.25))  # spreads load
            state = await self.party.ask(f"/api/v1{self._state_path()}")
            if state.get("move"):
                await self._move()

    async def leave(self) -> None:
        """Hang up, as a page that is closed does."""
        async with self.party.http.delete(f"{self.party.url}{self.path}/{self.play}"):
            self.drop(self.peer)

    def note(self) -> None:
        """Take note of a packet, on whichever connection."""
        now = time.monotonic()
        if self._last:
            self.longest = max(self.longest, now - self._last)
        self._last = now

    def drop(self, peer: Peer) -> None:
        """Close a connection and add up what it has missed."""
        self.lost += max(0, peer.expected - peer.count)
        self.party.crowd.peers.remove(peer)
        peer.close()

    async def _move(self) -> None:
        old, peer, gone = self.peer, self.party.peer(), self.play
        await self._connect(peer, f"?moves={gone}")
        self.peer = peer
        async with self.party.http.delete(f"{self.party.url}{self.path}/{gone}"):
            self.moves += 1
        self.drop(old)

    async def _connect(self, peer: Peer, query: str) -> None:
        peer.arrived = self.note
        url = f"{self.party.url}{self.path}{query}"
        async with self.party.http.post(url, data=peer.sdp(), headers=_SDP) as answer:
            text = await answer.text()
            assert answer.status == 201, text
            self.play = answer.headers["Location"].rpartition("/")[2]
            self._ask_after = float(answer.headers.get("Play-Ask-After", 0))
        peer.begin_with(text)
        await self.party.crowd.connected(peer)

    def _state_path(self) -> str:
        _, _, site, camera = self.path.split("/")
        return f"/sites/{site}/cameras/{camera}/plays/{self.play}"


@dataclass
class Party:
    """Guests of one gateway."""

    url: str
    http: ClientSession
    crowd: Crowd
    guests: list[Guest] = field(default_factory=list)
    _tasks: Tasks = field(default_factory=lambda: Tasks("guests"))
    _following: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    def peer(self) -> Peer:
        """Return a connection to be."""
        made = Peer(self.crowd.host)
        self.crowd.peers.append(made)
        return made

    async def come(self, path: str, count: int, *, pause: float = 0.3) -> list[Guest]:
        """Let ``count`` guests come one after another to ``/whep/<site>/<camera>``."""
        came = []
        for _ in range(count):
            guest = Guest(self, path, self.peer())
            await guest.come()
            self.guests.append(guest)
            came.append(guest)
            self._following[guest.play] = self._tasks.spawn(guest.follow(), guest.play)
            await asyncio.sleep(pause)
        return came

    async def go(self, guests: Sequence[Guest], *, pause: float = 0.1) -> None:
        """Let guests leave."""
        for guest in guests:
            self.guests.remove(guest)
            guest._ask_after = 0.0
            await guest.leave()
            await asyncio.sleep(pause)

    async def ask(self, path: str) -> dict[str, object]:
        """Return an answer of the API, empty for none."""
        try:
            async with self.http.get(self.url + path) as answer:
                found: dict[str, object] = await answer.json()
                return found
        except ClientError:
            return {}

    async def close(self) -> None:
        """End all."""
        await self._tasks.close()
        await self.crowd.close()


def own_address() -> str:
    """Return this machine's address; media servers name it, and loopback only where it is all."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect(("198.51.100.1", 9))  # RFC 5737: chooses a route, sends nothing
        except OSError:
            return "127.0.0.1"
        address: str = sock.getsockname()[0]
        return address


@contextlib.asynccontextmanager
async def party(url: str) -> AsyncIterator[Party]:
    """Open the doors of a gateway to synthetic guests, who are gone afterwards."""
    async with ClientSession(timeout=ClientTimeout(total=20)) as http:
        made = Party(url, http, Crowd(own_address()))
        try:
            yield made
        finally:
            await made.close()
