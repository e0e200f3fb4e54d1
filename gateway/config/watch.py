"""Changes of the directory ``sites/``, as fleets, while the gateway runs.

Directories are watched, not files, so that editors that rename and mounts that swap a link are
seen. Reading all again from time to time makes up for whatever the kernel did not tell.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Final

import structlog
from watchfiles import Change, awatch

from gateway.config.load import Loader
from gateway.kit.backoff import Backoff
from gateway.model.company import Fleet, Problem, Severity

_MOST_LOOKS: Final = 5
_REST: Final = 300
"""A reading that nobody has asked for may take a three-hundredth of a processor."""

log = structlog.get_logger("config")


async def changes(
    loader: Loader,
    stop: asyncio.Event,
    *,
    settle_s: float = 0.2,
    reread_s: float = 60.0,
) -> AsyncIterator[Fleet]:
    """Yield the fleet whenever it differs from ``loader.fleet``, until ``stop`` is set.

    The first fleet comes at once when ``loader`` has not loaded yet. ``settle_s``: seconds of
    quiet before a change is believed; ``reread_s``: seconds between two readings of everything,
    more where a reading takes long.
    """
    bell = _Bell(loader, stop, settle_s)
    listener = asyncio.create_task(bell.run(), name="config:watch")
    stopped = asyncio.create_task(stop.wait(), name="config:stop")
    try:
        known = loader.fleet
        while not stop.is_set():
            bell.event.clear()
            began = time.monotonic()
            fleet = await _look(loader, known, settle_s)
            rest_s = max(reread_s, _REST * (time.monotonic() - began))
            bell.look_at(loader.watched())
            if fleet != known:
                _tell(known, fleet)
                known = fleet
                yield fleet
            await _wait(bell.event, stopped, rest_s)
    finally:
        for task in (listener, stopped):
            task.cancel()
        await asyncio.gather(listener, stopped, return_exceptions=True)


async def _wait(event: asyncio.Event, stopped: asyncio.Task[bool], seconds: float) -> None:
    ring = asyncio.create_task(event.wait(), name="config:ring")
    try:
        await asyncio.wait((ring, stopped), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        ring.cancel()
        await asyncio.gather(ring, return_exceptions=True)


async def _look(loader: Loader, known: Fleet | None, settle_s: float) -> Fleet:
    """Load; look again at bad news, which may be a file that is still being written."""
    fleet = await asyncio.to_thread(loader.load)
    for _ in range(_MOST_LOOKS):
        if known is None or fleet == known or not _worse(known, fleet):
            break
        await asyncio.sleep(settle_s)
        again = await asyncio.to_thread(loader.load)
        if again == fleet:
            break
        fleet = again
    return fleet


def _worse(known: Fleet, fleet: Fleet) -> bool:
    return bool(set(fleet.errors) - set(known.errors)) or bool(set(known.sites) - set(fleet.sites))


class _Bell:
    """Rings when a watched file may have changed; follows the links as they are swapped."""

    def __init__(self, loader: Loader, stop: asyncio.Event, settle_s: float) -> None:
        self.event = asyncio.Event()
        self._directory = loader.directory.absolute()
        self._stop = stop
        self._settle_ms = max(1, int(settle_s * 1000))
        self._paths: frozenset[str] = frozenset()
        self._directories: frozenset[Path] = frozenset()
        self._moved = asyncio.Event()

    def look_at(self, paths: Iterable[Path]) -> None:
        """Watch the directories of ``paths`` from now on."""
        absolute = [path.absolute() for path in paths]
        self._paths = frozenset(str(path) for path in absolute)
        directories = {path.parent for path in absolute} | {self._directory.resolve()}
        present = frozenset(path for path in directories if path.is_dir())
        if present != self._directories:
            self._directories = present
            self._moved.set()

    async def run(self) -> None:
        """Watch until cancelled; when the kernel refuses, the regular readings go on alone."""
        backoff = Backoff(first=1.0, most=60.0)
        while True:
            self._moved.clear()
            directories = self._directories
            try:
                if directories:
                    await self._watch(directories)
                    backoff.reset()
                else:
                    await self._moved.wait()
            except (OSError, RuntimeError) as error:
                if not backoff.failures:
                    log.warning("files are not watched, only read regularly", reason=str(error))
                await asyncio.sleep(backoff.next())
            # Whatever changed while nobody watched is found by one more reading, which begins
            # after the next round's watch is set up: there is no await in between.
            self.event.set()

    async def _watch(self, directories: frozenset[Path]) -> None:
        async for _ in awatch(
            *directories,
            watch_filter=self._concerns,
            step=self._settle_ms,
            debounce=10 * self._settle_ms,
            stop_event=self._moved,
            recursive=False,
        ):
            self.event.set()

    def _concerns(self, _change: Change, path: str) -> bool:
        """Tell whether a path may matter: editors' copies and foreign files do not."""
        if path in self._paths:
            return True
        name = path.rpartition("/")[2]
        ours = not name.startswith(".") and name.endswith((".yaml", ".yml"))
        return ours and Path(path).parent in (self._directory, self._directory.resolve())


def _tell(known: Fleet | None, fleet: Fleet) -> None:
    before: set[Problem] = set(known.problems) if known else set()
    for problem in fleet.problems:
        if problem not in before:
            bad = problem.severity is Severity.ERROR
            say = log.error if bad else log.warning
            say("a file has a problem", problem=str(problem))
    fixed = before - set(fleet.problems)
    if fixed:
        log.info("problems of the files are gone", files=sorted({item.file for item in fixed}))
    old = known.sites if known else {}
    changed = sorted(name for name, site in fleet.sites.items() if old.get(name) != site)
    removed = sorted(set(old) - set(fleet.sites))
    if changed:
        log.info("new versions of sites are in force", sites=changed)
    if removed:
        log.info("sites are removed", sites=removed)
    if known is not None and known.settings != fleet.settings:
        log.info("the company's new settings are in force")
