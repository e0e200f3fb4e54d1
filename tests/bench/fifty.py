"""``python -m tests.bench.fifty``: fifty buildings on one engine, and what they cost when idle.

Fifty sites without cameras on a macvlan network of a private engine, kept by a real gateway. Tells
the time until all media servers answer, the calls that the engine gets while nothing happens, the
time of one site's idle cycle, and the gateway's memory. Root; several minutes.
"""

import asyncio
import json
import resource
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import docker

from gateway.control.board import Board
from gateway.control.clients import Clients
from gateway.control.demand import Demand
from gateway.control.keeper import Keeper
from gateway.control.siteloop import World
from gateway.kit.clock import SystemClock
from gateway.model.company import Fleet, MediaServers, RuntimeKind, Settings
from gateway.model.site import Site
from gateway.model.text import LocalText
from gateway.runtime.docker.runtime import DockerRuntime
from gateway.wcs.server import WcsServer
from tests.docker import lan
from tests.peers import engine as peer

SITES = int(sys.argv[1]) if len(sys.argv) > 1 else 50
IDLE_S = 60.0


class Counting:
    """A client that counts requests."""

    def __init__(self, client: Any, counts: dict[str, int]) -> None:
        self._client = client
        self._counts = counts

    def __getattr__(self, name: str) -> Any:
        self._counts[name] = self._counts.get(name, 0) + 1
        return getattr(self._client, name)


def fleet() -> Fleet:
    servers = MediaServers(runtime=RuntimeKind.DOCKER, image=peer.IMAGE, network=lan.MACVLAN_WIDE)
    sites = {
        f"house-{number:02}": Site(
            id=f"house-{number:02}", name=LocalText.of(f"House {number}"), cameras=()
        )
        for number in range(SITES)
    }
    return Fleet(Settings(media_servers=servers), sites)


async def measure(engine: peer.Engine, folder: Path) -> dict[str, Any]:
    counts: dict[str, int] = {}

    def connect() -> Any:
        return Counting(
            docker.APIClient(base_url=engine.url, version="auto", timeout=60, num_pools=8), counts
        )

    runtime = lan.runtime(engine, folder, network=lan.MACVLAN_WIDE, connect=connect)
    clock = SystemClock()
    world = World(runtime, Clients(WcsServer), Board(), Demand(clock), clock)
    keeper = Keeper(world)
    wanted = fleet()
    began = time.monotonic()
    keeper.start()
    keeper.apply(wanted)
    try:
        ready = await _all_ready(world, began)
        return {"sites": SITES, "seconds until all are ready": ready, **await _idle(world, counts)}
    finally:
        await keeper.close()
        await world.clients.close()
        await _remove_all(runtime)
        await runtime.close()


async def _all_ready(world: World, began: float) -> float:
    while True:
        servers = await world.runtime.observe()
        up = 0
        for server in servers:
            client = await world.clients.get(server)
            up += client is not None and await client.ready()
        print(f"{time.monotonic() - began:6.1f} s: {up} ready", flush=True)
        if up == SITES:
            return round(time.monotonic() - began, 1)
        await asyncio.sleep(2)


async def _idle(world: World, counts: dict[str, int]) -> dict[str, Any]:
    await asyncio.sleep(20)
    before, cpu = dict(counts), time.process_time()
    await asyncio.sleep(IDLE_S)
    spent = time.process_time() - cpu
    made = {name: count - before.get(name, 0) for name, count in counts.items()}
    began = time.perf_counter()
    for number in range(SITES):
        await world.runtime.observe(f"house-{number:02}")
    each = (time.perf_counter() - began) / SITES
    return {
        "engine calls per minute when idle": {name: n for name, n in made.items() if n},
        "microseconds to observe one site": round(each * 1e6),
        "gateway CPU when idle, share of a core": round(spent / IDLE_S, 3),
        "gateway memory, MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


async def _remove_all(runtime: DockerRuntime) -> None:
    gate = asyncio.Semaphore(4)

    async def remove(server: str) -> None:
        async with gate:
            await runtime.remove(server)

    await asyncio.gather(*(remove(server.id) for server in await runtime.observe()))


def main() -> None:
    with peer.engine() as engine, tempfile.TemporaryDirectory(prefix="cg-fifty-") as folder:
        engine.lan("lan0", ("v", f"{lan.VIEWER}/24"), host_address=f"{lan.HOST}/24")
        with peer.inside(engine.name):
            found = asyncio.run(measure(engine, Path(folder)))
        with closing(engine.client()) as client:
            assert client.containers(all=True) == []
    print(json.dumps(found, indent=1))


main()
