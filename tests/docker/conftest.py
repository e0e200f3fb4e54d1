"""One private engine with a LAN for all tests of this folder; the test itself stands on its host.

``lan0`` is the Docker host's interface in 192.168.23.0/24; the hosts ``v`` (viewer), ``c``
(cameras) and ``b`` (a viewer behind a firewall that blocks UDP) are other computers there.
"""

import gc
import os
import shutil
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from gateway.runtime.docker.runtime import DockerRuntime
from tests.docker import lan
from tests.docker.company import Company
from tests.peers import engine as peer


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(240))
            # The SDK leaves a socket to the garbage collector when an engine does not answer.
            item.add_marker(
                pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
            )


@pytest.fixture(scope="session")
def engine() -> Iterator[peer.Engine]:
    missing = [name for name in ("dockerd", "debootstrap", "nsenter") if not shutil.which(name)]
    if os.geteuid() != 0 or missing:
        pytest.skip(f"a private engine needs root and {', '.join(missing) or 'nothing else'}")
    with peer.engine() as one:
        one.lan(
            "lan0",
            ("v", f"{lan.VIEWER}/24"),
            ("c", f"{lan.CAMERAS}/24"),
            ("b", f"{lan.BLOCKED}/24"),
            host_address=f"{lan.HOST}/24",
        )
        yield one


@pytest.fixture(autouse=True)
def on_the_host(engine: peer.Engine) -> Iterator[None]:
    """Stand on the Docker host, and leave nothing there."""
    try:
        with peer.inside(engine.name):
            yield
    finally:
        engine.clean()
        gc.collect()  # what the SDK has left open belongs to this test


@pytest.fixture
async def runtime(engine: peer.Engine, tmp_path: Path) -> AsyncIterator[DockerRuntime]:
    one = lan.runtime(engine, tmp_path)
    try:
        yield one
    finally:
        await one.close()


@pytest.fixture
def company(engine: peer.Engine, tmp_path: Path) -> Iterator[Company]:
    """Return a company without buildings, and switch three cameras of its LAN on."""
    one = Company(engine, tmp_path)
    cameras = [sys.executable, "-m", "gateway", "demo-cameras", "--cameras", "3"]
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
