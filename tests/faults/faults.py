"""The faults: each hurts one building, ends the hurting, and says how long the video took."""

import os
import resource
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.faults.scene import CAMERA, HURT, Scene, pause
from tests.waiting import until

_LASTS_S: Final = 3.0


@dataclass(frozen=True, slots=True)
class Fault:
    """``happen`` returns the seconds until the video is back, counted from ``counted_from``.

    ``bar_s`` is what is promised, ``None`` where nothing is.
    """

    name: str
    counted_from: str
    happen: Callable[[Scene], Awaitable[float]]
    bar_s: float | None = None


async def camera_reboots(scene: Scene) -> float:
    """Unplug the camera for some seconds; the clock starts when it answers again."""
    await scene.hurt.set_plugged(CAMERA, plugged=False)
    await pause(_LASTS_S)
    await scene.hurt.set_plugged(CAMERA, plugged=True)
    return await scene.back(time.monotonic())


async def cable_is_pulled(scene: Scene) -> float:
    """Let the camera say nothing at all, with its connections open."""
    await scene.hurt.set_plugged(CAMERA, plugged=False, silent=True)
    await pause(8)
    await scene.hurt.set_plugged(CAMERA, plugged=True)
    return await scene.back(time.monotonic())


async def media_server_is_killed(scene: Scene) -> float:
    """Kill -9 the building's media server."""
    old = scene.company.media_server(HURT)
    os.kill(old, signal.SIGKILL)
    killed = time.monotonic()
    await until(lambda: scene.company.media_server(HURT) not in (0, old), within=30)
    return await scene.back(killed)


async def media_server_freezes(scene: Scene) -> float:
    """Stop the media server's process for a while (SIGSTOP)."""
    process = scene.company.media_server(HURT)
    os.kill(process, signal.SIGSTOP)
    try:
        await pause(_LASTS_S)
    finally:
        os.kill(process, signal.SIGCONT)
    return await scene.back(time.monotonic())


async def media_server_is_out_of_files(scene: Scene) -> float:
    """Take every free descriptor from the media server, and give them back."""
    process = scene.company.media_server(HURT)
    before = resource.prlimit(process, resource.RLIMIT_NOFILE)
    resource.prlimit(process, resource.RLIMIT_NOFILE, (_open_files(process), before[1]))
    try:
        await pause(_LASTS_S)
    finally:
        resource.prlimit(process, resource.RLIMIT_NOFILE, before)
    return await scene.newcomer(time.monotonic())


def _open_files(process: int) -> int:
    return sum(1 for _ in Path(f"/proc/{process}/fd").iterdir())


async def gateway_is_killed(scene: Scene) -> float:
    """Kill -9 the gateway and start it again: a running video must not notice."""
    plays = scene.viewer.plays
    await scene.company.end(signal.SIGKILL)
    await scene.viewer.more(20)
    await scene.company.begin()
    ready = time.monotonic()
    await scene.viewer.more(20)
    assert scene.viewer.plays == plays, "the running video was interrupted"
    return await scene.newcomer(ready)


async def gateway_freezes(scene: Scene) -> float:
    """Stop the gateway's process for a while (SIGSTOP)."""
    process = scene.company.process
    assert process is not None
    plays = scene.viewer.plays
    process.send_signal(signal.SIGSTOP)
    try:
        await scene.viewer.more(20)
        await pause(_LASTS_S)
    finally:
        process.send_signal(signal.SIGCONT)
    woken = time.monotonic()
    assert scene.viewer.plays == plays, "the running video was interrupted"
    return await scene.newcomer(woken)


async def file_is_half_written(scene: Scene) -> float:
    """Cut the building's file in the middle, as an editor that dies does, and mend it."""
    path = scene.company.sites / f"{HURT}.yaml"
    whole = path.read_bytes()
    plays = scene.viewer.plays
    path.write_bytes(whole[: len(whole) // 2])
    try:
        await pause(_LASTS_S)
    finally:
        path.write_bytes(whole)
    mended = time.monotonic()
    seconds = await scene.back(mended)
    assert scene.viewer.plays == plays, "the running video was interrupted"
    return seconds


async def building_is_removed_and_added(scene: Scene) -> float:
    """Delete the building's file, and put it back."""
    path = scene.company.sites / f"{HURT}.yaml"
    whole = path.read_bytes()
    path.unlink()
    await until(lambda: scene.company.media_server(HURT) == 0, within=30)
    path.write_bytes(whole)
    return await scene.back(time.monotonic())


async def everybody_comes_at_once(scene: Scene) -> float:
    """Let thirty viewers come to the hurt building in the same moment."""
    began = time.monotonic()
    guests = await scene.party.come(f"/whep/{HURT}/{CAMERA}", 30, pause=0.0)
    seconds = await scene.newcomer(began)
    await scene.party.go(guests, pause=0.0)
    return seconds


FAULTS: Final = (
    Fault("camera reboots", "it answers again", camera_reboots, 3),
    Fault("camera's cable is pulled for 8 s", "it is back in", cable_is_pulled),
    Fault("media server killed (-9)", "the kill", media_server_is_killed, 3),
    Fault("media server frozen for 3 s", "it goes on", media_server_freezes, 3),
    Fault("media server without free descriptors", "it has some", media_server_is_out_of_files),
    Fault("gateway killed (-9); a newcomer", "it is ready again", gateway_is_killed, 3),
    Fault("gateway frozen for 3 s; a newcomer", "it goes on", gateway_freezes, 3),
    Fault("building's file half written", "it is whole", file_is_half_written),
    Fault("building removed and added", "its file is there", building_is_removed_and_added),
    Fault("thirty viewers at once; one more", "the first one", everybody_comes_at_once),
)
"""In the order of the table."""
