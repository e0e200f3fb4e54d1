"""How much containers use, by what an engine says: arithmetic, rhythm, an engine that fails."""

import asyncio
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
import structlog
from docker.errors import APIError
from requests import Response

from gateway.runtime.docker import names
from gateway.runtime.docker.engine import Engine
from gateway.runtime.docker.listing import Seen
from gateway.runtime.docker.processors import Sample, limit_of, share
from gateway.runtime.docker.usage import AGAIN_S, EVERY_S, OLD_S, Usage
from tests.waiting import until

SECOND = 10**9


def answer(used_s: float, had_s: float, online: int = 4) -> dict[str, Any]:
    """Return what an engine on cgroups v2 says (Docker Engine API 1.41 and later)."""
    return {
        "cpu_stats": {
            "cpu_usage": {"total_usage": int(used_s * SECOND)},
            "system_cpu_usage": int(had_s * SECOND),
            "online_cpus": online,
        },
        "precpu_stats": {"cpu_usage": {"total_usage": 0}},
    }


def sample(used_s: float, had_s: float, online: int = 4) -> Sample:
    found = Sample.read(answer(used_s, had_s, online))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        (None, 0.25),  # one of four processors
        (1.0, 1.0),
        (2.0, 0.5),
        (64.0, 0.25),  # more than the machine has
        (0.5, 1.0),  # never more than all, whatever the kernel lets pass
    ],
)
def test_the_share_is_that_of_what_may_be_used(limit: float | None, expected: float) -> None:
    # Five seconds of a machine of four: one processor was busy for this container.
    assert share(sample(100, 4000), sample(105, 4020), limit) == pytest.approx(expected)


def test_counters_that_began_anew_tell_nothing() -> None:
    assert share(sample(100, 4000), sample(3, 4020), None) is None, "the container was restarted"
    assert share(sample(100, 4000), sample(105, 20), None) is None, "the machine was restarted"
    assert share(sample(100, 4000), sample(100, 4000), None) is None, "the same moment"


@pytest.mark.parametrize(
    "said",
    [
        None,
        [],
        {"id": "x", "name": "/x"},  # what one-shot says of a container that does not run
        {"cpu_stats": {"cpu_usage": {"total_usage": 5}}},  # Windows
        {"cpu_stats": {"cpu_usage": 5, "system_cpu_usage": 5, "online_cpus": 1}},
        {"cpu_stats": {"cpu_usage": {"total_usage": "?"}, "system_cpu_usage": 5, "online_cpus": 1}},
        {"cpu_stats": {"cpu_usage": {"total_usage": 5}, "system_cpu_usage": 5}},
    ],
)
def test_an_answer_without_the_numbers_is_none(said: Any) -> None:
    assert Sample.read(said) is None


def test_an_old_engine_lists_its_processors_instead_of_counting_them() -> None:
    usage = {"total_usage": 7, "percpu_usage": [3, 4]}
    said = {"cpu_stats": {"cpu_usage": usage, "system_cpu_usage": 9}}
    assert Sample.read(said) == Sample(7, 9, 2)


@pytest.mark.parametrize(
    ("host_config", "expected"),
    [
        ({}, None),
        ({"NanoCpus": 0, "CpuQuota": 0, "CpusetCpus": ""}, None),
        ({"NanoCpus": 1_500_000_000}, 1.5),
        ({"CpuQuota": 50_000}, 0.5),
        ({"CpuQuota": 50_000, "CpuPeriod": 25_000}, 2.0),
        ({"CpuQuota": -1}, None),  # no quota
        ({"CpusetCpus": "0-3,7"}, 5),
        ({"CpusetCpus": "1"}, 1),
        ({"NanoCpus": 4_000_000_000, "CpusetCpus": "0-1"}, 2),
    ],
)
def test_what_a_container_may_use(host_config: dict[str, Any], expected: float | None) -> None:
    assert limit_of(host_config) == expected


@dataclass
class Client:
    """An engine behind the SDK, as far as one of its calls goes."""

    api_version: str = "1.41"
    used: float = 100.0
    had: float = 4000.0
    fails: bool = False
    calls: list[tuple[str, Any]] = field(default_factory=list)
    held: threading.Event | None = None

    def stats(self, container: str, *, stream: bool, one_shot: bool | None) -> Any:
        assert not stream
        self.calls.append((container, one_shot))
        if self.held is not None:
            self.held.wait(10)
        if self.fails:
            response = Response()
            response.status_code = 403
            raise APIError(
                "403 Client Error", response, "Request forbidden by administrative rules"
            )
        return answer(self.used, self.had)

    def close(self) -> None:
        """Nothing is open."""

    def busy(self, seconds: float, processors: float) -> None:
        """Let time pass on a machine of four processors."""
        self.used += seconds * processors
        self.had += seconds * 4


@dataclass
class Bench:
    client: Client
    usage: Usage
    there: dict[str, Seen]
    now: float = 1000.0

    async def look(self, server: str = "first") -> float | None:
        """Ask, and ask again when the engine has answered."""
        self.usage.of(server)
        await until(lambda: not self.usage._tasks)
        return self.usage.of(server)

    async def later(self, seconds: float, processors: float) -> float | None:
        self.now += seconds
        self.client.busy(seconds, processors)
        return await self.look()


def seen(server: str, *, state: str = "running", started: str = "1", limit: float = 2.0) -> Seen:
    return Seen(
        id=f"id-{server}",
        name=names.container(server),
        labels={names.SERVER: server},
        state=state,
        started=started,
        since=datetime.now(UTC),
        image="sha256:1",
        host_network=False,
        processors=limit,
    )


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    client, there = Client(), {"first": seen("first")}
    engine = Engine(lambda: client, where="a test")
    made = Bench(client, Usage(engine, there.get, lambda: made.now), there)
    yield made
    if client.held is not None:
        client.held.set()
    await made.usage.close()
    await engine.close()


async def test_the_first_look_tells_nothing_and_the_second_what_was_used(bench: Bench) -> None:
    assert await bench.look() is None
    assert await bench.later(EVERY_S, 1.5) == pytest.approx(0.75)
    assert bench.client.calls == [("id-first", True)] * 2


async def test_whoever_asks_often_is_told_what_is_known(bench: Bench) -> None:
    await bench.look()
    await bench.later(EVERY_S, 1)
    for _ in range(50):
        assert await bench.look() == pytest.approx(0.5)
    assert len(bench.client.calls) == 2


async def test_a_large_engine_is_asked_four_times_a_second_at_most(bench: Bench) -> None:
    many = [f"server-{n}" for n in range(100)]
    bench.there.update({one: seen(one) for one in many})
    for _ in range(2):
        for one in many:
            bench.usage.of(one)
        await until(lambda: not bench.usage._tasks)
        bench.now += 24
    assert len(bench.client.calls) == 100
    for one in many:
        bench.usage.of(one)
    await until(lambda: not bench.usage._tasks)
    assert len(bench.client.calls) == 200


async def test_a_container_that_began_anew_is_looked_at_anew(bench: Bench) -> None:
    await bench.look()
    assert await bench.later(EVERY_S, 1) == pytest.approx(0.5)
    # Its counter begins at 0 and has passed the old one before anybody looks again.
    bench.there["first"] = seen("first", started="2")
    assert await bench.later(EVERY_S, 2) is None
    assert await bench.later(EVERY_S, 2) == pytest.approx(1.0)


async def test_one_that_does_not_run_is_not_asked_about(bench: Bench) -> None:
    bench.there["first"] = seen("first", state="exited")
    assert await bench.look() is None
    assert await bench.look("nobody") is None
    assert bench.client.calls == []


async def test_what_was_seen_long_ago_is_no_figure_and_no_beginning(bench: Bench) -> None:
    await bench.look()
    assert await bench.later(EVERY_S, 1) == pytest.approx(0.5)
    bench.now += OLD_S
    assert bench.usage.of("first") is None
    assert await bench.look() is None, "an idle hour would hide the minute that counts"
    assert await bench.later(EVERY_S, 2) == pytest.approx(1.0)


async def test_an_engine_that_does_not_tell_is_left_alone_and_spoken_of_once(bench: Bench) -> None:
    with structlog.testing.capture_logs() as logs:
        await bench.look()
        await bench.later(EVERY_S, 1)
        bench.client.fails = True
        assert await bench.later(EVERY_S, 1) is None
        calls = len(bench.client.calls)
        for _ in range(5):
            assert await bench.later(EVERY_S, 1) is None
        assert len(bench.client.calls) == calls, "not again within a minute"
        assert await bench.later(AGAIN_S, 1) is None
        assert len(bench.client.calls) == calls + 1
        bench.client.fails = False
        assert await bench.later(AGAIN_S, 1) is None
        assert await bench.later(EVERY_S, 1) == pytest.approx(0.5)
    assert [(one["log_level"], one["event"].partition(":")[0]) for one in logs] == [
        ("warning", "the engine does not tell what containers use"),
        ("info", "the engine tells again what containers use"),
    ]
    assert "GET /containers/*/stats" in logs[0]["hint"]


async def test_an_engine_that_hangs_keeps_four_threads_and_nobody_waits(bench: Bench) -> None:
    many = [f"server-{n}" for n in range(6)]
    bench.there.update({one: seen(one) for one in many})
    bench.client.held = threading.Event()
    assert [bench.usage.of(one) for one in many] == [None] * 6
    await until(lambda: len(bench.client.calls) == 4)
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(bench.client.calls) == 4


async def test_an_engine_before_one_shot_is_not_asked_for_it(bench: Bench) -> None:
    bench.client.api_version = "1.40"
    await bench.look()
    assert bench.client.calls == [("id-first", None)]
