"""Two buildings on two machines, as residents see them: a machine loses its power, both play on."""

import asyncio
import sys
from contextlib import closing
from pathlib import Path

import pytest

from gateway.runtime.docker import names as labels_of
from tests.docker import lan
from tests.swarm.cluster import (
    NETWORK,
    NORTH,
    RANGES,
    Cluster,
    Company,
    clock,
    live,
    state,
    whep,
)
from tests.waiting import until

pytestmark = [pytest.mark.docker, pytest.mark.swarm, pytest.mark.xdist_group("docker")]

_HEALED_S = 60
"""How long a building of a machine that is gone may be dark."""


async def test_a_company_goes_from_one_machine_to_a_swarm(
    swarm: Cluster, company: Company, tmp_path: Path
) -> None:
    await asyncio.to_thread(swarm.forget_networks)
    data = tmp_path / "data"
    own = {**NETWORK, "ip_range": RANGES[NORTH]}
    company.write("first", 0)
    company.write_gateway(data, runtime="docker", engine=swarm.north.url, network=own)
    command = [sys.executable, "-m", "gateway", "serve", str(company.sites)]
    with lan.program(swarm.north.name, command, tmp_path / "gateway.log"):
        await live("first")
        watching = lan.watching(swarm.north, whep("first"), tmp_path / "viewer.log")
        with watching as viewer:
            await viewer.more()
    assert _containers(swarm) == {"first"}, "its media servers go on while the gateway is away"

    company.write_gateway()
    begun = clock()
    swarm.deploy(company.sites, data)
    await live("first", within=120)
    print(f"the building is on the Swarm {clock() - begun:.1f} s after the stack was deployed")
    with lan.watching(swarm.north, whep("first"), tmp_path / "again.log") as viewer:
        await viewer.more()
    assert _containers(swarm) == set()
    assert set(swarm.services()) == {"first"}


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

        task = swarm.task_of("second")
        await swarm.power_on(swarm.south)
        await second.more(50)
        assert swarm.task_of("second") == task, "a machine that comes back takes nothing away"


def _containers(swarm: Cluster) -> set[str]:
    """Return the servers that the runtime of one engine has on the manager."""
    with closing(swarm.north.client()) as client:
        found = client.containers(all=True, filters={"label": labels_of.SERVER})
    return {one["Labels"][labels_of.SERVER] for one in found}


def _octet(viewer: lan.Viewer) -> int:
    """Return the last number of the address that a viewer's video comes from."""
    return int(viewer.seen["from"].rpartition(":")[0].rpartition(".")[2])
