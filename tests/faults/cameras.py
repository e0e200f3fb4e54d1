"""What cameras do."""

import re
import time
from dataclasses import replace
from typing import Final

from gateway.demo.building import DemoBuilding
from tests.e2e.company import CREDENTIAL
from tests.faults.fault import Fault
from tests.faults.flood import flooding_address
from tests.faults.scene import CAMERA, HURT, Scene, pause

_REBOOT_S: Final = 3.0
_DEAD_S: Final = 20.0
"""Longer than all the growing pauses of the pull together."""


async def _gone_for(scene: Scene, seconds: float, *, silent: bool = False) -> float:
    await scene.hurt.set_plugged(CAMERA, plugged=False, silent=silent)
    await pause(seconds)
    await scene.hurt.set_plugged(CAMERA, plugged=True)
    return await scene.back(time.monotonic())


async def reboots(scene: Scene) -> float:
    """Unplug the camera for some seconds; the clock starts when it answers again."""
    return await _gone_for(scene, _REBOOT_S)


async def dies(scene: Scene) -> float:
    """Unplug the camera for long."""
    return await _gone_for(scene, _DEAD_S)


async def freezes(scene: Scene) -> float:
    """Let the camera say nothing at all, with its connections open."""
    return await _gone_for(scene, 8, silent=True)


async def changes_address(scene: Scene) -> float:
    """Let the camera come back at another address, which is then written into the file."""
    old = scene.hurt
    new = DemoBuilding(credential=CREDENTIAL, discovery_port=None)
    try:
        await new.start(1)
        await old.set_plugged(CAMERA, plugged=False)
        await pause(_REBOOT_S)
        scene.company.write_site(HURT, new.cameras)
        seconds = await scene.back(time.monotonic())
        await old.set_plugged(CAMERA, plugged=True)
        scene.company.write_site(HURT, old.cameras)
        await new.set_plugged(CAMERA, plugged=False)
        await scene.viewer.more(20, within=60)
    finally:
        await new.close()
    return seconds


async def floods(scene: Scene) -> float:
    """Let the camera send nonsense at some hundred Mbit/s for five seconds."""
    camera = scene.hurt.cameras[0]
    port = int(re.findall(r":(\d+)/", camera.rtsp_sub)[0])
    async with flooding_address(port) as (mad, tell):
        mad_camera = replace(
            camera,
            rtsp=camera.rtsp.replace(f":{port}/", f":{mad}/"),
            rtsp_sub=camera.rtsp_sub.replace(f":{port}/", f":{mad}/"),
        )
        scene.company.write_site(HURT, [mad_camera])
        await scene.viewer.more(30, within=60)
        tell.write(b"flood\n")
        await pause(5)
        tell.write(b"calm\n")
        await tell.drain()
        seconds = await scene.back(time.monotonic())
        scene.company.write_site(HURT, scene.hurt.cameras)
        await scene.viewer.more(20, within=60)
    return seconds


FAULTS: Final = (
    Fault("reboot", "camera reboots (3 s)", "it answers again", reboots, 3, quick=True),
    Fault("dead", "camera dead for 20 s", "it answers again", dies, 3),
    Fault("camera-freeze", "camera freezes for 8 s, connections open", "it goes on", freezes, 3),
    Fault("moved", "camera at another address", "the file names it", changes_address, 3),
    Fault("flood", "camera floods with nonsense for 5 s", "it stops", floods, 3),
)
