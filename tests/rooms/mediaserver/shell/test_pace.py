"""Resting after wake-ups: only when they come often, never in a hurry, and nothing is missed."""

import asyncio
import selectors
import socket
import time
from collections.abc import Iterator

import pytest

from gateway.mediaserver import pace
from gateway.mediaserver.pace import PacedSelector


class Watched(PacedSelector):
    """Counts the rests."""

    rests = 0


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    selector = Watched()

    def rest(seconds: float) -> None:
        assert 0 < seconds <= pace.REST_S
        selector.rests += 1

    monkeypatch.setattr(pace.time, "sleep", rest)
    yield selector
    selector.close()


@pytest.fixture
def ready(watched: Watched) -> Iterator[None]:
    """Let something be ready at every look."""
    one, other = socket.socketpair()
    with one, other:
        other.send(b"x")
        watched.register(one, selectors.EVENT_READ)
        yield
        watched.unregister(one)


@pytest.mark.usefixtures("ready")
def test_frequent_wake_ups_bring_rests(watched: Watched) -> None:
    assert watched.select(1.0)
    assert not watched.rests, "one wake-up is no reason"
    for _ in range(100):
        assert watched.select(None)
    assert watched.rests > 50


@pytest.mark.usefixtures("ready")
def test_no_rest_in_a_hurry_nor_while_there_is_work(watched: Watched) -> None:
    for _ in range(100):
        watched.select(1.0)
    watched.rests = 0
    for _ in range(100):
        assert watched.select(0)
    watched.in_hurry = lambda: True
    for _ in range(100):
        assert watched.select(1.0)
    assert not watched.rests


def test_rare_wake_ups_bring_none(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.monotonic()
    clock = (now + 0.04 * step for step in range(1, 10_000))
    monkeypatch.setattr(pace.time, "monotonic", lambda: next(clock))
    for _ in range(100):
        assert watched.select(0.0001) == []
    assert not watched.rests


def test_a_loop_works_with_it() -> None:
    async def talk() -> list[bytes]:
        reader, writer = await asyncio.open_connection(*address)
        heard = []
        for number in range(50):
            writer.write(b"%d\n" % number)
            heard.append(await reader.readline())
        writer.close()
        await writer.wait_closed()
        return heard

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(line)
        writer.close()

    async def main() -> list[bytes]:
        nonlocal address
        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        async with server:
            address = server.sockets[0].getsockname()
            return await asyncio.wait_for(talk(), 20)

    address: tuple[str, int] = ("", 0)
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(PacedSelector())) as runner:
        assert runner.run(main()) == [b"%d\n" % number for number in range(50)]
