"""The pretend building by itself: ``gateway demo-cameras``."""

import asyncio
import os
from collections.abc import Callable

from gateway.demo.building import DemoBuilding, DemoCamera
from gateway.kit.secret import Secret
from gateway.kit.signals import until_told
from gateway.model.errors import ErrorKind, GatewayError
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


async def cameras_only(
    count: int,
    *,
    host: str,
    port: int,
    credential: Credential | None,
    out: Callable[[str], object] = print,
) -> None:
    """Run pretend cameras until Ctrl-C; raises GatewayError when they cannot begin."""
    await until_told(run_cameras(count, host=host, port=port, credential=credential, out=out))


def credential_of(username: str, variable: str) -> Credential:
    """Return a camera user whose password is in an environment variable; raises GatewayError."""
    password = os.environ.get(variable, "")
    if not password:
        raise GatewayError(
            ErrorKind.CONFIG_INVALID,
            f"The environment variable {variable} is not set.",
            "put the cameras' password there",
        )
    return Credential(username, Secret(password), f"env:{variable}")


def _lines(camera: DemoCamera) -> str:
    return (
        f"{camera.id}: {camera.name.pick('ru')} / {camera.name.pick('en')}\n"
        f"  rtsp      {camera.rtsp}\n  rtsp_sub  {camera.rtsp_sub}\n  onvif     {camera.onvif}"
    )
