"""Two buildings on two machines, as residents see them: a machine loses its power, both play on."""

import asyncio
from pathlib import Path

import pytest

from tests.docker import lan
from tests.swarm.cluster import Cluster, Company, clock, live, state, whep
from tests.waiting import until

pytestmark = [pytest.mark.docker, pytest.mark.swarm, pytest.mark.xdist_group("docker")]

_HEALED_S = 60
"""How long a building of a machine that is gone may be dark."""


async def test_a_machine_loses_its_power_and_both_buildings_play_on(
    swarm: Cluster, company: Company, tmp_path: Path
) -> None:
    swarm.label(swarm.north, first="yes")
    swarm.label(swarm.south, second="yes")
    company.write("first", 0, media_server={"nodes": {"first": "yes"}})
    company.write("second", 1, media_server={"nodes": {"second": "yes"}})
    begun = clock()
    swarm.deploy(company.sites)
    await live("first", within=120)
    await live("second", within=60)
    print(f"both buildings are live {clock() - begun:.1f} s after the stack was deployed")
    assert swarm.node_of("first") == swarm.north.name
    assert swarm.node_of("second") == swarm.south.name

    with (
        lan.watching(swarm.north, whep("first"), tmp_path / "first.log") as first,
        lan.watching(swarm.north, whep("second"), tmp_path / "second.log") as second,
    ):
        await first.more()
        await second.more()
        assert _octet(first) in range(96, 112)
        assert _octet(second) in range(112, 128)
        tasks = {server: swarm.task_of(server) for server in ("first", "second")}
        begun = clock()
        swarm.restart_gateway()
        await until(lambda: state("first") == "", within=10, every=0.1)
        await live("first", within=60)
        await live("second", within=60)
        print(f"the gateway was made anew and has taken over in {clock() - begun:.1f} s")
        assert {server: swarm.task_of(server) for server in tasks} == tasks

        swarm.label(swarm.north, second="yes")
        seen = first.seen["lost"]
        begun = clock()
        await asyncio.to_thread(swarm.power_off, swarm.south)
        await second.more(within=_HEALED_S)
        print(f"the building of the lost machine plays again after {clock() - begun:.1f} s")
        await first.more()
        assert first.seen["lost"] == seen, "the building on the other machine noticed nothing"
        assert swarm.node_of("second") == swarm.north.name
        assert _octet(second) in range(96, 112)


def _octet(viewer: lan.Viewer) -> int:
    """Return the last number of the address that a viewer's video comes from."""
    return int(viewer.seen["from"].rpartition(":")[0].rpartition(".")[2])
