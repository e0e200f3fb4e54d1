"""``python -m tests.faults [--times 5]``: every fault some times, and the table in README.md."""

import argparse
import asyncio
import statistics
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from tests.faults.faults import FAULTS, Fault
from tests.faults.scene import Scene, scene

TABLE = Path(__file__).with_name("README.md")
_BEGIN, _END = "<!-- measured: begin -->\n", "<!-- measured: end -->\n"


async def suffer(stage: Scene, fault: Fault) -> tuple[float, int]:
    """Let a fault happen once; return the seconds and what the neighbours missed."""
    stage.forget()
    seconds = await fault.happen(stage)
    await stage.viewer.more(10, within=60)
    return seconds, stage.missed()


async def measure(times: int) -> list[str]:
    """Return the rows of the table."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        async with scene(Path(folder)) as stage:
            for fault in FAULTS:
                found = [await suffer(stage, fault) for _ in range(times)]
                seconds = [one for one, _ in found]
                bar = "-" if fault.bar_s is None else f"{fault.bar_s:g} s"
                worst = max(seconds)
                held = fault.bar_s is None or worst <= fault.bar_s
                row = (
                    f"| {fault.name} | {fault.counted_from} | {statistics.median(seconds):.1f} s "
                    f"| {worst:.1f} s | {bar}{'' if held else ' **missed**'} "
                    f"| {sum(missed for _, missed in found)} |"
                )
                print(row, flush=True)
                rows.append(row)
    return rows


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--times", type=int, default=5)
    times = parser.parse_args().times
    rows = asyncio.run(measure(times))
    head = [
        f"Each fault {times} times, {datetime.now(UTC):%Y-%m-%d}.",
        "",
        "| fault | counted from | median | worst | bar | packets the neighbours missed |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    text = TABLE.read_text(encoding="utf-8")
    before, _, rest = text.partition(_BEGIN)
    after = rest.partition(_END)[2]
    body = "\n".join([*head, *rows]) + "\n"
    TABLE.write_text(before + _BEGIN + body + _END + after, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
