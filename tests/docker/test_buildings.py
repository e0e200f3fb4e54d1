"""Buildings on macvlan, as residents see them: play, add, remove, break everything, play on."""

import asyncio
import signal
from contextlib import closing
from pathlib import Path

import pytest

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
        await viewer.more(25)
        assert viewer.seen["lost"] == 0
        assert viewer.seen["gap"] < 2
        assert _there(engine) == {"first", "third"}


@pytest.mark.timeout(400)
async def test_whatever_dies_the_video_comes_back(
    engine: Engine, company: Company, tmp_path: Path
) -> None:
    company.write("first", 0)
    company.begin()
    await company.live("first")
    with lan.watching(engine, company.whep("first"), tmp_path / "viewer.log") as viewer:
        await viewer.more(25)
        with closing(engine.client()) as client:
            run = client.inspect_container(names.container("first"))["State"]["StartedAt"]
            client.kill(names.container("first"), "SIGKILL")
        await viewer.more(25, within=60)

        company.end()
        frames = viewer.seen["frames"]
        await until(lambda: viewer.seen["frames"] > frames + 25, within=20, every=0.1)
        company.begin()
        await company.live("first")
        with closing(engine.client()) as client:
            state = client.inspect_container(names.container("first"))["State"]
        assert state["Running"]
        assert state["StartedAt"] != run
        assert viewer.seen["lost"] == 0

        await asyncio.to_thread(engine.stop, signal.SIGTERM)
        engine.start()
        await viewer.more(25, within=90)
    assert await asyncio.to_thread(lan.scan, engine, "v", "192.168.23.96", 8000, 8500) == []


def _there(engine: Engine) -> set[str]:
    with closing(engine.client()) as client:
        return {
            one["Labels"][names.SITE] for one in client.containers(filters={"label": names.SITE})
        }
