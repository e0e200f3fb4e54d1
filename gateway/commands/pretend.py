"""``gateway survey demo`` without a site of that name: a pretend building to try it with."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from gateway.demo.building import DemoBuilding
from gateway.model.site import Camera, Discovery, Site
from gateway.model.text import LocalText

SITE: Final = "demo"
_CAMERAS: Final = 4


@asynccontextmanager
async def pretend_site() -> AsyncIterator[tuple[Site, int]]:
    """Start four pretend cameras; give their site, which knows all but the last one, and the port.

    The port is where they answer WS-Discovery probes: an own one, so that nothing else of this
    machine is heard.
    """
    building = DemoBuilding(discovery_port=0)
    await building.start(_CAMERAS)
    try:
        known = building.cameras[:-1]
        site = Site(
            id=SITE,
            name=LocalText.of({"ru": "Пример дома", "en": "Example building"}),
            cameras=tuple(Camera(one.id, one.name, onvif=one.onvif) for one in known),
            discovery=Discovery(subnets=("127.0.0.1/32",)),
        )
        yield site, building.discovery_port or 0
    finally:
        await building.close()
