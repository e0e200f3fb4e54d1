"""What befalls the machine: its clock, its disk, and the names of its network.

The gateway runs in a mount namespace with its own ``/etc/resolv.conf``, its data in a small memory
file system, and its clock, and that of its media servers, under Debian's ``faketime`` library.
"""

import asyncio
import errno
import os
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.faults.fault import Fault
from tests.faults.gateways import unnoticed
from tests.faults.names import Names, names
from tests.faults.scene import CAMERA, HURT, Scene, pause, scene

_FAKETIME: Final = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")
_OWN_NAMES: Final = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'
_DISK: Final = "size=48m"
_DAY_S: Final = 86_400
_LASTS_S: Final = 5.0
CALM_S: Final = 12.0
"""After so long of peace a media server that dies is started at once again."""


@dataclass(slots=True)
class Machine(Scene):
    """A scene on a machine of its own. ``clock`` holds the seconds by which it is ahead."""

    names: Names
    clock: Path


def lacks() -> str:
    """Say why a machine of one's own cannot be made here."""
    if os.geteuid() != 0:
        return "needs root"
    if not _FAKETIME.exists():
        return "needs Debian's faketime"
    return "" if shutil.which("unshare") else "needs unshare"


@asynccontextmanager
async def machine(root: Path) -> AsyncIterator[Machine]:
    """Set the scene on a machine of its own."""
    async with AsyncExitStack() as stack:
        answers = await stack.enter_async_context(names("127.0.0.1"))
        resolver, clock, data = root / "resolv.conf", root / "clock", root / "data"
        resolver.write_text(f"nameserver {answers.address}\n", encoding="ascii")
        _set(clock, 0)
        data.mkdir()
        _run("mount", "-t", "tmpfs", "-o", _DISK, "tmpfs", str(data))
        stack.callback(_run, "umount", "-l", str(data))
        one = await stack.enter_async_context(
            scene(
                root,
                named=answers.name,
                command=(
                    *("unshare", "--mount", "sh", "-c", _OWN_NAMES, str(resolver)),
                    *(sys.executable, "-m", "tests.faults.clocked"),
                ),
                environment={
                    "LD_PRELOAD": str(_FAKETIME),
                    "FAKETIME_TIMESTAMP_FILE": str(clock),
                    "FAKETIME_CACHE_DURATION": "1",
                    "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                    "NO_FAKE_STAT": "1",
                },
            )
        )
        yield Machine(one.company, one.hurt, one.viewer, one.party, one.neighbours, answers, clock)


def _run(*command: str) -> None:
    subprocess.run(command, check=True)


def _set(clock: Path, ahead_s: int) -> None:
    draft = clock.with_suffix(".new")
    draft.write_text(f"{ahead_s:+d}\n", encoding="ascii")
    draft.replace(clock)


async def _jumps(scene: Machine, ahead_s: int) -> float:
    async with unnoticed(scene):
        _set(scene.clock, ahead_s)
        await pause(_LASTS_S)
        assert await scene.company.live(HURT)
        seconds = await scene.newcomer(time.monotonic())
        _set(scene.clock, 0)
        await pause(_LASTS_S)
        assert await scene.company.live(HURT)
        return max(seconds, await scene.newcomer(time.monotonic()))


async def clock_jumps_ahead(scene: Machine) -> float:
    """Set the wall clock a day ahead, and right again."""
    return await _jumps(scene, _DAY_S)


async def clock_jumps_back(scene: Machine) -> float:
    """Set the wall clock a day back, and right again."""
    return await _jumps(scene, -_DAY_S)


async def disk_is_full(scene: Machine) -> float:
    """Fill the data folder: whoever watches must not notice, and newcomers are served."""
    async with unnoticed(scene), filled(scene.company.data):
        await pause(_LASTS_S)
        return await scene.newcomer(time.monotonic())


async def server_dies_on_a_full_disk(scene: Machine) -> float:
    """Kill the media server while the disk is full; make room."""
    async with filled(scene.company.data):
        os.kill(scene.company.media_server(HURT), 9)
        await pause(_LASTS_S)
    seconds = await scene.back(time.monotonic())
    await pause(CALM_S)
    return seconds


@asynccontextmanager
async def filled(folder: Path) -> AsyncIterator[None]:
    """Leave no byte free in a folder's file system for as long as the context lasts."""
    ballast = folder / "ballast"
    await asyncio.to_thread(_fill, ballast)  # gigabytes: the viewers here must not wait
    try:
        yield
    finally:
        await asyncio.to_thread(ballast.unlink)


def _fill(ballast: Path) -> None:
    with ballast.open("wb", buffering=0) as file:
        size = 1 << 20
        zeros = memoryview(bytes(size))  # made once: the viewers' thread waits for each making
        while size:
            try:
                file.write(zeros[:size])
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                size //= 2


async def names_are_gone(scene: Machine) -> float:
    """Let the resolver say nothing, and the camera reboot meanwhile."""
    scene.names.silent = True
    try:
        await scene.viewer.more(20)
        await scene.hurt.set_plugged(CAMERA, plugged=False)
        await pause(3)
        await scene.hurt.set_plugged(CAMERA, plugged=True)
        await pause(_LASTS_S)
    finally:
        scene.names.silent = False
    return await scene.back(time.monotonic())


FAULTS: Final = (
    Fault("clock-ahead", "clock jumps a day ahead, and back", "each jump", clock_jumps_ahead, 3),
    Fault("clock-back", "clock jumps a day back, and ahead", "each jump", clock_jumps_back, 3),
    Fault("disk-full", "data folder's disk full; a newcomer", "it is full", disk_is_full, 3),
    Fault(
        "disk-full-kill",
        "media server killed (-9) while the disk is full",
        "there is room again",
        server_dies_on_a_full_disk,
    ),
    Fault(
        "names-gone",
        "camera reboots while nobody resolves its name",
        "names are resolved again",
        names_are_gone,
        3,
    ),
)
