"""What befalls a media server that is a process."""

import os
import resource
import signal
import time
from pathlib import Path
from typing import Final

from tests.faults.fault import Fault
from tests.faults.scene import HURT, Scene, pause
from tests.waiting import until

_LASTS_S: Final = 3.0


async def killed(scene: Scene) -> float:
    """Kill -9 the building's media server."""
    old = scene.company.media_server(HURT)
    os.kill(old, signal.SIGKILL)
    since = time.monotonic()
    await until(lambda: scene.company.media_server(HURT) not in (0, old), within=30)
    return await scene.back(since)


async def freezes(scene: Scene) -> float:
    """Stop the media server's process for a while (SIGSTOP)."""
    process = scene.company.media_server(HURT)
    os.kill(process, signal.SIGSTOP)
    try:
        await pause(_LASTS_S)
    finally:
        os.kill(process, signal.SIGCONT)
    return await scene.back(time.monotonic())


async def hangs(scene: Scene) -> float:
    """Stop the media server's process for ever: somebody has to notice, and end it."""
    old = scene.company.media_server(HURT)
    os.kill(old, signal.SIGSTOP)
    since = time.monotonic()
    await until(lambda: scene.company.media_server(HURT) not in (0, old), within=90)
    return await scene.back(since)


async def out_of_files(scene: Scene) -> float:
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


FAULTS: Final = (
    Fault("server-kill", "media server killed (-9)", "the kill", killed, 3, quick=True),
    Fault("server-freeze", "media server frozen for 3 s", "it goes on", freezes, 3),
    Fault("server-hang", "media server frozen for ever", "it freezes", hangs),
    Fault(
        "server-files",
        "media server without free descriptors; a newcomer",
        "it has some",
        out_of_files,
    ),
)
