"""The table of all runs: how steeply memory, descriptors, threads, processes and tasks grow."""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from tests.soak.slope import Slope, theil_sen, together

HERE = Path(__file__).parent
WARM_UP_S: Final = 900.0
"""Caches, pools and the allocator's arenas fill in the first minutes, ever more slowly."""
PAGE_KB_H: Final = 4 * 60
"""A page of memory a minute: what is below is called nothing."""
MEASURES: Final = ("uss_kb", "descriptors", "threads", "processes", "tasks")
_WORDS: Final = {
    "uss_kb": "own memory (USS), KB",
    "descriptors": "descriptors",
    "threads": "threads",
    "processes": "child processes",
    "tasks": "asyncio tasks",
}
_BEGIN, _END = "<!-- measured: begin -->\n", "<!-- measured: end -->\n"
_MINUTE_S = 60.0
_FEWEST = 10

Series = tuple[list[float], list[float]]
"""Hours, and the median of each minute."""


@dataclass(frozen=True, slots=True)
class Row:
    """One measure of one kind of process in all runs; slopes are per hour."""

    who: str
    measure: str
    middle: float
    worst: float
    slope: Slope

    @property
    def flat(self) -> bool:
        """Whether growth cannot be told from none, or is below a page a minute."""
        return self.slope.low <= 0 or (self.measure.endswith("_kb") and self.slope.high < PAGE_KB_H)


def minutes(file: Path, *, warm_up_s: float = WARM_UP_S) -> dict[tuple[str, str], Series]:
    """Return every series of a run after its warm-up.

    Medians of minutes, because samples of ten seconds hang together too much for an interval.
    """
    bins: dict[tuple[str, str], dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for line in file.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row["at"] >= warm_up_s:
            for who, counts in row["of"].items():
                for measure, value in counts.items():
                    bins[who, measure][int(row["at"] // _MINUTE_S)].append(value)
    return {
        key: ([minute / 60 for minute in found], [median(values) for values in found.values()])
        for key, found in bins.items()
    }


def rows(files: Sequence[Path], *, warm_up_s: float = WARM_UP_S) -> list[Row]:
    """Return what all runs say together; those too short for a slope are left out."""
    every = (minutes(file, warm_up_s=warm_up_s) for file in files)
    runs = [one for one in every if all(len(x) >= _FEWEST for x, _ in one.values())]
    slopes: dict[tuple[str, str], list[tuple[Slope, float]]] = defaultdict(list)
    for run in runs:
        for (name, measure), (x, y) in run.items():
            who = "gateway" if name == "gateway" else "media server"
            slopes[who, measure].append((theil_sen(x, y), median(y)))
    return [
        Row(
            who,
            measure,
            middle=median(middle for _, middle in found),
            worst=max(slope.value for slope, _ in found),
            slope=found[0][0] if len(found) == 1 else together([one.value for one, _ in found]),
        )
        for who in ("gateway", "media server")
        for measure in MEASURES
        if (found := slopes.get((who, measure)))
    ]


def write(files: Sequence[Path], *, warm_up_s: float = WARM_UP_S) -> None:
    """Write the table into README.md, and print it."""
    found = rows(files, warm_up_s=warm_up_s)
    lines = [
        f"{len(files)} runs; the first {warm_up_s / 60:.0f} minutes of each are left out.",
        "",
        "| process | what | typical | growth an hour | 95 % interval | steepest run | |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {row.who} | {_WORDS[row.measure]} | {row.middle:,.0f} | {row.slope.value:+.2f} "
        f"| {row.slope.low:+.2f} to {row.slope.high:+.2f} | {row.worst:+.2f} "
        f"| {'flat' if row.flat else '**grows**'} |"
        for row in found
    ]
    print("\n".join(lines))
    page = HERE / "README.md"
    text = page.read_text(encoding="utf-8")
    before, _, rest = text.partition(_BEGIN)
    after = rest.partition(_END)[2]
    page.write_text(before + _BEGIN + "\n".join(lines) + "\n" + _END + after, encoding="utf-8")
