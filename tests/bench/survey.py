"""``python -m tests.bench.survey``: how soon a building's cameras are known, and what it costs.

A town of pretend cameras runs in a process of its own on addresses of 127.0.0.0/8; this process is
what a gateway has in it for surveys, so its memory is what surveys cost a gateway.
"""

import argparse
import asyncio
import json
import os
import resource
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog

from gateway.control.survey import Surveys
from gateway.control.survey_tools import Tools
from gateway.kit.secret import Secret
from gateway.model.company import Fleet, Settings
from gateway.model.site import Credential, Discovery, Site
from gateway.model.survey import SightingState
from gateway.model.text import LocalText
from gateway.store.records import RecordStore
from gateway.surveying import open_tools
from tests.peers.onvif_device import PASSWORD

_PORT = 33702
_CREDENTIAL = Credential("viewer", Secret(PASSWORD), "env:CAMERAS")


@dataclass(frozen=True, slots=True)
class Bar:
    """A claim and what was seen; the other benchmark's own brings 20 MB of imports along."""

    what: str
    wanted: str
    seen: str
    good: bool


@dataclass(frozen=True, slots=True)
class Case:
    """A town and how it is surveyed."""

    first: str
    subnet: str
    good: int
    hanging: int = 0
    pictures: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """What a case has shown: seconds to the last good camera, CPU seconds of this process."""

    known: int
    pictures: int
    last_good_s: float
    whole_s: float
    cpu_s: float


@asynccontextmanager
async def town(case: Case) -> AsyncIterator[None]:
    """Run the cameras of a case."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.town", case.first),
        *(str(case.good), str(case.hanging), str(_PORT)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), 120)
        assert json.loads(line)["cameras"] == case.good + case.hanging
        yield
    finally:
        process.stdin.close()
        process.kill()
        await process.wait()


async def survey(case: Case, tools: Tools) -> Seen:
    """Survey one town."""
    site = Site(
        id="town",
        name=LocalText.of("town"),
        cameras=(),
        discovery=Discovery(subnets=(case.subnet,), credentials=(_CREDENTIAL,)),
    )
    fleet = Fleet(Settings(), {"town": site})
    async with town(case):
        surveys = Surveys(tools, lambda: fleet)
        began, cpu, last = time.monotonic(), time.process_time(), 0.0
        running = surveys.start("town", pictures=case.pictures)
        wanted = SightingState.PROBED if case.pictures else SightingState.INTERVIEWED
        with running.book.feed.subscribe() as events:
            async for event in events:
                if event.sighting is not None and event.sighting.state is wanted:
                    last = time.monotonic() - began
        cpu = time.process_time() - cpu
        known = sum(one.report is not None and one.report.failure is None
                    for one in running.book.sightings)  # fmt: skip
        pictures = running.book.progress().pictures
        whole = time.monotonic() - began
        await surveys.close()
    return Seen(known, pictures, last, whole, cpu)


def memory_mb() -> float:
    """Return the largest resident memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def run(rounds: int) -> list[Bar]:
    """Measure everything with one set of tools, as one gateway does."""
    async with RecordStore(None) as records, open_tools(records, port=_PORT) as tools:
        return await _measured(rounds, tools)


async def _measured(rounds: int, tools: Tools) -> list[Bar]:
    bars = []
    hundred = Case("127.50.0.1", "127.50.0.0/24", 100)
    seen = await survey(hundred, tools)
    bars.append(_bar("100 cameras found and interviewed", "< 5 s, all", seen, 100, 5.0))
    ratios = []
    for _ in range(rounds):
        plain = await survey(hundred, tools)
        beside = await survey(Case("127.50.0.1", "127.50.0.0/24", 100, hanging=20), tools)
        ratios.append(beside.last_good_s / plain.last_good_s)
    median = sorted(ratios)[len(ratios) // 2]
    bars.append(
        Bar("the same beside 20 hanging ones", "<= 1.1 times", f"{median:.2f} times", median <= 1.1)
    )
    seen = await survey(Case("127.50.0.1", "127.50.0.0/24", 100, pictures=True), tools)
    words = f"{seen.last_good_s:.1f} s, {seen.pictures} pictures, {seen.cpu_s:.1f} s CPU"
    good = seen.pictures == 100 and seen.last_good_s < 60
    bars.append(Bar("100 cameras with pictures, both streams", "< 60 s, all", words, good))
    seen = await survey(Case("127.51.0.1", "127.51.0.0/22", 500), tools)
    bars.append(_bar("500 cameras found and interviewed", "< 15 s, all", seen, 500, 15.0))
    memory = memory_mb()
    bars.append(Bar("memory beside probe workers", "< 150 MB", f"{memory:.0f} MB", memory < 150))
    return bars


def _bar(what: str, wanted: str, seen: Seen, cameras: int, limit_s: float) -> Bar:
    words = f"{seen.last_good_s:.1f} s, {seen.known} of {cameras}, {seen.cpu_s:.1f} s CPU"
    return Bar(what, wanted, words, seen.known == cameras and seen.last_good_s < limit_s)


def main() -> int:
    """Measure, print, and say by the exit status whether every bar was met."""
    options = argparse.ArgumentParser(prog="python -m tests.bench.survey", description=__doc__)
    options.add_argument("--rounds", type=int, default=3, help="medians are taken of these")
    said = options.parse_args()
    structlog.configure(processors=[], logger_factory=structlog.ReturnLoggerFactory())
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}\n")
    bars = asyncio.run(run(said.rounds))
    width = max(len(bar.what) for bar in bars)
    for bar in bars:
        mark = "ok" if bar.good else "MISSED"
        print(f"{bar.what.ljust(width)}  {bar.wanted.ljust(12)}  {mark:6}  {bar.seen}")
    return 0 if all(bar.good for bar in bars) else 1


if __name__ == "__main__":
    sys.exit(main())
