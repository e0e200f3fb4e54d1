"""The keeper against a world in memory: what is kept, what is left alone, and how it backs off."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import structlog

from gateway.control.siteloop import Rhythm
from gateway.model.errors import GatewayError
from gateway.model.server import ServerSpec, ServerState
from gateway.model.site import Pull
from tests.rooms.control.world import Kept, MemoryRuntime, camera, failure, fleet, kept, site
from tests.waiting import until


@pytest.fixture
async def world() -> AsyncIterator[Kept]:
    one = kept()
    one.keeper.start()
    yield one
    await one.keeper.close()


async def test_a_site_gets_its_server_and_its_cameras(world: Kept) -> None:
    world.keeper.apply(fleet(site("s", camera("a"), camera("b", sub=True))))
    await until(lambda: world.states("s") == {"a": "live", "b": "live"})
    assert sorted(world.runtime.servers["s"].pulled.values()) == ["s-a", "s-b", "s-b-sub"]
    assert not world.keeper.plan("s")


async def test_what_is_well_is_left_alone(world: Kept) -> None:
    world.keeper.apply(fleet(site("s", camera("a"))))
    await until(lambda: world.states("s") == {"a": "live"})
    before = world.runtime.calls["observe"]
    await until(lambda: world.runtime.calls["observe"] > before + 5)
    assert world.runtime.calls["create s"] == 1
    assert world.runtime.servers["s"].calls["startup"] == 1


async def test_what_runs_is_adopted() -> None:
    runtime = MemoryRuntime()
    runtime.put(ServerSpec("s", "s"))
    world = kept(runtime)
    world.keeper.start()
    world.keeper.apply(fleet(site("s", camera("a"))))
    await until(lambda: world.states("s") == {"a": "live"})
    assert runtime.calls["create s"] == 0
    await world.keeper.close()


async def test_nothing_is_an_orphan_before_the_files_are_told() -> None:
    runtime = MemoryRuntime()
    runtime.put(ServerSpec("s", "s"))
    world = kept(runtime)
    world.keeper.start()
    await until(lambda: runtime.calls["observe"] > 0)
    world.keeper.apply(fleet(unreadable=["s"]))
    seen = runtime.calls["observe"]
    await until(lambda: runtime.calls["observe"] > seen)
    await world.keeper.close()
    assert set(runtime.there) == {"s"}
    assert runtime.calls["remove s"] == 0


async def test_a_file_that_is_gone_takes_its_server_with_it(world: Kept) -> None:
    world.keeper.apply(fleet(site("s", camera("a")), site("t", camera("a"))))
    await until(lambda: world.states("s") == world.states("t") == {"a": "live"})
    gone = world.runtime.servers["s"]
    world.keeper.apply(fleet(site("t", camera("a"))))
    await until(lambda: "s" not in world.runtime.there)
    await until(lambda: gone.calls["close"] == 1)
    await until(lambda: world.board.site("s") is None)
    assert set(world.keeper.ages()) == {"t"}
    assert world.runtime.calls["remove t"] == 0
    with pytest.raises(GatewayError):
        world.keeper.plan("s")


async def test_a_site_that_is_switched_off_keeps_its_server_stopped(world: Kept) -> None:
    world.keeper.apply(fleet(site("s", camera("a"))))
    await until(lambda: world.states("s") == {"a": "live"})
    world.keeper.apply(fleet(site("s", camera("a"), enabled=False)))
    await until(lambda: world.states("s") == {"a": "disabled"})
    assert world.runtime.there["s"].state is ServerState.STOPPED
    world.keeper.apply(fleet(site("s", camera("a"))))
    await until(lambda: world.states("s") == {"a": "live"})
    assert world.runtime.calls["remove s"] == 0


async def test_orphans_are_removed_but_not_while_their_file_is_broken() -> None:
    runtime = MemoryRuntime()
    for name in ("gone", "broken"):
        runtime.put(ServerSpec(name, name))
    world = kept(runtime)
    world.keeper.apply(fleet(unreadable=["broken"]))
    world.keeper.start()
    await until(lambda: "gone" not in runtime.there)
    assert "broken" in runtime.there
    status = world.board.site("broken")
    assert status is not None
    assert status.state == "down"
    await world.keeper.close()


async def test_nothing_is_touched_while_the_settings_are_unknown() -> None:
    runtime = MemoryRuntime()
    runtime.put(ServerSpec("s", "s"))
    runtime.put(ServerSpec("orphan", "orphan"))
    world = kept(runtime)
    world.keeper.start()
    world.keeper.apply(fleet(site("s", camera("a"), sound=True), settled=False))
    await until(lambda: world.keeper.facts("s") is not None and world.keeper.plan("s"))
    assert {call for call in runtime.calls if call != "observe"} == set()
    await world.keeper.close()


async def test_a_change_of_settings_replaces_only_that_sites_server(world: Kept) -> None:
    world.keeper.apply(fleet(site("s", camera("a")), site("t", camera("a"))))
    await until(lambda: world.states("s") == world.states("t") == {"a": "live"})
    world.keeper.apply(fleet(site("s", camera("a"), sound=True), site("t", camera("a"))))
    await until(lambda: world.runtime.calls["create s"] == 2)
    await until(lambda: world.states("s") == {"a": "live"})
    assert world.runtime.calls["create t"] == 1


async def test_a_killed_server_is_started_at_the_event() -> None:
    world = kept(rhythm=Rhythm(live=30, idle=30, look=30))
    world.keeper.start()
    world.keeper.apply(fleet(site("s", camera("a"))))
    await until(lambda: world.states("s") == {"a": "live"})
    dead = replace(world.runtime.there["s"], state=ServerState.STOPPED, control=None)
    world.runtime.there["s"] = dead
    world.runtime.bell.put_nowait("s")
    await until(lambda: world.runtime.calls["start s"] == 1)
    await until(lambda: world.states("s") == {"a": "live"})
    await world.keeper.close()


async def test_a_server_that_always_dies_is_started_ever_more_rarely(world: Kept) -> None:
    world.runtime.dies = True
    world.keeper.apply(fleet(site("s", camera("a"))))
    await until(lambda: world.runtime.calls["start s"] >= 2)
    looks, starts = world.runtime.calls["observe"], world.runtime.calls["start s"]
    await until(lambda: world.runtime.calls["observe"] > looks + 10)
    assert world.runtime.calls["start s"] <= starts + 1
    status = world.board.site("s")
    assert status is not None
    assert status.servers[0].state == "stopped"
    assert "Killed by a test" in status.servers[0].detail


async def test_a_broken_site_does_not_hold_up_another(world: Kept) -> None:
    world.keeper.apply(fleet(site("s", camera("a")), site("t", camera("a"))))
    await until(lambda: world.states("s") == world.states("t") == {"a": "live"})
    world.runtime.servers["s"].broken = failure()
    await until(lambda: world.states("s") == {"a": "waiting"})
    status = world.board.site("s")
    assert status is not None
    assert status.cameras[0].reason == "it is broken"
    assert world.states("t") == {"a": "live"}
    world.runtime.servers["s"].broken = None
    await until(lambda: world.states("s") == {"a": "live"})


async def test_a_runtime_that_cannot_be_asked_is_said_and_asked_again(world: Kept) -> None:
    world.runtime.broken = failure("the engine does not answer")
    world.keeper.apply(fleet(site("s", camera("a"))))
    await until(lambda: world.states("s") == {"a": "waiting"})
    status = world.board.site("s")
    assert status is not None
    assert (status.state, status.cameras[0].reason) == ("down", "the engine does not answer")
    world.runtime.broken = None
    await until(lambda: world.states("s") == {"a": "live"})


async def test_an_unforeseen_error_does_not_end_a_loop(world: Kept) -> None:
    world.keeper.apply(fleet(site("s", camera("a"))))
    await until(lambda: world.states("s") == {"a": "live"})
    world.runtime.servers["s"].broken = ZeroDivisionError()
    await until(lambda: world.states("s") == {"a": "waiting"})
    world.runtime.servers["s"].broken = None
    await until(lambda: world.states("s") == {"a": "live"})


async def test_each_failure_is_said_once_whatever_fails_beside_it(world: Kept) -> None:
    world.runtime.put(ServerSpec("s", "s"))
    server = world.runtime.servers["s"]
    server.refuses = failure("it takes no further camera")
    with structlog.testing.capture_logs() as logs:
        world.keeper.apply(fleet(site("s", camera("a"), camera("b"))))
        await until(lambda: server.calls["startup"] >= 4, within=20)
    said = Counter(line["event"] for line in logs if line["log_level"] == "warning")
    assert sorted(said.values()) == [1, 1]


async def test_a_file_that_comes_back_while_its_site_goes_is_kept(world: Kept) -> None:
    world.runtime.put(ServerSpec("s", "s"))
    held = world.runtime.servers["s"].held = asyncio.Event()
    world.keeper.apply(fleet(site("s", camera("a"))))
    await until(lambda: world.runtime.servers["s"].calls["startup"] == 1)
    world.keeper.apply(fleet())
    await until(lambda: world.board.site("s") is None)
    world.keeper.apply(fleet(site("s", camera("a"))))
    held.set()
    await until(lambda: world.states("s") == {"a": "live"})


async def test_the_same_file_comes_back_while_its_server_is_removed(world: Kept) -> None:
    wanted = fleet(site("s", camera("a")))
    world.keeper.apply(wanted)
    await until(lambda: world.states("s") == {"a": "live"})
    remove = world.runtime.remove

    async def slowly(server_id: str) -> None:
        world.keeper.apply(wanted)
        await remove(server_id)

    world.runtime.remove = slowly  # type: ignore[method-assign]  # a slow runtime
    world.keeper.apply(fleet())
    await until(lambda: world.runtime.calls["create s"] == 2)
    await until(lambda: world.states("s") == {"a": "live"})


async def test_an_unforeseen_error_makes_the_keeper_neither_deaf_nor_blind(world: Kept) -> None:
    await until(lambda: world.runtime.calls["observe"] > 0)
    world.runtime.put(ServerSpec("gone", "gone"))
    world.runtime.broken = ZeroDivisionError()
    with structlog.testing.capture_logs():
        world.keeper.apply(fleet())
        seen = world.runtime.calls["observe"]
        await until(lambda: world.runtime.calls["observe"] > seen)
    world.runtime.broken = None
    world.keeper.apply(fleet())
    await until(lambda: "gone" not in world.runtime.there)


async def test_a_wanted_stream_is_pulled_and_let_go_after_a_while(world: Kept) -> None:
    on_demand = camera("a", pull=Pull.ON_DEMAND, sub=True)
    world.keeper.apply(fleet(site("s", on_demand)))
    await until(lambda: world.states("s") == {"a": "idle"})
    world.world.demand.want(["s-a-sub"])
    world.keeper.wake("s")
    await until(lambda: world.states("s") == {"a": "live"})
    assert list(world.runtime.servers["s"].pulled.values()) == ["s-a-sub"]
    await until(lambda: world.states("s") == {"a": "idle"})
    assert not world.runtime.servers["s"].pulled


async def test_the_end_of_a_demonstration_takes_everything(world: Kept) -> None:
    world.keeper.apply(fleet(site("s", camera("a")), site("t")))
    await until(lambda: set(world.runtime.there) == {"s", "t"})
    await world.keeper.remove_servers()
    assert not world.runtime.there
