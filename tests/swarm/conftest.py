"""One Swarm of two machines for all tests of this folder; the test itself stands in its LAN."""

import gc
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docker import lan
from tests.peers import engine as peer
from tests.swarm.cluster import Cluster, Company, cluster

_NEEDS = ("dockerd", "docker", "debootstrap", "haproxy", "nsenter")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(400))
            # The SDK leaves a socket to the garbage collector when an engine does not answer.
            item.add_marker(
                pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
            )


@pytest.fixture(scope="session")
def swarm() -> Iterator[Cluster]:
    missing = [name for name in _NEEDS if not shutil.which(name)]
    if os.geteuid() != 0 or missing:
        pytest.skip(f"a private Swarm needs root and {', '.join(missing) or 'nothing else'}")
    with cluster() as one:
        yield one


@pytest.fixture(autouse=True)
def on_the_manager(swarm: Cluster) -> Iterator[None]:
    """Stand on the manager, and leave no service there."""
    try:
        with peer.inside(swarm.north.name):
            yield
    finally:
        swarm.clean()
        gc.collect()  # what the SDK has left open belongs to this test


@pytest.fixture
def company(swarm: Cluster, tmp_path: Path) -> Iterator[Company]:
    """Return a company without buildings, and switch three cameras of its LAN on."""
    tmp_path.chmod(0o755)
    one = Company(tmp_path)
    cameras = [sys.executable, "-m", "gateway", "demo-cameras", "--cameras", "3"]
    with lan.program(
        swarm.north.host("c"),
        [*cameras, "--host", lan.CAMERAS, "--port", "8600"],
        tmp_path / "cameras.log",
    ):
        try:
            yield one
        finally:
            print(swarm.said()[-6000:])
            log = tmp_path / "gateway.log"
            print(log.read_text()[-4000:] if log.exists() else "")
