"""``python -m tests.soak FOLDER [--minutes 45]``: hours of a company's life, in bounded runs.

Each run adds ``run-*.jsonl`` to the folder, a sample every ten seconds, so that what is cut off is
kept and runs of several days add up. ``--table`` writes the slopes of all of them, without a run,
into README.md.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path

from gateway.kit.tasks import Tasks
from tests.bench.guests import party
from tests.e2e.company import company_in
from tests.soak import census, report
from tests.soak.building import building
from tests.soak.life import Life
from tests.waiting import until

SITES = ("lenina-12", "mira-3")
CAMERAS = 2


async def soak(file: Path, minutes: float) -> None:
    """Live for some minutes, and write down what that takes."""
    async with AsyncExitStack() as stack:
        buildings = {site: await stack.enter_async_context(building(CAMERAS)) for site in SITES}
        root = stack.enter_context(tempfile.TemporaryDirectory(prefix="cg-soak-"))
        company = await stack.enter_async_context(company_in(Path(root)))
        for site, one in buildings.items():
            company.write_site(site, one.cameras)
        await company.begin()
        for site in SITES:
            await until(lambda: company.live(site), within=60)  # noqa: B023  # awaited in this very turn
        doors = await stack.enter_async_context(party(company.url))
        life, tasks = Life(company, doors, buildings), Tasks("soak")
        life.begin()
        tasks.spawn(census.take(company, SITES, file), "census")
        try:
            await asyncio.sleep(minutes * 60)
        finally:
            await tasks.close()
            await life.end()
            print(f"done {dict(life.done)}, failed {dict(life.failed)}", flush=True)


def main() -> None:
    """Soak, or write the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="+", help="where runs are; a new one: the first")
    parser.add_argument("--minutes", type=float, default=45)
    parser.add_argument("--warm-up", type=float, default=15, help="minutes left out of each run")
    parser.add_argument("--table", action="store_true", help="only write README.md of all runs")
    given = parser.parse_args()
    if not given.table:
        given.folder[0].mkdir(parents=True, exist_ok=True)
        file = given.folder[0] / f"run-{time.time_ns() // 10**6}.jsonl"
        asyncio.run(soak(file, given.minutes))
    files = [file for folder in given.folder for file in sorted(folder.glob("run-*.jsonl"))]
    report.write(files, warm_up_s=given.warm_up * 60)


if __name__ == "__main__":
    sys.exit(main())
