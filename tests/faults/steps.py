"""The gateway is killed at every step of a change: the next one finishes what was begun.

A third building is made, changed, switched off and on, given another camera, and removed. Each
change of a file, each start of a process is once the moment of death (``mortal.py``), and so is
each sentence in which the gateway tells of a step.
"""

import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from tests.e2e.company import Company
from tests.faults.fault import Fault
from tests.faults.gateways import unnoticed
from tests.faults.scene import Scene, pause, scene
from tests.waiting import until

_THIRD: Final = "third"
_MOST: Final = 60
"""Steps of one change; more would be a loop."""
_LAST_S: Final = 0.3


@dataclass(slots=True)
class Reconciling(Scene):
    """A scene whose gateway may be told when to die."""

    sentence: Path
    turn: int = 0

    @property
    def folder(self) -> Path:
        """Where the third building's media server lives."""
        return self.company.data / "servers" / _THIRD


@asynccontextmanager
async def reconciling(root: Path) -> AsyncIterator[Reconciling]:
    """Set the scene with a mortal gateway."""
    sentence, servers = root / "sentence", root / "data" / "servers"
    command = (sys.executable, "-m", "tests.faults.mortal", str(sentence), str(servers / _THIRD))
    async with scene(root, command=command) as one:
        yield Reconciling(one.company, one.hurt, one.viewer, one.party, one.neighbours, sentence)


def _write(scene: Reconciling, **more: Any) -> None:
    scene.company.write_site(_THIRD, scene.hurt.cameras, **more)


def _viewers(scene: Reconciling) -> dict[str, Any]:
    """Return a setting that nobody has had yet: its media server has to be replaced."""
    scene.turn += 1
    return {"media_server": {"max_viewers": 100 + scene.turn}}


async def _killed_at_each_step(
    scene: Reconciling,
    before: Callable[[Reconciling], Any],
    change: Callable[[Reconciling], Any],
    healed: Callable[[Reconciling], Any],
) -> list[float]:
    """Die at step after step of ``change`` until it is whole; return how long healing took."""
    took, company = [], scene.company
    for step in range(1, _MOST):
        before(scene)
        await _until(lambda: _settled(scene))
        scene.sentence.write_bytes(b"." * step)
        change(scene)
        died = await _dies(company, healed, scene)
        scene.sentence.unlink()
        if not died:
            break
        await company.begin()
        ready = time.monotonic()
        await _until(lambda: healed(scene))
        took.append(time.monotonic() - ready)
        await _nothing_left_over(scene)
    else:
        raise AssertionError(f"more than {_MOST} steps")
    assert took, "it did not die once"
    return took


async def _until(condition: Callable[[], Any]) -> None:
    """Wait for what the gateway is asked about, and leave it time for its work."""
    await until(condition, within=60, every=0.05)


async def _unnoticed_at_each_step(
    scene: Reconciling, *how: Callable[[Reconciling], Any]
) -> list[float]:
    async with unnoticed(scene):
        return await _killed_at_each_step(scene, *how)


async def _dies(company: Company, healed: Callable[[Reconciling], Any], scene: Reconciling) -> bool:
    """Wait until the gateway has died, or has done everything without coming to the step."""
    process = company.process
    assert process is not None

    async def over() -> bool:
        return process.returncode is not None or await healed(scene)

    await _until(over)
    await pause(_LAST_S)  # what the last step leaves is not seen from outside
    if process.returncode is None:
        return False
    assert process.returncode == -signal.SIGKILL
    company.process = None
    return True


async def _settled(scene: Reconciling) -> bool:
    """Tell whether the third building is as its file says: it plays, or it is not there."""
    file = scene.company.sites / f"{_THIRD}.yaml"
    if not file.exists():
        return not scene.folder.exists()
    wanted = json.loads(file.read_text())
    if not wanted.get("enabled", True):
        return scene.folder.exists() and not _alive(scene)
    if not await scene.company.live(_THIRD):
        return False
    most = wanted.get("media_server", {}).get("max_viewers", 500)
    try:
        label = json.loads((scene.folder / "label.json").read_text())
        runs = json.loads((scene.folder / "run/server.json").read_text())
    except FileNotFoundError:
        return False  # in the middle of a change
    return label["spec"]["max_viewers"] == most and label["fingerprint"] == runs["fingerprint"]


def _alive(scene: Reconciling) -> bool:
    process = scene.company.media_server(_THIRD)
    return process != 0 and Path(f"/proc/{process}").exists()


async def _nothing_left_over(scene: Reconciling) -> None:
    """Hold that the third building has one process at most, its own."""
    home = str(scene.folder)
    await until(lambda: _processes(home) <= {scene.company.media_server(_THIRD)} - {0}, within=10)


def _processes(home: str) -> set[int]:
    """Return the media servers that were started in a folder and run."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"gateway.mediaserver" in words and os.fsencode(home) in words:
                found.add(int(entry.name))
    return found


def _gone(scene: Reconciling) -> None:
    (scene.company.sites / f"{_THIRD}.yaml").unlink(missing_ok=True)


async def making(scene: Reconciling) -> list[float]:
    """Make a building."""
    return await _unnoticed_at_each_step(scene, _gone, _write, _settled)


async def replacing(scene: Reconciling) -> list[float]:
    """Change a setting of the media server."""
    _write(scene)
    return await _unnoticed_at_each_step(
        scene, lambda _: None, lambda one: _write(one, **_viewers(one)), _settled
    )


async def switching(scene: Reconciling) -> list[float]:
    """Switch the building off, and on."""
    _write(scene)
    off = await _unnoticed_at_each_step(
        scene, _write, lambda one: _write(one, enabled=False), _settled
    )
    on = await _unnoticed_at_each_step(
        scene, lambda one: _write(one, enabled=False), _write, _settled
    )
    return [*off, *on]


async def removing(scene: Reconciling) -> list[float]:
    """Remove the building."""
    return await _unnoticed_at_each_step(scene, _write, _gone, _settled)


async def telling(scene: Reconciling) -> list[float]:
    """Die at each sentence in which a step is told, of a change of camera too."""
    company, took = scene.company, []
    sentences = ("made media server", "asked for the video of", "let go of", "removed media")
    for sentence in sentences * 2:
        (_write if sentence in sentences[2:] else _gone)(scene)
        await _until(lambda: _settled(scene))
        heard = company.log.stat().st_size
        if sentence == "let go of":
            camera = scene.hurt.cameras[0]
            swapped = replace(camera, rtsp=camera.rtsp_sub, rtsp_sub=camera.rtsp)
            company.write_site(_THIRD, [swapped])
        else:
            (_gone if sentence == "removed media" else _write)(scene)
        await until(lambda: sentence in _said(company.log, heard), within=60, every=0.002)  # noqa: B023  # awaited in this very turn
        await company.end(signal.SIGKILL)
        await company.begin()
        ready = time.monotonic()
        await _until(lambda: _settled(scene))
        took.append(time.monotonic() - ready)
        await _nothing_left_over(scene)
    return took


def _said(log: Path, since: int) -> str:
    with log.open("rb") as file:
        file.seek(since)
        return file.read().decode(errors="replace")


_COUNTED: Final = "it is ready again"


def _fault(name: str, title: str, happen: Callable[[Reconciling], Any]) -> Fault:
    return Fault(name, title, _COUNTED, happen, 3, steps=True)


FAULTS: Final = (
    _fault("steps-make", "gateway killed at each step of making a building", making),
    _fault("steps-replace", "... of replacing its media server", replacing),
    _fault("steps-switch", "... of switching it off and on", switching),
    _fault("steps-remove", "... of removing it", removing),
    _fault("steps-told", "gateway killed at each sentence that tells of a step", telling),
)
