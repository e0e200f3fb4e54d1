"""A crowd at one building of a real engine: containers follow it, the neighbours notice nothing."""

import asyncio
import json
import os
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.docker import lan
from tests.docker.company import MACVLAN, URL, Company
from tests.peers.engine import Engine, run_in
from tests.waiting import until

pytestmark = [
    pytest.mark.docker,
    pytest.mark.xdist_group("docker"),
    pytest.mark.timeout(500),
]

GUESTS = int(os.environ.get("LOAD_GUESTS", "12"))
PER_SERVER = GUESTS // 2
LONGEST_FREEZE_S = 2.0
_CAMERA_PORT = 8600


class Guests:
    """The viewers in the LAN."""

    def __init__(self, orders: Path, log: Path) -> None:
        self._orders = orders
        self._log = log

    def order(self, words: str) -> None:
        with self._orders.open("a") as file:
            file.write(f"{words}\n")

    def seen(self, site: str) -> dict[str, Any]:
        """Return what the site's guests last said; nothing before the first has come."""
        lines = [line for line in self._log.read_text().splitlines() if line.startswith("{")]
        found: dict[str, Any] = json.loads(lines[-1]).get(site, {}) if lines else {}
        return found

    async def are(self, site: str, count: int) -> None:
        await until(lambda: self.seen(site).get("guests") == count, within=60, every=0.2)


@contextmanager
def guests(engine: Engine, folder: Path) -> Iterator[Guests]:
    orders, log = folder / "orders", folder / "guests.log"
    orders.touch()
    command = [sys.executable, "-m", "tests.docker.crowd", URL, lan.VIEWER, str(orders)]
    with lan.program(engine.host("v"), command, log):
        yield Guests(orders, log)


def servers(site: str) -> list[dict[str, Any]]:
    asked = urllib.request.Request(  # noqa: S310  # our own
        f"{URL}/api/v1/sites/{site}", headers={"Authorization": f"Bearer {lan.STAFF}"}
    )
    try:
        with urllib.request.urlopen(asked, timeout=3) as answer:  # noqa: S310  # our own
            found: list[dict[str, Any]] = json.load(answer)["servers"]
    except (OSError, ValueError, KeyError):
        return []
    return found


def run(site: str, count: int) -> bool:
    found = servers(site)
    return len(found) == count and all(one["state"] == "running" for one in found)


def sessions(engine: Engine) -> int:
    """Count the connections to the first camera that stand (proc_net_tcp, state 1)."""
    lines = run_in(engine.host("c"), ("cat", "/proc/net/tcp")).splitlines()[1:]
    rows = [line.split() for line in lines]
    return sum(row[1].endswith(f":{_CAMERA_PORT:04X}") and row[3] == "01" for row in rows)


async def test_containers_follow_a_crowd_and_the_neighbours_notice_nothing(
    engine: Engine, company: Company, tmp_path: Path
) -> None:
    no_cap = {"cpu": "100%", "memory": "100%"}  # whoever tests on a busy machine tests growth
    company.use(MACVLAN, machine=no_cap, staff_token={"env": "STAFF"})
    scaling = {"max_servers": 2, "viewers_per_server": PER_SERVER, "shrink_after": "5s"}
    company.write("first", 0, scaling=scaling)
    company.write("calm", 1)
    company.begin()
    await company.live("first")
    await company.live("calm")
    assert sessions(engine) == 1
    with guests(engine, tmp_path) as crowd:
        crowd.order("come calm 2")
        await crowd.are("calm", 2)
        crowd.order(f"come first {PER_SERVER}")
        await crowd.are("first", PER_SERVER)
        await until(lambda: run("first", 2), within=60, every=0.3)
        crowd.order(f"come first {GUESTS - PER_SERVER}")
        await crowd.are("first", GUESTS)

        def shared() -> bool:
            shares = [one["viewers"] for one in servers("first")]
            return sum(shares) == GUESTS and min(shares) >= PER_SERVER // 2

        await until(shared, within=30, every=0.3)
        assert sessions(engine) == 1, "the edge takes the stream from the origin"
        crowd.order("leave first 2")  # the first of each wave: one at each server
        await crowd.are("first", 2)
        await until(lambda: run("first", 1), within=150, every=0.3)
        await asyncio.sleep(1)  # packets of a second after the move
        first, calm = crowd.seen("first"), crowd.seen("calm")
        print(f"the crowd: {first}; the neighbours: {calm}")
        assert first["moves"] >= 1, "somebody watched at the server that went"
        # Those who never move are the measure of a machine that has no time for anybody.
        assert first["longest"] < max(LONGEST_FREEZE_S, 2 * calm["longest"])
        assert (calm["missed"], calm["moves"]) == (0, 0)
        assert sessions(engine) == 1
    log = await asyncio.to_thread(company.log.read_text)
    for sentence in (
        "grows from 1 to 2 media servers",
        "drains",
        "has no viewers any more and is taken away",
    ):
        assert sentence in log
