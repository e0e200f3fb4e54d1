"""A large fleet shares its looks, small ones have as many as they like, and herds queue."""

import asyncio

import pytest

from gateway.control.cadence import LOOKS, MOST_HEARD_S, MOST_S, Cadence, Mood
from gateway.control.gates import Gates, network_of
from gateway.kit.secret import Secret
from gateway.model.server import ServerSpec
from tests.rooms.control.world import MemoryRuntime, camera, fleet, kept, site
from tests.waiting import until


def test_a_small_fleet_keeps_its_rhythm() -> None:
    cadence = Cadence()
    for n in range(50):
        assert cadence.pause(f"s{n}", Mood.QUIET, 2.0) == 2.0


@pytest.mark.parametrize("sites", [100, 300, 700])
def test_quiet_sites_share_their_looks(sites: int) -> None:
    cadence = Cadence()
    for n in range(sites):
        cadence.pause(f"s{n}", Mood.QUIET, 2.0)
    pauses = [cadence.pause(f"s{n}", Mood.QUIET, 2.0) for n in range(sites)]
    assert sum(1 / pause for pause in pauses) <= LOOKS[Mood.QUIET] + 0.01


@pytest.mark.parametrize(("sites", "looks"), [(50, 25), (200, 13), (1000, 6)])
def test_quiet_sites_that_tell_are_looked_at_the_less_the_more_they_are(
    sites: int, looks: int
) -> None:
    cadence = Cadence()
    for n in range(sites):
        cadence.pause(f"s{n}", Mood.QUIET, 2.0, heard=True)
    pauses = [cadence.pause(f"s{n}", Mood.QUIET, 2.0, heard=True) for n in range(sites)]
    assert sum(1 / pause for pause in pauses) <= looks
    assert cadence.pause("s0", Mood.WATCHED, 2.0, heard=True) == 2.0


def test_nobody_is_forgotten_in_a_crowd() -> None:
    cadence = Cadence()
    for n in range(5000):
        cadence.pause(f"s{n}", Mood.QUIET, 2.0)
    assert cadence.pause("s0", Mood.QUIET, 2.0) == MOST_S
    assert cadence.pause("s0", Mood.QUIET, 2.0, heard=True) == MOST_HEARD_S


def test_one_in_trouble_does_not_wait_for_a_thousand_quiet_ones() -> None:
    cadence = Cadence()
    for n in range(1000):
        cadence.pause(f"s{n}", Mood.QUIET, 2.0)
    assert cadence.pause("s7", Mood.STIRRED, 0.1) == 0.1
    cadence.forget("s7")
    assert cadence.pause("s8", Mood.STIRRED, 0.1) == 0.1


def test_tellings_of_all_at_once_are_heard_by_turns() -> None:
    cadence = Cadence()
    waits = [cadence.turn(1000.0) for _ in range(1000)]
    assert waits[:50] == [0.0] * 50
    assert 9 < waits[-1] < 10
    assert cadence.turn(2000.0) == 0.0


async def test_cameras_of_a_network_are_dialled_by_turns() -> None:
    gates, inside, most, go = Gates(), 0, 0, asyncio.Event()

    async def dial(n: int) -> None:
        nonlocal inside, most
        async with gates.pull(Secret(f"rtsp://10.{n % 40}.0.{n // 40}/")):
            inside += 1
            most = max(most, inside)
            await go.wait()
            inside -= 1

    one_network = [asyncio.create_task(dial(40 * n)) for n in range(30)]
    await until(lambda: inside)
    assert most == 8
    others = [asyncio.create_task(dial(n)) for n in range(1000)]
    await until(lambda: inside > 8)
    assert most == 64
    go.set()
    await asyncio.gather(*one_network, *others)
    assert not gates._networks


def test_a_network_is_what_shares_an_uplink() -> None:
    user = Secret("rtsp://viewer:p%40ss@10.1.2.3:554/a")
    assert network_of(user) == network_of(Secret("rtsp://10.1.2.200/")) == "10.1.2.0/24"
    assert network_of(Secret("rtsp://[2001:db8::1]/")) == "2001:db8::/64"
    assert network_of(Secret("rtsp://camera.lan/")) == "camera.lan"
    assert network_of(Secret("rtsp://[broken/")) == ""


async def test_a_telling_server_is_heard_at_once() -> None:
    runtime = MemoryRuntime()
    runtime.put(ServerSpec("s", "s"))
    server = runtime.servers["s"]
    server.tells = asyncio.Queue()
    world = kept(runtime)
    for _ in range(2000):  # a fleet so large that nobody would be asked for half a minute
        world.world.cadence.pause(f"other-{_}", Mood.QUIET, 2.0)
    world.keeper.start()
    world.keeper.apply(fleet(site("s", camera("a"))))
    await until(lambda: world.states("s") == {"a": "live"})
    await until(lambda: server.calls["changes"])
    server.dead.add("s-a")
    server.tells.put_nowait(None)
    await until(lambda: world.states("s") == {"a": "silent"})
    await world.keeper.close()
