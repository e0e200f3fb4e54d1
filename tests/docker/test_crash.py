"""A gateway that dies, or an engine that fails, at any step of a replacement: the next try heals.

The SDK's client is wrapped: the engine does what it is asked, and then the answer is lost.
"""

from contextlib import closing
from pathlib import Path
from typing import Any

import docker
import pytest
from docker.errors import APIError

from gateway.control.desired import Desired
from gateway.control.plan import make_plan
from gateway.model.errors import GatewayError
from gateway.model.plan import StepKind
from gateway.model.server import ServerSpec, ServerState
from gateway.runtime.docker import names
from gateway.runtime.docker.runtime import DockerRuntime
from tests.docker import lan
from tests.docker.lan import observed, running, spec
from tests.peers.engine import Engine

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("docker")]

# Calls that change something; one that only looks is harmless to lose.
_CHANGES = (
    "create_network",
    "create_volume",
    "create_container",
    "connect_container_to_network",
    "put_archive",
    "stop",
    "remove_container",
    "rename",
    "start",
    "wait",
)


class Unsteady:
    """A client whose answer to the ``fails``-th change is lost; ``made`` counts them."""

    def __init__(self, client: Any, fails: int) -> None:
        self._client = client
        self._fails = fails
        self.made: list[str] = []

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._client, name)
        if name not in _CHANGES:
            return value

        def call(*arguments: Any, **named: Any) -> Any:
            if self._fails >= 0 and len(self.made) > self._fails:
                raise APIError(f"the gateway is gone at {name}")
            answer = value(*arguments, **named)
            self.made.append(name)
            if len(self.made) == self._fails + 1 and self._fails >= 0:
                raise APIError(f"the answer to {name} is lost")
            return answer

        return call


async def changes(engine: Engine, folder: Path, wanted: ServerSpec, fails: int) -> list[str]:
    """Make a server with a client that fails; return the changes that were made."""
    clients: list[Unsteady] = []

    def connect() -> Any:
        client = docker.APIClient(base_url=engine.url, version="auto", timeout=60)
        clients.append(Unsteady(client, fails))
        return clients[-1]

    runtime = lan.runtime(engine, folder, connect=connect)
    try:
        await runtime.create(wanted)
    except GatewayError:
        assert fails >= 0
    finally:
        await runtime.close()
    return clients[0].made


async def settle(runtime: DockerRuntime, wanted: ServerSpec) -> list[StepKind]:
    """Take the steps that control would take until there are none."""
    taken: list[StepKind] = []
    for _ in range(4):
        plan = make_plan(
            Desired(wanted.site, (wanted,)),
            await runtime.observe(wanted.site),
            {},
            fingerprint=runtime.fingerprint,
        )
        if not plan:
            return taken
        for step in plan.steps:
            taken.append(step.kind)
            if step.kind is StepKind.START:
                await runtime.start(step.target)
            else:
                assert step.kind in (StepKind.CREATE, StepKind.REPLACE)
                await runtime.create(wanted)
    raise AssertionError(f"no end of steps: {taken}")


@pytest.mark.timeout(600)
async def test_every_step_of_a_replacement_may_be_the_last(engine: Engine, tmp_path: Path) -> None:
    first, second = spec("first"), spec("first", max_viewers=7)
    await changes(engine, tmp_path, first, -1)
    all_changes = await changes(engine, tmp_path, second, -1)
    assert {"create_container", "stop", "remove_container", "rename", "start"} <= set(all_changes)
    for fails in range(len(all_changes)):
        wanted = (first, second)[fails % 2]
        await changes(engine, tmp_path, wanted, fails)
        runtime = lan.runtime(engine, tmp_path)
        try:
            taken = await settle(runtime, wanted)
            seen = await running(runtime, "first")
            assert seen.fingerprint == runtime.fingerprint(wanted), (fails, taken)
        finally:
            await runtime.close()
        with closing(engine.client()) as client:
            there = [one["Names"][0].lstrip("/") for one in client.containers(all=True)]
        assert there == [names.container("first")], (fails, all_changes[fails], taken)


async def test_a_first_container_that_was_not_completed_is_made_again(
    engine: Engine, tmp_path: Path
) -> None:
    wanted = spec("first")
    await changes(engine, tmp_path, wanted, 3)
    runtime = lan.runtime(engine, tmp_path)
    try:
        seen = await observed(runtime, "first")
        assert seen is not None
        assert seen.state is ServerState.STOPPED
        assert seen.fingerprint != runtime.fingerprint(wanted)
        assert await settle(runtime, wanted) == [StepKind.REPLACE]
        await running(runtime, "first")
        await runtime.remove("first")
        with closing(engine.client()) as client:
            assert client.containers(all=True) == []
            assert client.volumes()["Volumes"] == []
    finally:
        await runtime.close()
