"""``python -m tests.faults [NAME...] [--times 5]``: let faults happen, and draw the table.

Without names all of them, each place in a process of its own. With ``--resume`` only those that
have fewer rounds in the table than wanted, and only the rounds that are missing. Ends with 1 when
a fault was not survived.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import traceback
from collections.abc import Collection, Sequence
from pathlib import Path

from tests.faults import table
from tests.faults.fault import Fault, Outcome, Place, Stage, suffer
from tests.faults.places import PLACES


async def measure(place: Place, faults: Sequence[Fault], times: int, *, resume: bool) -> int:
    """Let faults of one place happen, round by round; return how many were not survived.

    A stage on which a fault was not survived is given up, and the next fault gets a new one.
    """
    known = {fault.name: table.known(fault) if resume else Outcome() for fault in faults}
    waiting = [
        fault
        for turn in range(times)
        for fault in faults
        if len(known[fault.name].seconds) <= turn and not (fault.steps and turn)
    ]
    failures = 0
    while waiting:
        left = len(waiting)
        try:
            with tempfile.TemporaryDirectory(prefix="faults-") as folder:
                async with place.opened(Path(folder)) as stage:
                    await _one_after_another(stage, waiting, known)
        except Exception:  # noqa: BLE001  # one fault must not end the measuring
            traceback.print_exc()
            failures += 1
            if left == len(waiting):
                print(f"{place.name}: the stage cannot be set", flush=True)
                return failures + left
            print("NOT SURVIVED: the fault above, or the end of its stage", flush=True)
    return failures


async def _one_after_another(stage: Stage, waiting: list[Fault], known: dict[str, Outcome]) -> None:
    """Let the faults happen that wait, and keep what each has cost."""
    while waiting:
        fault = waiting.pop(0)
        print(f"{fault.title} ...", flush=True)
        seconds, missed = await suffer(stage, fault)
        known[fault.name] = outcome = known[fault.name].and_then(seconds, missed)
        longest = f"{max(seconds):.1f} s, {missed} missed"
        print(f"  {fault.name}, round {len(outcome.seconds)}: {longest}", flush=True)
        table.keep(fault, outcome)


async def in_processes(names: Collection[str], times: int, *, resume: bool) -> int:
    """Run each place in a process of its own, two at once: one alone mostly waits."""
    turns = asyncio.Semaphore(max(2, (os.cpu_count() or 2) // 2))

    async def run(place: Place) -> int:
        wanted = [fault.name for fault in place.faults if fault.name in names]
        if not wanted:
            return 0
        options = ["--times", str(times), *(["--resume"] if resume else [])]
        async with turns:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.faults", *wanted, *options, "--here")
            )
            return await process.wait()

    return sum(await asyncio.gather(*map(run, PLACES)))


async def here(names: Collection[str], times: int, *, resume: bool) -> int:
    """Let faults happen in this process."""
    failures = 0
    for place in PLACES:
        faults = [fault for fault in place.faults if fault.name in names]
        reason = place.lacks() if faults else ""
        if reason:
            for fault in faults:
                print(f"skipped: {fault.title}: {reason}", flush=True)
                table.skip(fault, reason)
        elif faults:
            failures += await measure(place, faults, times, resume=resume)
    return failures


def main() -> int:
    """Measure and draw."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    every = [fault.name for place in PLACES for fault in place.faults]
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(every))
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--here", action="store_true", help="all in this process")
    options = parser.parse_args()
    names = options.names or every
    unknown = set(names) - set(every)
    if unknown:
        parser.error(f"no such fault: {', '.join(sorted(unknown))}; there are {', '.join(every)}")
    work = here if options.here else in_processes
    return 1 if asyncio.run(work(names, options.times, resume=options.resume)) else 0


if __name__ == "__main__":
    sys.exit(main())
