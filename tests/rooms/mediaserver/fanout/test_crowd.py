"""Many viewers of one camera: one system call serves all of them, and each gets its own packets."""

import contextlib
import errno
import socket
from collections.abc import AsyncIterator

import pytest

from gateway.mediaserver.fanout.engine import EngineSettings
from gateway.mediaserver.transport.convoy import FEWEST
from gateway.mediaserver.transport.udp import UdpSocket
from tests.rooms.mediaserver.fanout.lean import LeanViewer
from tests.rooms.mediaserver.fanout.scene import Scene, contiguous
from tests.waiting import until

CROWD = 50
"""More than the rows of one call."""


@contextlib.asynccontextmanager
async def crowd(host: str, count: int) -> AsyncIterator[tuple[Scene, list[LeanViewer], UdpSocket]]:
    """Give an engine with viewers that have seen a key frame of three packets, and their socket."""
    async with Scene(EngineSettings(bind=(host,))) as scene, contextlib.AsyncExitStack() as stack:
        scene.push(key=True)
        viewers = [await stack.enter_async_context(LeanViewer(host=host)) for _ in range(count)]
        for viewer in viewers:
            await scene.join(viewer)
        await everybody_has(viewers, 3)
        link = scene.engine._viewers[viewers[0].id].link
        assert isinstance(link, UdpSocket)
        yield scene, viewers, link


async def everybody_has(viewers: list[LeanViewer], packets: int) -> None:
    await until(lambda: {len(viewer.packets) for viewer in viewers} == {packets}, within=20)
    for viewer in viewers:
        assert contiguous(viewer.sequence())
        assert viewer.undecrypted == 0


def served_alone(link: UdpSocket) -> list[object]:
    """Note who is sent anything the ordinary way."""
    alone: list[object] = []
    truly = link.sendmsg

    def noted(*arguments: object) -> int:
        alone.append(arguments[3])
        return truly(*arguments)  # type: ignore[arg-type]

    link.sendmsg = noted
    return alone


@pytest.fixture(params=["127.0.0.1", "::1"])
def host(request: pytest.FixtureRequest) -> str:
    wanted: str = request.param
    if wanted == "::1" and not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    return wanted


async def test_a_crowd_is_served_together(host: str) -> None:
    async with crowd(host, CROWD) as (scene, viewers, link):
        alone = served_alone(link)
        scene.push(count=4, packets=9)
        scene.push(packets=60)  # in slices, of which one call serves fewer viewers
        scene.push(packets=1)
        await everybody_has(viewers, 3 + 36 + 60 + 1)
        assert alone == []
        counters = scene.engine.counters()
        assert (counters["packets"], counters["drops"]) == (CROWD * 100, 0)


async def test_a_crowd_that_fills_the_send_buffer_loses_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with crowd("127.0.0.1", CROWD) as (scene, viewers, link):
        convoy = scene.engine._press.convoy
        take = convoy._call

        def some(number: int, messages: object, count: int, flags: int) -> int:
            taken: int = take(number, messages, count // 2, flags)
            return taken

        def full(*_: object) -> int:
            raise BlockingIOError

        monkeypatch.setattr(convoy, "_call", some)
        link.sendmsg = full
        scene.push(count=3, packets=30)
        assert scene.engine.counters()["held"] > 0
        await everybody_has(viewers, 93)
        counters = scene.engine.counters()
        assert (counters["drops"], counters["backlog_bytes"]) == (0, 0)


async def test_one_without_a_route_disturbs_nobody_in_the_crowd() -> None:
    async with crowd("127.0.0.1", FEWEST) as (scene, viewers, link):
        # A broadcast address: the kernel refuses to send there.
        lost = viewers[5]
        scene.engine._viewers[lost.id].move(link, ("255.255.255.255", 9))
        scene.push(count=5)
        await everybody_has([viewer for viewer in viewers if viewer is not lost], 18)
        assert len(lost.packets) == 3
        assert scene.engine.counters()["drops"] == 1


async def test_a_kernel_that_cannot_segment_serves_the_crowd_packet_by_packet(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with crowd("127.0.0.1", FEWEST) as (scene, viewers, link):
        truly = link.sendmsg

        def no_checksums(*arguments: object) -> int:
            if arguments[1]:
                raise OSError(errno.EIO, "the device cannot")
            return truly(*arguments)  # type: ignore[arg-type]

        link.sendmsg = no_checksums
        monkeypatch.setattr(scene.engine._press.convoy, "_call", lambda *_: -1)
        scene.push(count=2, packets=9)
        await everybody_has(viewers, 21)
        counters = scene.engine.counters()
        assert (counters["segmentation"], counters["drops"]) == (0, 0)
