"""Pretend buildings for the tests of this room."""

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


@pytest.fixture
async def building(clips: Path) -> AsyncIterator[DemoBuilding]:
    """Return two open cameras."""
    made = DemoBuilding(cache=clips, discovery_port=0)
    await made.start(2)
    yield made
    await made.close()


@pytest.fixture
async def locked(clips: Path, credential: Credential) -> AsyncIterator[DemoBuilding]:
    """Return one camera that asks for a password."""
    made = DemoBuilding(cache=clips, credential=credential, discovery_port=None)
    await made.start(1)
    yield made
    await made.close()
