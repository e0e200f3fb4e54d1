"""Many cameras are read at one waking, a few at once; an end is an end in both ways."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from gateway.model.errors import ErrorKind
from gateway.rtsp.arrivals import MANY, Arrivals, read
from tests.peers.rtsp_peer import interleaved, rtp, rtsp_peer
from tests.rooms.rtsp.test_client import QUICK, playing
from tests.waiting import until

LONG_S = 3600.0


class Passes:
    """Counts how often the event loop has gone round."""

    def __init__(self) -> None:
        self.number = 0
        self._loop = asyncio.get_running_loop()
        self._handle = self._loop.call_soon(self._count)

    def _count(self) -> None:
        self.number += 1
        self._handle = self._loop.call_soon(self._count)

    def close(self) -> None:
        self._handle.cancel()


class Pairs:
    """Descriptors in ``arrivals``; ``taken`` has who was read, and in which pass."""

    def __init__(self, arrivals: Arrivals, count: int) -> None:
        self.arrivals = arrivals
        self.passes = Passes()
        self.taken: list[tuple[int, int]] = []
        self.pairs = [socket.socketpair() for _ in range(count)]
        for number, (ours, _) in enumerate(self.pairs):
            ours.settimeout(0)
            arrivals.add(ours.fileno(), self._taker(number))

    def _taker(self, number: int) -> Callable[[], None]:
        def take() -> None:
            if read(self.pairs[number][0].fileno(), memoryview(bytearray(100))):
                self.taken.append((number, self.passes.number))

        return take

    def send(self, number: int) -> None:
        self.pairs[number][1].send(b"x")

    async def came(self, number: int) -> None:
        await until(lambda: any(one == number for one, _ in self.taken))

    async def go_round(self) -> None:
        before = self.passes.number
        await until(lambda: self.passes.number > before + 20)

    def close(self) -> None:
        self.passes.close()
        for ours, theirs in self.pairs:
            self.arrivals.remove(ours.fileno())
            ours.close()
            theirs.close()


@pytest.fixture
async def many(request: pytest.FixtureRequest) -> AsyncIterator[Pairs]:
    count, tick_s = request.param
    arrivals = Arrivals(tick_s=tick_s)
    pairs = Pairs(arrivals, count)
    yield pairs
    pairs.close()
    arrivals.close()


@pytest.mark.parametrize("many", [(MANY + 1, 0.4)], indirect=True)
async def test_many_are_read_together(many: Pairs) -> None:
    many.send(0)
    await many.came(0)
    for number in (1, 2):
        many.send(number)
        await many.go_round()
    await many.came(2)
    (_, first), (_, second), (_, third) = many.taken
    assert second == third > first + 40


@pytest.mark.parametrize("many", [(MANY - 1, LONG_S)], indirect=True)
async def test_a_few_are_read_at_once(many: Pairs) -> None:
    for number in (0, 1, 0):
        many.send(number)
        await many.came(number)
        many.taken.clear()


@pytest.mark.parametrize("many", [(MANY, 0.01)], indirect=True)
async def test_after_a_silence_the_next_one_is_read(many: Pairs) -> None:
    for number in range(MANY):
        many.send(number)
        await many.came(number)
        idle = many.arrivals
        await until(lambda idle=idle: not idle.waits)  # type: ignore[misc]  # one at a time


@pytest.mark.parametrize("many", [(2, LONG_S)], indirect=True)
async def test_who_was_removed_is_not_read(many: Pairs) -> None:
    gone = many.pairs[0][0].fileno()
    many.arrivals.remove(gone)
    many.arrivals.remove(gone)
    many.send(0)
    many.send(1)
    await many.came(1)
    assert [number for number, _ in many.taken] == [1]


async def test_one_that_ends_another_in_the_same_waking() -> None:
    arrivals = Arrivals()
    pairs = [socket.socketpair() for _ in range(2)]
    called: list[int] = []

    def end_all(number: int) -> None:
        called.append(number)
        for ours, _ in pairs:
            arrivals.remove(ours.fileno())

    for number, (ours, theirs) in enumerate(pairs):
        arrivals.add(ours.fileno(), lambda number=number: end_all(number))  # type: ignore[misc]  # bound now
        theirs.send(b"x")
    await until(lambda: called)
    assert len(called) == 1
    arrivals.close()
    for ours, theirs in pairs:
        ours.close()
        theirs.close()


def test_what_reading_says() -> None:
    ours, theirs = socket.socketpair()
    into = memoryview(bytearray(10))
    ours.settimeout(0)
    assert read(ours.fileno(), into) is None
    theirs.send(b"abc")
    assert read(ours.fileno(), into) == 3
    assert bytes(into[:3]) == b"abc"
    theirs.close()
    assert read(ours.fileno(), into) == 0
    gone = os.dup(ours.fileno())
    os.close(gone)
    assert read(gone, into) == 0
    ours.close()


async def test_sessions_of_many_cameras() -> None:
    arrivals = Arrivals()
    settings = replace(QUICK, arrivals=arrivals)
    async with AsyncExitStack() as peers:
        cameras = [await peers.enter_async_context(rtsp_peer()) for _ in range(MANY + 1)]
        async with AsyncExitStack() as stack:
            plays = [
                await stack.enter_async_context(playing(camera, settings)) for camera in cameras
            ]
            for number in range(1, 30):
                for camera in cameras:
                    camera.send(interleaved(rtp(number, number, b"data", marker=True)))
            await until(lambda: all(len(taken.payloads) == 29 for _, taken in plays))
            cameras[0].drop()
            why = await asyncio.wait_for(plays[0][0].ended, 5)
            assert why.kind is ErrorKind.CAMERA_UNREACHABLE
            cameras[1].send(interleaved(rtp(30, 30, b"end", marker=True)))
            await until(lambda: plays[1][1].payloads[-1] == b"end")
        assert [camera.count("TEARDOWN") for camera in cameras] == [0, *[1] * MANY]
    arrivals.close()
