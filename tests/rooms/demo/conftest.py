"""One pretend building for the tests of this room, with pictures kept between them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.demo.building import DemoBuilding
from gateway.kit.secret import Secret
from gateway.model.site import Credential


@pytest.fixture
def credential() -> Credential:
    """Return the user of :func:`locked`."""
    return Credential("viewer", Secret("p@ss:word"), "env:CAMERAS")


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pictures")


@pytest.fixture
async def building(pictures: Path) -> AsyncIterator[DemoBuilding]:
    """Return two open cameras."""
    made = DemoBuilding(cache=pictures, discovery_port=0)
    await made.start(2)
    yield made
    await made.close()


@pytest.fixture
async def locked(pictures: Path, credential: Credential) -> AsyncIterator[DemoBuilding]:
    """Return one camera that asks for a password."""
    made = DemoBuilding(cache=pictures, credential=credential, discovery_port=None)
    await made.start(1)
    yield made
    await made.close()
