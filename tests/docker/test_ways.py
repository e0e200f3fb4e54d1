"""How video gets from a container to people, on the drivers that share the host's ports, by TCP."""

import asyncio
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.docker import lan
from tests.docker.company import PORT, Company
from tests.e2e.blocked import Office, watch
from tests.e2e.browser import CHROMIUM
from tests.peers.engine import Engine

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("docker")]


@pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="Debian's Chromium is not installed")
async def test_a_browser_without_udp_plays_by_tcp(
    engine: Engine, company: Company, tmp_path: Path
) -> None:
    company.write("first", 0)
    company.begin()
    await company.live("first")
    office = Office(engine.host("b"), lan.HOST)
    office.close()
    way = await watch(office, company.whep("first"), tmp_path, "all")
    assert way["remote"]["protocol"] == "tcp"
    assert way["remote"]["address"] == "192.168.23.96", "the container's own address"
    assert way["remote"]["port"] == 31_001
    assert office.dropped() > 0, "UDP was tried, and stopped"


@pytest.mark.parametrize("driver", ["host", "bridge"])
async def test_two_buildings_play_through_the_hosts_ports(
    engine: Engine, company: Company, tmp_path: Path, driver: str
) -> None:
    company.use({"driver": driver})
    for number, site in enumerate(("first", "second")):
        company.write(site, number, media_server={"external_address": lan.HOST})
    company.begin()
    with ExitStack() as watching:
        for site in ("first", "second"):
            await company.live(site)
        viewers = [
            watching.enter_context(lan.watching(engine, company.whep(site), tmp_path / site))
            for site in ("first", "second")
        ]
        await asyncio.gather(*(viewer.more(50) for viewer in viewers))
        assert [viewer.seen["lost"] for viewer in viewers] == [0, 0]
        assert {viewer.seen["from"] for viewer in viewers} == {
            f"{lan.HOST}:31001",
            f"{lan.HOST}:31002",
        }
    # What listens on the Docker host for its LAN: the gateway, and a media port of each building.
    found = await asyncio.to_thread(lan.scan, engine, "v", lan.HOST, 1, 65_535)
    assert [port for port in found if port > 0] == [PORT, 31_001, 31_002]
