"""Buildings on macvlan, as residents see them: play, add, remove, break everything, play on."""

import asyncio
import json
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from gateway.runtime.docker import names
from tests.docker import lan
from tests.peers.engine import IMAGE, Engine
from tests.waiting import until

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("docker")]

PORT = 8090
URL = f"http://{lan.HOST}:{PORT}"


class Company:
    """A gateway on the Docker host, with files that a test changes while it runs."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine = engine
        self.folder = folder
        self.log = folder / "gateway.log"
        self.sites = folder / "sites"
        self.sites.mkdir()
        self._running: ExitStack | None = None
        self.process: subprocess.Popen[bytes] | None = None
        network = {
            "driver": "macvlan",
            "parent": "lan0",
            "subnet": "192.168.23.0/24",
            "gateway": "192.168.23.1",
            "ip_range": "192.168.23.96/27",
        }
        self._write(
            "gateway",
            {
                "listen": f"0.0.0.0:{PORT}",
                "data_dir": str(folder / "data"),
                "media_servers": {
                    "runtime": "docker",
                    "image": IMAGE,
                    "engine": engine.url,
                    "network": network,
                    "limits": {"memory": "512m"},
                },
            },
        )

    def write(self, site: str, camera: int) -> None:
        self._write(
            site,
            {
                "name": site,
                "viewing": {"access": "public"},
                "cameras": [
                    {
                        "id": "door",
                        "name": "door",
                        "rtsp": f"rtsp://{lan.CAMERAS}:{8600 + camera}/stream2",
                    }
                ],
            },
        )

    def _write(self, name: str, content: dict[str, Any]) -> None:
        draft = self.folder / f"{name}.new"
        draft.write_text(json.dumps(content), encoding="utf-8")
        draft.replace(self.sites / f"{name}.yaml")

    def begin(self) -> None:
        self._running = ExitStack()
        self.process = self._running.enter_context(
            lan.program(
                self.engine.name,
                [sys.executable, "-m", "gateway", "serve", str(self.sites)],
                self.log,
            )
        )

    def end(self) -> None:
        if self._running is not None:
            self._running.close()
            self._running = None

    async def live(self, site: str, *, within: float = 60) -> None:
        await until(lambda: self._state(site) == "live", within=within, every=0.2)

    def _state(self, site: str) -> str:
        try:
            with urllib.request.urlopen(f"{URL}/api/v1/sites/{site}", timeout=3) as answer:  # noqa: S310  # our own
                return str(json.load(answer)["cameras"][0]["state"])
        except (OSError, ValueError, KeyError):
            return ""


@pytest.fixture
def company(engine: Engine, tmp_path: Path) -> Iterator[Company]:
    cameras = [sys.executable, "-m", "gateway", "demo-cameras", "--cameras", "3"]
    one = Company(engine, tmp_path)
    with lan.program(
        engine.host("c"),
        [*cameras, "--host", lan.CAMERAS, "--port", "8600"],
        tmp_path / "cameras.log",
    ):
        try:
            yield one
        finally:
            one.end()
            print(one.log.read_text()[-4000:] if one.log.exists() else "")


async def test_a_building_comes_and_goes_while_another_plays(
    engine: Engine, company: Company, tmp_path: Path
) -> None:
    company.write("first", 0)
    company.write("second", 1)
    company.begin()
    await company.live("first")
    await company.live("second")
    with lan.watching(engine, f"{URL}/whep/first/door", tmp_path / "viewer.log") as viewer:
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
    with lan.watching(engine, f"{URL}/whep/first/door", tmp_path / "viewer.log") as viewer:
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
