"""CPU per delivered packet, memory per viewer and CPU per join, for every contender alike."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

from tests.bench import floor, place
from tests.bench.peer import Crowd, Peer, Window, decoded, window

TEN_BY_FIVE = "10 x 5"
_SETTLE_S = 1.5
# Longer than servers keep a handshake for retransmissions and a heap with holes.
_AFTER_HANDSHAKE_S = 12.0


class Contender(Protocol):
    """A media server that synthetic viewers can join."""

    @property
    def name(self) -> str:
        """What it is called in the tables."""

    @property
    def pid(self) -> int:
        """The process that is measured."""

    async def join(self, peer: Peer, camera: int) -> None:
        """Let ``peer`` play a camera."""


Start = Callable[[str, Sequence[str]], AbstractAsyncContextManager[Contender]]


@dataclass(slots=True)
class Figures:
    """Medians come from here: all values by contender and scenario."""

    cpu_us: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    viewer_ms: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    lost: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    memory_kb: dict[str, list[float]] = field(default_factory=dict)
    join_ms: dict[str, list[float]] = field(default_factory=dict)
    pictures: dict[str, int] = field(default_factory=dict)
    profiles: dict[str, str] = field(default_factory=dict)

    def note(self, name: str, scenario: str, cpu_s: float, seen: Window, viewers: int) -> None:
        """Keep one window."""
        key = (name, scenario)
        self.cpu_us.setdefault(key, []).append(cpu_s / max(1, seen.packets) * 1e6)
        ms = cpu_s / seen.seconds / viewers * 1e3
        self.viewer_ms.setdefault(key, []).append(ms)
        self.lost.setdefault(key, []).append(seen.lost)
        us = self.cpu_us[key][-1]
        print(
            f"  {name:14} {scenario:>7}: {us:6.2f} us/packet, {ms:5.2f} ms/viewer-s, "
            f"{seen.packets / seen.seconds / viewers:5.0f} packets/s each, lost {seen.lost:.2%}",
            flush=True,
        )

    def median(self, name: str, scenario: str) -> float:
        """Return microseconds a packet; not a number when it was not measured."""
        return place.middle(self.cpu_us.get((name, scenario), []))


@asynccontextmanager
async def crowd(host: str) -> AsyncIterator[Crowd]:
    """Synthetic viewers that are gone afterwards."""
    made = Crowd(host)
    try:
        yield made
    finally:
        await made.close()


async def one_camera(
    start: Start, host: str, urls: Sequence[str], *, sizes: Sequence[int], seconds: float,
    figures: Figures, memory: bool = True,
) -> None:  # fmt: skip
    """Measure one camera with more and more viewers, and what they keep of memory in the end."""
    async with start(host, urls[:1]) as contender, crowd(host) as viewers:
        await _warm(contender, viewers, figures)
        before = place.memory_kb(contender.pid)
        base = len(viewers.peers)
        for size in sizes:
            joined = await _grow(contender, viewers, size)
            cpu, seen = await _measured(contender.pid, viewers.peers, seconds)
            figures.note(contender.name, str(size), cpu, seen, size)
            if joined.viewers >= 10:
                spent = joined.cpu_s - joined.packets * cpu / max(1, seen.packets)
                figures.join_ms.setdefault(contender.name, []).append(spent / joined.viewers * 1e3)
        added = len(viewers.peers) - base
        if memory and added:
            await asyncio.sleep(max(0.0, _AFTER_HANDSHAKE_S - seconds))
            each = (place.memory_kb(contender.pid) - before) / added
            figures.memory_kb.setdefault(contender.name, []).append(each)


async def ten_cameras(
    start: Start, host: str, urls: Sequence[str], *, seconds: float, figures: Figures
) -> None:
    """Measure ten cameras with five viewers each."""
    async with start(host, urls[:10]) as contender, crowd(host) as viewers:
        for number in range(50):
            await join(contender, viewers, number % 10)
        await asyncio.sleep(_SETTLE_S)
        cpu, seen = await _measured(contender.pid, viewers.peers, seconds)
        figures.note(contender.name, TEN_BY_FIVE, cpu, seen, 50)


async def limit(
    name: str, command: Sequence[str], host: str, *, sizes: Sequence[int], seconds: float,
    figures: Figures, cameras: int = 1,
) -> None:  # fmt: skip
    """Measure a program that only encrypts and sends."""
    for size in sizes:
        async with crowd(host) as viewers:
            viewers.peers = [Peer(host) for _ in range(size)]
            async with floor.running(command, host, viewers.peers, cameras=cameras) as pid:
                cpu, seen = await _measured(pid, viewers.peers, seconds)
            scenario = TEN_BY_FIVE if cameras > 1 else str(size)
            figures.note(name, scenario, cpu, seen, size)


@dataclass(frozen=True, slots=True)
class _Joined:
    viewers: int
    cpu_s: float
    packets: int


async def _warm(contender: Contender, viewers: Crowd, figures: Figures) -> None:
    """Let one viewer prove that pictures can be decoded; it stays, as the first one."""
    first = await join(contender, viewers, 0)
    pictures = await decoded(first, 3.0)
    if not pictures:
        raise RuntimeError(f"{contender.name} sends nothing that can be decoded")
    figures.pictures[contender.name] = pictures
    figures.profiles[contender.name] = first.profile.name


async def _grow(contender: Contender, viewers: Crowd, size: int) -> _Joined:
    added = size - len(viewers.peers)
    for peer in viewers.peers:
        peer.reset()
    before = place.cpu_s(contender.pid)
    for _ in range(added):
        await join(contender, viewers, 0)
    await asyncio.sleep(_SETTLE_S)
    spent = place.cpu_s(contender.pid) - before
    return _Joined(added, spent, sum(peer.media for peer in viewers.peers))


async def join(contender: Contender, viewers: Crowd, camera: int) -> Peer:
    """Add one viewer of a camera and wait until it has its keys."""
    peer = Peer(viewers.host)
    viewers.peers.append(peer)
    await contender.join(peer, camera)
    await viewers.connected(peer)
    return peer


async def _measured(pid: int, peers: Sequence[Peer], seconds: float) -> tuple[float, Window]:
    before = place.cpu_s(pid)
    seen = await window(peers, seconds)
    return place.cpu_s(pid) - before, seen
