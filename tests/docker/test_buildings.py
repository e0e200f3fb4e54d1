"""Buildings on macvlan, as residents see them: play, add, remove, break everything, play on."""

import asyncio
import signal
from contextlib import closing
from pathlib import Path

import pytest
from docker.errors import NotFound

from gateway.runtime.docker import names
from tests.docker import lan
from tests.docker.company import Company
from tests.peers.engine import Engine
from tests.waiting import until

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("docker")]


async def test_a_building_comes_and_goes_while_another_plays(
    engine: Engine, company: Company, tmp_path: Path
) -> None:
    company.write("first", 0)
    company.write("second", 1)
    company.begin()
    await company.live("first")
    await company.live("second")
    with lan.watching(engine, company.whep("first"), tmp_path / "viewer.log") as viewer:
        await viewer.more(25)
        company.write("third", 2)
        await company.live("third")
        (company.sites / "second.yaml").unlink()
        await until(lambda: "second" not in _there(engine), within=30, every=0.2)
        run, other = started(engine, "first"), started(engine, "third")
        company.write("third", 2, media_server={"address": "192.168.23.120"})
        await until(lambda: started(engine, "third") not in ("", other), within=30, every=0.2)
        await company.live("third")
        await viewer.more(25)
        assert viewer.seen["lost"] == 0
        assert viewer.seen["gap"] < 2
        assert _there(engine) == {"first", "third"}
        assert started(engine, "first") == run, "only the changed building's container is replaced"


@pytest.mark.timeout(400)
async def test_whatever_dies_the_video_comes_back(
    engine: Engine, company: Company, tmp_path: Path
) -> None:
    company.write("first", 0)
    company.begin()
    await company.live("first")
    with lan.watching(engine, company.whep("first"), tmp_path / "viewer.log") as viewer:
        await viewer.more(25)
        run = started(engine, "first")
        with closing(engine.client()) as client:
            client.kill(names.container("first"), "SIGKILL")
        await viewer.more(25, within=60)

        again = started(engine, "first")
        assert again != run
        assert company.process is not None
        await lan.killed(company.process, signal.SIGKILL)
        await viewer.more(25, within=20)
        company.begin()
        await company.live("first")
        assert started(engine, "first") == again
        assert viewer.seen["lost"] == 0

        await asyncio.to_thread(engine.stop, signal.SIGTERM)
        engine.start()
        await viewer.more(25, within=90)
    # A new run has a new network namespace, whose filter is set before the server is ready.
    let_in = await asyncio.to_thread(lan.scan_udp, engine, "v", "first", "192.168.23.96")
    assert let_in["udp dpt:31001"] == 1


def started(engine: Engine, site: str) -> str:
    """Return when a building's container was started; empty while there is none."""
    with closing(engine.client()) as client:
        try:
            there = client.inspect_container(names.container(site))
        except NotFound:
            return ""
    return str(there["State"]["StartedAt"])


def _there(engine: Engine) -> set[str]:
    with closing(engine.client()) as client:
        return {
            one["Labels"][names.SITE] for one in client.containers(filters={"label": names.SITE})
        }
