"""A site that grows and shrinks in its own loop: real decisions, a world in memory."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace

import pytest

from gateway.control import scale
from gateway.control.edges import Licenses, edge_number, edge_spec, edges_found, edges_missing
from gateway.control.watching import PlayHandle, Watching
from gateway.kit.secret import Secret
from gateway.model.company import Fleet, MediaServers, Network, NetworkDriver, RuntimeKind, Settings
from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.load import ServerLoad
from gateway.model.server import Role, ServerSpec
from gateway.model.site import MediaServerSettings, Scaling
from tests.rooms.control.world import Kept, MemoryRuntime, camera, fleet, kept, site
from tests.waiting import until

LIMITS = Scaling(max_servers=3, viewers_per_server=4, shrink_after_s=0.5)


@dataclass
class House:
    kept: Kept
    watching: Watching
    fleet: Fleet

    def apply(self, scaling: Scaling, **more: object) -> None:
        one = replace(site("s", camera("a")), scaling=scaling, **more)  # type: ignore[arg-type]  # keys of a Site
        self.fleet = fleet(one)
        self.kept.keeper.apply(self.fleet)

    @property
    def servers(self) -> set[str]:
        return set(self.kept.runtime.there)

    async def crowd(self, count: int) -> list[PlayHandle]:
        return [await self.watching.play("s", "a", "offer", low=False) for _ in range(count)]

    def shares(self) -> dict[str, int]:
        servers = self.kept.runtime.servers
        return {name: len(servers[name].viewers) for name in sorted(self.servers)}

    def loads(self) -> Mapping[str, ServerLoad]:
        facts = self.kept.keeper.facts("s")
        return facts.size.loads if facts else {}

    async def settled(self) -> None:
        """Wait until the loop has seen all that was there before."""
        for _ in range(2):
            await self.kept.keeper.next_cycle("s")


@pytest.fixture
async def house(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    monkeypatch.setattr(scale, "BUSY_S", 0.05)
    world = kept()
    made = House(world, Watching(
        fleet=lambda: made.fleet, keeper=world.keeper, clients=world.world.clients,
        demand=world.world.demand, clock=world.world.clock,
    ), fleet())  # fmt: skip
    world.keeper.start()
    made.apply(LIMITS)
    await until(lambda: world.states("s").get("a") == "live")
    yield made
    await made.watching.close()
    await world.keeper.close()


async def test_a_crowd_gets_servers_and_they_go_when_it_has_left(house: House) -> None:
    first = await house.crowd(4)
    await until(lambda: house.servers == {"s", "s.edge1"})
    await until(lambda: house.watching.room("s") == 2 * 500 - 4)
    second = await house.crowd(4)
    assert house.shares() == {"s": 4, "s.edge1": 4}
    status = house.kept.board.site("s")
    assert status is not None
    assert (
        status.scaling.text
        == "grows from 1 to 2 media servers: 4 viewers are more than 75% of 1 x 4"
    )
    assert [server.role for server in status.servers] == [Role.ORIGIN, Role.EDGE]
    assert sum(one.viewers for one in status.servers) <= 8
    for handle in [*first, *second[:3]]:
        handle.ended.set_result("left")
    await until(lambda: house.watching.leaving("s") == {second[3].id})
    assert "s.edge1" in house.servers, "somebody watches there"
    newcomer = await house.crowd(1)
    assert newcomer[0].id.startswith("s-"), "nobody is sent to a server that drains"
    second[3].ended.set_result("moved")
    await until(lambda: house.servers == {"s"})
    assert house.kept.runtime.calls["remove s"] == 0


async def test_a_server_that_tells_no_processor_grows_by_what_its_runtime_sees(
    house: House,
) -> None:
    house.kept.runtime.processors["s"] = 0.9
    await house.crowd(1)
    await until(lambda: house.servers == {"s", "s.edge1"})
    status = house.kept.board.site("s")
    assert status is not None
    assert status.scaling.text == (
        "grows from 1 to 2 media servers: the processor of the origin is at 90%"
    )
    await house.settled()
    assert house.kept.runtime.calls["processor s.edge1"] == 0, "nobody watches there"


async def test_what_a_server_says_of_itself_wins(house: House) -> None:
    house.kept.runtime.processors["s"] = 0.9
    house.kept.runtime.servers["s"].numbers["core_cpu_percent"] = 12.0
    await house.crowd(1)
    await until(lambda: [one.cpu for one in house.loads().values()] == [0.12])
    for _ in range(5):
        await house.settled()
    assert house.servers == {"s"}
    assert house.kept.runtime.calls["processor s"] == 0


async def test_the_runtime_is_asked_for_sites_that_are_watched_and_may_grow(house: House) -> None:
    await house.settled()
    assert house.kept.runtime.calls["processor s"] == 0, "nobody watches"
    house.apply(Scaling())
    await house.crowd(1)
    await house.settled()
    assert house.kept.runtime.calls["processor s"] == 0, "it has one server whatever it uses"
    house.apply(LIMITS)
    await until(lambda: house.kept.runtime.calls["processor s"] > 0)


async def test_a_restarted_gateway_takes_over_the_edges_that_it_finds() -> None:
    runtime = MemoryRuntime()
    runtime.put(ServerSpec("s", "s"))
    runtime.put(ServerSpec("s.edge2", "s", role=Role.EDGE))
    world = kept(runtime)
    world.keeper.start()
    one = replace(site("s", camera("a")), scaling=replace(LIMITS, shrink_after_s=60))
    world.keeper.apply(fleet(one))
    await until(lambda: world.states("s").get("a") == "live")
    for _ in range(3):
        await world.keeper.next_cycle("s")
    assert set(runtime.there) == {"s", "s.edge2"}
    assert not [call for call in runtime.calls if call.startswith(("create", "remove", "stop"))]
    await world.keeper.close()


async def test_an_edge_that_dies_comes_back(house: House) -> None:
    house.apply(replace(LIMITS, min_servers=2))
    await until(lambda: house.servers == {"s", "s.edge1"})
    await house.kept.runtime.stop("s.edge1")
    house.kept.runtime.bell.put_nowait("s")
    await until(lambda: house.kept.runtime.calls["start s.edge1"] > 0)


async def test_an_edge_that_does_not_come_up_hides_nobody(house: House) -> None:
    (handle,) = await house.crowd(1)
    await until(lambda: house.watching.viewers("s") == {handle.id})
    house.kept.runtime.dies = True
    house.apply(replace(LIMITS, min_servers=2))
    await until(lambda: house.kept.runtime.calls["start s.edge1"] > 0)
    assert house.watching.viewers("s") == {handle.id}


async def test_a_site_that_is_switched_off_keeps_no_edge(house: House) -> None:
    house.apply(replace(LIMITS, min_servers=3))
    await until(lambda: len(house.servers) == 3)
    house.apply(replace(LIMITS, min_servers=3), enabled=False)
    await until(lambda: house.servers == {"s"})
    house.apply(replace(LIMITS, min_servers=3))
    await until(lambda: len(house.servers) == 3)


async def test_a_full_site_says_so_and_has_room_again(house: House) -> None:
    house.apply(Scaling(), media_server=MediaServerSettings(max_viewers=2))
    await house.settled()
    handles = await house.crowd(2)
    assert house.watching.room("s") == 0
    with pytest.raises(GatewayError) as caught:
        await house.crowd(1)
    assert caught.value.kind is ErrorKind.SERVER_FULL
    handles[0].ended.set_result("left")
    await until(lambda: house.watching.room("s") == 1)
    await house.crowd(1)


async def test_a_burst_is_spread_before_anybody_has_counted_it(house: House) -> None:
    house.apply(replace(LIMITS, min_servers=2))
    await until(lambda: house.servers == {"s", "s.edge1"})
    await until(lambda: house.watching.room("s") == 1000)
    await asyncio.gather(*(house.crowd(1) for _ in range(12)))
    assert house.shares() == {"s": 6, "s.edge1": 6}


async def test_a_crowd_that_was_there_first_is_shared_too(house: House) -> None:
    house.apply(Scaling(max_servers=1, viewers_per_server=4))
    await house.settled()
    handles = await house.crowd(6)
    house.apply(replace(LIMITS, max_servers=2))
    await until(lambda: house.servers == {"s", "s.edge1"})
    await until(lambda: len(house.watching.crowded("s")) == 2)
    asked = house.watching.crowded("s")
    assert asked < {handle.id for handle in handles}
    for handle in handles:
        if handle.id in asked:
            handle.ended.set_result("moved")
    await until(lambda: not house.watching.crowded("s"))
    assert house.watching.leaving("s") == frozenset(), "nobody has to go"


async def test_the_processor_is_shown_and_grows_the_site(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scale, "SETTLE_S", 0.0)
    await house.crowd(1)
    house.kept.runtime.servers["s"].numbers["core_cpu_percent"] = 91.0
    await until(lambda: "s.edge1" in house.servers)
    status = house.kept.board.site("s")
    assert status is not None
    assert status.servers[0].cpu == pytest.approx(0.9)
    assert "the processor of the origin is at 91%" in status.scaling.text


async def test_streams_that_come_too_late_grow_the_site(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scale, "SETTLE_S", 0.0)
    await house.crowd(1)
    house.kept.runtime.servers["s"].numbers["degraded_streams_percent"] = 4.0
    await until(lambda: "s.edge1" in house.servers)
    assert house.loads()["s"].degraded == pytest.approx(0.04)
    status = house.kept.board.site("s")
    assert status is not None
    assert "the origin sends 4% of its streams too late" in status.scaling.text
    assert (status.scaling.code, dict(status.scaling.values)["why"]) == ("grows", "late_origin")


async def test_each_edge_has_a_key_of_its_own(house: House) -> None:
    keys = (Secret("key-1"), Secret("key-2"))
    house.apply(replace(LIMITS, max_servers=4, min_servers=4, licenses=keys))
    await until(lambda: len(house.servers) == 3)
    there = house.kept.runtime.there
    prints = {there[name].fingerprint.rpartition(" ")[2] for name in ("s.edge1", "s.edge2")}
    assert prints == {"key-1", "key-2"}
    status = house.kept.board.site("s")
    assert status is not None
    assert "no further licence is free" in status.scaling.text
    assert "s.edge3" not in there


def test_a_plan_without_a_gateway_names_the_edges_that_are_missing() -> None:
    keys = (Secret("key-1"),)
    one = replace(site("s", camera("a")), scaling=Scaling(min_servers=3, max_servers=3))
    there = (edge_spec(one, MediaServers(), 1),)
    assert [spec.id for spec in edges_missing(one, Settings(), there)] == ["s.edge2"]
    assert [spec.id for spec in edges_missing(one, Settings(), ())] == ["s.edge1", "s.edge2"]
    short = replace(one, scaling=replace(one.scaling, licenses=keys))
    assert [spec.license for spec in edges_missing(short, Settings(), ())] == [keys[0]]


def test_keys_of_running_edges_are_found_again() -> None:
    runtime, keys = MemoryRuntime(), (Secret("key-1"), Secret("key-2"))
    one = replace(site("s", camera("a")), scaling=Scaling(max_servers=3, licenses=keys))
    runtime.put(edge_spec(one, MediaServers(), 1, keys[1]))
    (found,) = edges_found(one, Settings(), list(runtime.there.values()), runtime.fingerprint)
    assert (found.id, found.license, found.origin) == ("s.edge1", keys[1], "s")
    licenses = Licenses()
    licenses.note({"s.edge1": keys[1]})
    licenses.settle("s", ["s.edge1", "s.edge2"], keys)
    assert (licenses.of("s.edge1"), licenses.of("s.edge2")) == (keys[1], keys[0])
    assert licenses.free(keys) == 0
    licenses.settle("s", ["s.edge2"], keys)
    assert licenses.free(keys) == 1


def test_an_edge_has_an_address_of_its_own_where_containers_have_one() -> None:
    own = MediaServerSettings(address="10.0.0.9", external_address="203.0.113.7")
    one = replace(site("s", camera("a")), media_server=own)
    assert edge_spec(one, MediaServers(), 1).address == "10.0.0.9"
    lan = MediaServers(RuntimeKind.DOCKER, network=Network(NetworkDriver.IPVLAN))
    spec = edge_spec(one, lan, 1)
    assert (spec.address, spec.external_address, spec.feeds_edges) == (None, None, False)


@pytest.mark.parametrize(
    ("server", "number"),
    [("s.edge1", 1), ("s.edge12", 12), ("s", None), ("t.edge1", None), ("s.edge0", None),
     ("s.edge01", None), ("s.edge", None), ("s.edge²", None)],
)  # fmt: skip
def test_an_edge_is_known_by_its_name(server: str, number: int | None) -> None:
    assert edge_number("s", server) == number
