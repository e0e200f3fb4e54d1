"""What befalls the gateway and its files: whoever watches must not notice."""

import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, Protocol

from tests.e2e.company import Watcher
from tests.faults.fault import Fault
from tests.faults.scene import HURT, Scene, pause
from tests.waiting import until

_LASTS_S: Final = 3.0
_PATIENCE_S: Final = 3.0
"""A busy machine may make a picture late; a play that has ended sends none."""


class Watched(Protocol):
    """A stage on which somebody watches the hurt building."""

    viewer: Watcher


@asynccontextmanager
async def unnoticed(scene: Watched) -> AsyncIterator[None]:
    """Hold that whoever watched before still does, in the same play."""
    viewer = scene.viewer
    plays, patience = viewer.plays, viewer.patience
    viewer.patience = _PATIENCE_S
    try:
        yield
        await viewer.more(20)
        assert viewer.plays == plays, "the running video was interrupted"
    finally:
        viewer.patience = patience


async def killed(scene: Scene) -> float:
    """Kill -9 the gateway and start it again."""
    async with unnoticed(scene):
        await scene.company.end(signal.SIGKILL)
        await scene.viewer.more(20)
        await scene.company.begin()
        ready = time.monotonic()
    return await scene.newcomer(ready)


async def freezes(scene: Scene) -> float:
    """Stop the gateway's process for a while (SIGSTOP)."""
    process = scene.company.process
    assert process is not None
    async with unnoticed(scene):
        process.send_signal(signal.SIGSTOP)
        try:
            await scene.viewer.more(20)
            await pause(_LASTS_S)
        finally:
            process.send_signal(signal.SIGCONT)
        woken = time.monotonic()
    return await scene.newcomer(woken)


async def site_file_is_half_written(scene: Scene) -> float:
    """Cut the building's and the company's file in the middle, as a full disk does; mend them."""
    paths = [scene.company.sites / f"{name}.yaml" for name in (HURT, "gateway")]
    whole = [path.read_bytes() for path in paths]
    async with unnoticed(scene):
        for path, content in zip(paths, whole, strict=True):
            path.write_bytes(content[: len(content) // 2])
        try:
            await pause(_LASTS_S)
        finally:
            for path, content in zip(paths, whole, strict=True):
                path.write_bytes(content)
    return await scene.newcomer(time.monotonic())


async def records_are_torn(scene: Scene) -> float:
    """Cut everything that the gateway remembers in the middle, while it is dead."""
    async with unnoticed(scene):
        await scene.company.end(signal.SIGKILL)
        data = scene.company.data
        kept = [path for path in data.iterdir() if path.is_file() and path.suffix != ".lock"]
        pictures = (data / "posters").rglob("*.jpg")
        torn = [path for path in (*kept, *pictures) if path.stat().st_size]
        assert {"history.db", "access.db"} <= {path.name for path in torn}
        for path in torn:
            _tear(path)
        await scene.company.begin()
        ready = time.monotonic()
    return await scene.newcomer(ready)


async def server_state_is_torn(scene: Scene) -> float:
    """Kill gateway and media server, and cut what was written of it, as a power cut may do."""
    await scene.company.end(signal.SIGKILL)
    os.kill(scene.company.media_server(HURT), signal.SIGKILL)
    folder = scene.company.data / "servers" / HURT
    for name in ("label.json", "run/process.json", "run/server.json"):
        _tear(folder / name)
    await scene.company.begin()
    return await scene.back(time.monotonic())


def _tear(path: Path) -> None:
    """Keep the first half and put noise where a page was not written; sizes stay odd."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.truncate(size // 2)
        file.seek(min(64, size // 4))
        file.write(os.urandom(min(64, size // 8)))


async def building_is_removed_and_added(scene: Scene) -> float:
    """Delete the building's file, and put it back."""
    path = scene.company.sites / f"{HURT}.yaml"
    whole = path.read_bytes()
    path.unlink()
    await until(lambda: scene.company.media_server(HURT) == 0, within=30)
    path.write_bytes(whole)
    return await scene.back(time.monotonic())


FAULTS: Final = (
    Fault(
        "gateway-kill",
        "gateway killed (-9); a newcomer",
        "it is ready again",
        killed,
        3,
        quick=True,
    ),
    Fault("gateway-freeze", "gateway frozen for 3 s; a newcomer", "it goes on", freezes, 3),
    Fault(
        "half-file",
        "files of building and company half written; a newcomer",
        "they are whole",
        site_file_is_half_written,
        3,
    ),
    Fault(
        "torn-records",
        "databases and pictures torn, gateway killed; a newcomer",
        "it is ready again",
        records_are_torn,
        3,
    ),
    Fault(
        "torn-server",
        "gateway and media server killed, the server's files torn",
        "it is ready again",
        server_state_is_torn,
    ),
    Fault(
        "remove-add",
        "building removed and added",
        "its file is there",
        building_is_removed_and_added,
        3,
    ),
)
