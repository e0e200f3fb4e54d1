"""The adapter against a real embedded server with a pretend camera."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.demo.building import DemoBuilding
from gateway.kit.secret import Secret
from gateway.model.server import ControlAddress
from gateway.wcs.server import WcsServer
from tests.rooms.mediaserver.shell.conftest import PASSWORD, TOKEN, USER, Served, serve


def control_of(served: Served) -> ControlAddress:
    return ControlAddress(
        http_url=served.http_url,
        ws_url=served.ws_url,
        username=USER,
        password=Secret(PASSWORD),
        token=Secret(TOKEN),
    )


@asynccontextmanager
async def driving(control: ControlAddress) -> AsyncIterator[WcsServer]:
    driver = WcsServer(control)
    try:
        yield driver
    finally:
        await driver.close()


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    async with serve() as served:
        yield served


@pytest.fixture
async def driver(served: Served) -> AsyncIterator[WcsServer]:
    async with driving(control_of(served)) as driver:
        yield driver


@pytest.fixture
async def building(clips: Path) -> AsyncIterator[DemoBuilding]:
    building = DemoBuilding(cache=clips, discovery_port=None)
    await building.start(1)
    try:
        yield building
    finally:
        await building.close()


@pytest.fixture
def camera(building: DemoBuilding) -> Secret:
    return Secret(building.cameras[0].rtsp_sub)
