"""The pretend building by itself: ``gateway demo-cameras``."""

import asyncio
from collections.abc import Callable

from gateway.demo.building import DemoBuilding, DemoCamera
from gateway.model.site import Credential


async def run_cameras(
    cameras: int = 4,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    credential: Credential | None = None,
    out: Callable[[str], object] = print,
) -> None:
    """Serve ``cameras`` pretend cameras until cancelled, after printing where they are.

    ``port`` is the first camera's RTSP port, the next ones follow (0: any). Raises GatewayError.
    """
    building = DemoBuilding(credential=credential)
    await building.start(cameras, host, port)
    try:
        for camera in building.cameras:
            out(_lines(camera))
        await asyncio.get_running_loop().create_future()
    finally:
        await building.close()


def _lines(camera: DemoCamera) -> str:
    return (
        f"{camera.id}: {camera.name.pick('ru')} / {camera.name.pick('en')}\n"
        f"  rtsp      {camera.rtsp}\n  rtsp_sub  {camera.rtsp_sub}\n  onvif     {camera.onvif}"
    )
