"""``gateway demo``: a pretend building, watched through a real gateway, and gone without a trace.

Joins the pretend cameras to the service, as ``gateway.service`` joins everything else.
"""

import asyncio
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from gateway.demo.building import DemoBuilding
from gateway.kit.signals import until_told
from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.status import CameraState
from gateway.service import Options, Service

SITE: Final = "demo"
CAMERAS: Final = 4
_LIVE_S: Final = 60.0
_LEASE_S: Final = 30.0
"""A demonstration that was killed leaves no media server for longer."""

_MEDIA_PORTS: Final = (32001, 32050)


class Switch:
    """The plugs of the pretend cameras, as the page's demo panel pulls them."""

    def __init__(self, building: DemoBuilding) -> None:
        self._building = building

    def cameras(self) -> Mapping[str, bool]:
        """Return whether each pretend camera is plugged in."""
        return self._building.plugged()

    async def set_plugged(self, camera_id: str, plugged: bool, /) -> None:  # noqa: FBT001  # positional in the API's contract
        """Plug one in or out."""
        await self._building.set_plugged(camera_id, plugged)


async def run(listen: tuple[str, int], out: Callable[[str], object] = print) -> None:
    """Show the demonstration until Ctrl-C; raises GatewayError when it cannot begin.

    Whenever it ends, also in the middle of its beginning, it takes everything away.
    """
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="gateway-demo-"))
    building = DemoBuilding()
    service = Service(
        Options(
            directory=folder / "sites",
            listen=listen,
            demo_switch=Switch(building),
            lease_s=_LEASE_S,
        )
    )
    try:
        await until_told(_begin(folder, building, service, out))
    finally:
        await service.close(remove=True)
        await building.close()
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


async def _begin(
    folder: Path, building: DemoBuilding, service: Service, out: Callable[[str], object]
) -> None:
    out("Starting four pretend cameras and a media server ...")
    await building.start(CAMERAS)
    await asyncio.to_thread(_write_sites, folder, building)
    await service.start()
    await _until_live(service)
    out(f"\n  The pretend building is live:  {service.url}\n\n  Ctrl-C ends it.")


def _write_sites(folder: Path, building: DemoBuilding) -> None:
    """Write the files of a company with one building; JSON is YAML too."""
    sites = folder / "sites"
    sites.mkdir()
    company = {
        "data_dir": str(folder / "data"),
        "media_servers": {"media_ports": "{}-{}".format(*_MEDIA_PORTS), "keep_on_stop": False},
    }
    site = {
        "name": {"ru": "Пример дома", "en": "Example building"},
        "viewing": {"access": "public"},
        "discovery": {"subnets": ["127.0.0.1/32"]},
        "cameras": [
            {
                "id": camera.id,
                "name": camera.name.as_json(),
                "rtsp": camera.rtsp,
                "rtsp_sub": camera.rtsp_sub,
            }
            for camera in building.cameras
        ],
    }
    for name, content in (("gateway", company), (SITE, site)):
        text = json.dumps(content, ensure_ascii=False, indent=2)
        (sites / f"{name}.yaml").write_text(text, encoding="utf-8")


async def _until_live(service: Service) -> None:
    """Wait until video really flows from every camera; raises GatewayError after a minute."""
    with service.board.subscribe() as events:
        try:
            async with asyncio.timeout(_LIVE_S):
                while not _all_live(service):
                    await anext(events)
        except TimeoutError as error:
            status = service.board.site(SITE)
            raise GatewayError(
                ErrorKind.SERVER_NOT_READY,
                f"the pretend cameras were not live within {_LIVE_S:.0f} s",
                str(status.last_step) if status else "the machine is very busy: try again",
            ) from error


def _all_live(service: Service) -> bool:
    status = service.board.site(SITE)
    return status is not None and all(camera.state is CameraState.LIVE for camera in status.cameras)
