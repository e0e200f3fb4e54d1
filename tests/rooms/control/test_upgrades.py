"""A newer gateway over a fleet that plays: everybody moves, by turns, and the reason is told."""

from dataclasses import dataclass, replace

from gateway.control.clients import Clients
from gateway.control.desired import desired
from gateway.control.gates import Gates
from gateway.control.reconcile import Reconciler
from gateway.control.upgrades import Turns
from gateway.model.company import Settings
from gateway.model.server import ServerSpec, ServerState
from tests.rooms.control.test_reconcile import StoppedClock
from tests.rooms.control.world import MemoryRuntime, camera, site
from tests.waiting import until

SITES = [f"s{n}" for n in range(7)]


@dataclass
class VersionedRuntime(MemoryRuntime):
    """A runtime of a gateway of some version."""

    version: str = "1"

    def fingerprint(self, spec: ServerSpec) -> str:
        return f"{super().fingerprint(spec)}@{self.version}"


def keepers(runtime: MemoryRuntime, gates: Gates) -> dict[str, Reconciler]:
    return {
        name: Reconciler(
            site=name,
            runtime=runtime,
            clients=Clients(runtime.client),
            clock=StoppedClock(),
            gates=gates,
            stirred=lambda: None,
        )
        for name in SITES
    }


async def cycles(keeping: dict[str, Reconciler]) -> set[str]:
    """Do one cycle of each site; return what was told of replaced servers."""
    told = set()
    for name, reconciler in keeping.items():
        wanted = replace(site("s", camera("a")), id=name)
        facts = await reconciler.cycle(lambda _, one=wanted: desired(one, Settings(), frozenset()))  # type: ignore[misc]  # mypy cannot infer a lambda with a default
        told.add(facts.last_step.text)
    return told


async def test_everybody_is_upgraded_by_turns_and_pulled_meanwhile() -> None:
    runtime = VersionedRuntime()
    for name in SITES:
        runtime.put(ServerSpec(name, name))
    gates = Gates(upgrades=Turns(most=3))
    old = dict(runtime.servers)
    runtime.version = "2"
    keeping = keepers(runtime, gates)
    try:
        told = await cycles(keeping)
        assert any("another version of the media server is installed" in one for one in told)
        assert not any("settings" in one for one in told)
        made = [name for name in SITES if runtime.calls[f"create {name}"]]
        assert len(made) == 3
        waiting = next(name for name in SITES if name not in made)
        await until(lambda: old[waiting].pulled, within=5)
        for _ in range(4):
            await cycles(keeping)
        assert [runtime.calls[f"create {name}"] for name in SITES] == [1] * len(SITES)
        assert {one.fingerprint.rpartition("@")[2] for one in runtime.there.values()} == {"2"}
    finally:
        for reconciler in keeping.values():
            await reconciler.close()


async def test_one_that_stands_still_interrupts_nobody_and_waits_for_no_turn() -> None:
    runtime = VersionedRuntime(dies=True)
    for name in SITES:
        runtime.put(ServerSpec(name, name))
    runtime.dies, runtime.version = False, "2"
    assert {one.state for one in runtime.there.values()} == {ServerState.STOPPED}
    keeping = keepers(runtime, Gates(upgrades=Turns(most=1)))
    try:
        await cycles(keeping)
        assert all(runtime.calls[f"create {name}"] == 1 for name in SITES)
    finally:
        for reconciler in keeping.values():
            await reconciler.close()


def test_a_turn_ends_by_an_answer_or_by_time() -> None:
    turns = Turns(most=1, within=30)
    assert turns.take("a", 0)
    assert turns.take("a", 1)
    assert not turns.take("b", 1)
    turns.over("a")
    assert turns.take("b", 2)
    assert not turns.take("c", 31)
    assert turns.take("c", 32)
