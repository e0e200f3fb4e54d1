"""docs/install.md on a Debian 12 that has nothing but Python: every command as it is written."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.installs import guide
from tests.peers import engine as peer

# The base system is there already, and there is no network.
LEFT_OUT = f"apt-get|{guide.NO_INIT}"

pytestmark = [pytest.mark.slow, pytest.mark.netns, pytest.mark.timeout(600)]


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Path]:
    """Return a Debian 12 with a checkout and the locked libraries in the place of an index."""
    if os.geteuid() != 0 or not shutil.which("debootstrap"):
        pytest.skip("a Debian of its own needs root and debootstrap")
    root = tmp_path / "debian"
    root.mkdir()
    peer.unpack_base(root)
    guide.check_out(root)
    shutil.copytree(peer.wheels(), root / "wheels")
    yield root
    shutil.rmtree(root)


def test_the_guide_is_right(machine: Path) -> None:
    script = []
    for block in ("packages", "gateway", "first steps", "service"):
        script += guide.commands(block, LEFT_OUT)
    script += [guide.BEGIN, guide.END, *guide.commands("upgrade", LEFT_OUT), guide.BEGIN]
    script += [*guide.removal(), guide.GONE]
    offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "/wheels"}
    said = guide.run(machine, script, offline, network=False)
    assert "1 site with 2 cameras, nothing is wrong" in said
    assert "version 1, nothing to upgrade" in said
