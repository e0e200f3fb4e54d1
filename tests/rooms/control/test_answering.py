"""Media servers that run and answer nobody are replaced, those that are slow or new are not."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from gateway.control.answering import HUNG_S, NEVER_S, Answering, Fellows
from gateway.control.clients import Clients
from gateway.control.desired import Desired, WantedCapture
from gateway.control.gates import Gates
from gateway.control.reconcile import Reconciler
from gateway.kit.secret import Secret
from gateway.model.server import ServerSpec, ServerState
from tests.rooms.control.world import MemoryRuntime, failure
from tests.waiting import until

WANTED = Desired("s", (ServerSpec("s", "s"),), (WantedCapture("a", "s-a", Secret("rtsp://a/")),))


def test_silence_is_long_and_many_questions() -> None:
    answering = Answering()
    answering.heard("s")
    for second in range(5):
        answering.silent("s", second)
    assert not answering.hung(HUNG_S - 1)
    assert answering.hung(HUNG_S) == {"s"}
    answering.heard("s")
    assert not answering.hung(HUNG_S)


def test_a_gateway_that_stood_still_proves_nothing() -> None:
    answering = Answering()
    answering.heard("s")
    answering.silent("s", 0)
    answering.silent("s", 10 * HUNG_S)
    assert not answering.hung(10 * HUNG_S)


def test_a_server_that_comes_up_is_waited_for() -> None:
    answering = Answering()
    for second in range(100):
        answering.silent("s", second)
    assert not answering.hung(2 * HUNG_S)
    assert answering.hung(NEVER_S) == {"s"}
    answering.begun("s")
    assert not answering.hung(NEVER_S)


def test_where_most_fall_silent_at_once_nobody_is_hung() -> None:
    fellows = Fellows()
    sites = [Answering(fellows) for _ in range(5)]
    for number, one in enumerate(sites):
        one.heard(f"s{number}")
    for one in sites[:4]:
        for second in range(5):
            one.silent(f"s{sites.index(one)}", second)
    assert not any(one.hung(HUNG_S) for one in sites), "the way to them is broken"
    sites[0].heard("s0")
    sites[1].heard("s1")
    assert [sorted(one.hung(HUNG_S)) for one in sites] == [[], [], ["s2"], ["s3"], []]
    sites[2].keep(set())
    assert not sites[2].hung(HUNG_S)


class Hand:
    """A clock that a test moves on."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@pytest.fixture
async def kept() -> AsyncIterator[tuple[Reconciler, MemoryRuntime, Hand]]:
    runtime, clock = MemoryRuntime(), Hand()
    one = Reconciler(
        site="s",
        runtime=runtime,
        clients=Clients(runtime.client),
        clock=clock,
        gates=Gates(),
        stirred=lambda: None,
    )
    for _ in range(3):
        await one.cycle(lambda _: WANTED)
        await until(lambda: not one._in_flight)
    assert runtime.servers["s"].pulled
    yield one, runtime, clock
    await one.close()


async def test_a_hung_server_is_replaced_once(
    kept: tuple[Reconciler, MemoryRuntime, Hand],
) -> None:
    one, runtime, clock = kept
    server = runtime.servers["s"]
    server.broken = failure("it does not answer")
    for _ in range(5):
        await one.cycle(lambda _: WANTED)
        assert runtime.calls["create s"] == 1
        clock.seconds += HUNG_S / 5
    await one.cycle(lambda _: WANTED)
    assert runtime.calls["create s"] == 2
    server.broken = None
    for _ in range(6):
        await one.cycle(lambda _: WANTED)
        clock.seconds += HUNG_S / 5
    assert runtime.calls["create s"] == 2


async def test_cameras_do_not_wait_because_their_server_died(
    kept: tuple[Reconciler, MemoryRuntime, Hand],
) -> None:
    one, runtime, _ = kept
    server = runtime.servers["s"]
    for _ in range(3):
        server.pulled.clear()  # each makes the next pull wait longer
        await one.cycle(lambda _: WANTED)
        await until(lambda: not one._in_flight)
    assert not server.pulled
    await runtime.stop("s")
    for _ in range(3):
        await one.cycle(lambda _: WANTED)
        await until(lambda: not one._in_flight)
    assert runtime.there["s"].state is ServerState.RUNNING
    assert server.pulled
