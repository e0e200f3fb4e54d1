"""``python -m tests.bench.fifty``: fifty buildings on one engine, and what they cost when idle.

Fifty sites without cameras on a macvlan network of a private engine, kept by a real gateway. Tells
when each media server answered, where the time went, the calls that the engine gets while nothing
happens, the time of one site's idle cycle, and the gateway's memory. Rewrites ``fifty.md``. Root;
two to three minutes.
"""

import asyncio
import os
import resource
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass
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
from gateway.model.server import ServerObserved
from gateway.model.site import Site
from gateway.model.text import LocalText
from gateway.runtime.docker.runtime import DockerRuntime
from gateway.wcs.server import WcsServer
from tests.docker import lan
from tests.peers import engine as peer

SITES = int(sys.argv[1]) if len(sys.argv) > 1 else 50
IDLE_S = 60.0
TABLE = Path(__file__).with_name("fifty.md")
_HEAD = """# Fifty buildings on one engine

Written by `python -m tests.bench.fifty` (root): embedded media servers without cameras, macvlan,
Docker Engine {version}. Whatever else the machine did meanwhile is in the numbers.

| what | measured |
| --- | --- |
"""


@dataclass(slots=True)
class Spent:
    """How often the engine was asked for something, and how long it took in all."""

    times: int = 0
    seconds: float = 0.0


Spending = defaultdict[str, Spent]


class Counting:
    """A client that counts requests and measures them; threads share one ``spending``."""

    def __init__(self, client: Any, spending: Spending) -> None:
        self._client = client
        self._spending = spending

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._client, name)
        if not callable(value):
            return value

        def call(*arguments: Any, **named: Any) -> Any:
            began = time.monotonic()
            try:
                return value(*arguments, **named)
            finally:
                spent = self._spending[name]
                spent.times += 1
                spent.seconds += time.monotonic() - began

        return call


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
    spending: Spending = defaultdict(Spent)

    def connect() -> Any:
        return Counting(
            docker.APIClient(base_url=engine.url, version="auto", timeout=60, num_pools=8), spending
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
        busy = _busy()
        ready = await _all_ready(world, began)
        busy = [after - before for before, after in zip(busy, _busy(), strict=True)]
        calls = sorted(spending.items(), key=lambda one: -one[1].seconds)
        found = {
            "media servers": SITES,
            "seconds until the first one answered": round(ready[0], 1),
            "seconds until half of them answered": round(ready[SITES // 2], 1),
            "seconds until all answered": round(ready[-1], 1),
            "this machine's cores, and how busy they were meanwhile": (
                f"{os.cpu_count()}, {busy[0] / sum(busy):.0%}"
            ),
            "calls to the engine per media server": round(
                sum(spent.times for _, spent in calls) / SITES, 1
            ),
            "where their time went, seconds per media server": ", ".join(
                f"{name} {spent.seconds / SITES:.2f}" for name, spent in calls[:6]
            ),
        }
        return found | await _idle(world, spending)
    finally:
        await keeper.close()
        await world.clients.close()
        await _remove_all(runtime)
        await runtime.close()


async def _all_ready(world: World, began: float) -> list[float]:
    """Return after how many seconds each server answered, the first one first."""
    ready: dict[str, float] = {}

    async def ask(server: ServerObserved) -> None:
        client = await world.clients.get(server)
        if client is not None and await client.ready():
            ready[server.id] = time.monotonic() - began

    while len(ready) < SITES:
        servers = [one for one in await world.runtime.observe() if one.id not in ready]
        await asyncio.gather(*map(ask, servers))
        await asyncio.sleep(0.5)
    return sorted(ready.values())


async def _idle(world: World, spending: Spending) -> dict[str, Any]:
    await asyncio.sleep(20)
    before, cpu = _times(spending), time.process_time()
    await asyncio.sleep(IDLE_S)
    spent = time.process_time() - cpu
    made = {name: count - before.get(name, 0) for name, count in _times(spending).items()}
    began = time.perf_counter()
    for number in range(SITES):
        await world.runtime.observe(f"house-{number:02}")
    each = (time.perf_counter() - began) / SITES
    return {
        "calls to the engine per minute when idle": sum(made.values()),
        "microseconds of one site's idle look at its server": round(each * 1e6),
        "gateway's CPU when idle, share of a core": round(spent / IDLE_S, 3),
        "gateway's memory, MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def _times(spending: Spending) -> dict[str, int]:
    return {name: spent.times for name, spent in spending.items()}


async def _remove_all(runtime: DockerRuntime) -> None:
    gate = asyncio.Semaphore(4)

    async def remove(server: str) -> None:
        async with gate:
            await runtime.remove(server)

    await asyncio.gather(*(remove(server.id) for server in await runtime.observe()))


def _busy() -> list[int]:
    """Return the time that all cores have spent working, and that they have rested."""
    text = Path("/proc/stat").read_text(encoding="ascii").partition("\n")[0]
    times = [int(part) for part in text.split()[1:9]]
    rested = times[3] + times[4]
    return [sum(times) - rested, rested]


def main() -> None:
    """Measure, and write the table."""
    with peer.engine() as engine, tempfile.TemporaryDirectory(prefix="cg-fifty-") as folder:
        engine.lan("lan0", ("v", f"{lan.VIEWER}/24"), host_address=f"{lan.HOST}/24")
        with peer.inside(engine.name):
            found = asyncio.run(measure(engine, Path(folder)))
        with closing(engine.client()) as client:
            assert client.containers(all=True) == []
            version = client.version()["Version"]
    rows = "".join(f"| {name} | {value} |\n" for name, value in found.items())
    TABLE.write_text(f"{_HEAD.format(version=version)}{rows}", encoding="utf-8")
    print(TABLE.read_text(encoding="utf-8"))


main()
