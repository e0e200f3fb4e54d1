"""A crowd comes to one building and leaves: servers follow it, and the neighbours notice nothing.

``make test-load`` plays it with more guests (``LOAD_GUESTS``).
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from gateway.demo.building import DemoBuilding
from tests.bench.guests import party
from tests.e2e.company import CREDENTIAL, Company, company_in
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

GUESTS = int(os.environ.get("LOAD_GUESTS", "18"))
PER_SERVER = GUESTS // 3
LONGEST_FREEZE_S = 2.0


@pytest.fixture
async def buildings() -> AsyncIterator[tuple[DemoBuilding, DemoBuilding]]:
    """Two buildings with one camera each."""
    made = tuple(DemoBuilding(credential=CREDENTIAL, discovery_port=None) for _ in range(2))
    try:
        for building in made:
            await building.start(1)
        yield made[0], made[1]
    finally:
        for building in made:
            await building.close()


def sessions(rtsp: str) -> int:
    """Count the connections to a camera's RTSP port that stand (proc_net_tcp, state 1)."""
    port = f":{urlsplit(rtsp).port:04X}"
    lines = Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]
    rows = [line.split() for line in lines]
    return sum(row[2].endswith(port) and row[3] == "01" for row in rows)


async def servers(company: Company, site: str = "party") -> dict[str, dict[str, Any]]:
    found = await company.get(f"/api/v1/sites/{site}") or {}
    return {server["id"]: server for server in found.get("servers", [])}


async def running(company: Company, count: int) -> bool:
    found = await servers(company)
    return len(found) == count and all(one["state"] == "running" for one in found.values())


async def test_servers_follow_a_crowd_and_the_neighbours_notice_nothing(
    buildings: tuple[DemoBuilding, DemoBuilding], tmp_path: Path
) -> None:
    scaling = {"max_servers": 3, "viewers_per_server": PER_SERVER, "shrink_after": "5s"}
    no_cap = {"cpu": "100%", "memory": "100%"}  # whoever tests on a busy machine tests growth
    async with company_in(tmp_path, machine=no_cap) as company:
        company.write_site("party", buildings[0].cameras, scaling=scaling)
        company.write_site("calm", buildings[1].cameras)
        await company.begin()
        await until(lambda: company.live("party"), within=30)
        await until(lambda: company.live("calm"), within=30)
        camera = buildings[0].cameras[0].rtsp
        before = sessions(camera)
        assert before == 2, "one of the main stream, one of the low-resolution one"
        async with party(company.url) as doors:
            calm = await doors.come("/whep/calm/entrance-1", 3)
            for guest in calm:
                guest.peer.reset()
            crowd = await doors.come("/whep/party/entrance-1", PER_SERVER)
            await until(lambda: running(company, 2), within=40)
            crowd += await doors.come("/whep/party/entrance-1", PER_SERVER)
            await until(lambda: running(company, 3), within=40)
            crowd += await doors.come("/whep/party/entrance-1", GUESTS - 2 * PER_SERVER)
            assert sessions(camera) == before, "edges take the streams from the origin"

            async def counted() -> bool:
                found = await servers(company)
                return sum(one["viewers"] for one in found.values()) == len(crowd)

            await until(counted, within=15)
            shares = {name: one["viewers"] for name, one in (await servers(company)).items()}
            print(f"shares of {len(crowd)} guests: {shares}")
            assert min(shares.values()) >= PER_SERVER // 2

            staying = crowd[::PER_SERVER]  # the first of each wave: one at each server or so
            await doors.go([guest for guest in crowd if guest not in staying])
            await until(lambda: running(company, 1), within=150)
            await asyncio.sleep(1)  # packets of a second after the last move
            moves = sum(guest.moves for guest in staying)
            longest = max(guest.longest for guest in crowd)
            neighbours = max(guest.longest for guest in calm)
            print(
                f"moves: {moves}; the longest time without a packet: {longest * 1000:.0f} ms, "
                f"{neighbours * 1000:.0f} ms at the neighbours"
            )
            # Those who never move are the measure of a machine that has no time for anybody.
            assert longest < max(LONGEST_FREEZE_S, 2 * neighbours)
            assert moves >= 1, "somebody watched at a server that went"
            missed = [guest.peer.expected - guest.peer.count for guest in calm]
            assert missed == [0, 0, 0], "the neighbours lose no packet"
            assert sum(guest.moves for guest in calm) == 0
            assert sessions(camera) == before
        log = await asyncio.to_thread(company.log.read_text)
        for sentence in (
            "grows from 1 to 2 media servers",
            "grows from 2 to 3 media servers",
            "drains",
            "has no viewers any more and is taken away",
        ):
            assert sentence in log
        assert "who have not moved" not in log


async def test_a_killed_gateway_finds_its_edges_again(
    buildings: tuple[DemoBuilding, DemoBuilding], tmp_path: Path
) -> None:
    scaling = {"max_servers": 2, "viewers_per_server": 4}
    async with company_in(tmp_path, machine={"cpu": "100%", "memory": "100%"}) as company:
        company.write_site("party", buildings[0].cameras, scaling=scaling)
        await company.begin()
        await until(lambda: company.live("party"), within=30)
        async with party(company.url) as doors:
            guests = await doors.come("/whep/party/entrance-1", 4)
            await until(lambda: running(company, 2), within=40)
            guests += await doors.come("/whep/party/entrance-1", 4)
            before = [company.media_server(name) for name in ("party", "party.edge1")]
            await company.end(signal.SIGKILL)
            size = company.log.stat().st_size
            await company.begin()

            async def seen() -> bool:
                found = await servers(company)
                return [one["viewers"] for one in found.values()] == [4, 4]

            await until(seen, within=30)
            assert [company.media_server(name) for name in ("party", "party.edge1")] == before
            assert all(guest.play for guest in guests)
            (newcomer,) = await doors.come("/whep/party/entrance-1", 1)
            assert newcomer.peer.connected
        log = (await asyncio.to_thread(company.log.read_text))[size:]
        assert "media server party.edge1" not in log
        assert "goes from" not in log
