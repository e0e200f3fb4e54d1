"""What was measured, as a table for people and as bars that hold or do not."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench import place
from tests.bench.load import TEN_BY_FIVE, Figures

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
README = Path(__file__).with_name("README.md")
FLOOR, LOOP, OURS, JANUS = "C limit", "Python loop", "ours", "Janus"


@dataclass(frozen=True, slots=True)
class Bar:
    """A claim; ``good`` None means that it could not be measured."""

    what: str
    wanted: str
    seen: str
    good: bool | None


@dataclass(slots=True)
class Results:
    """Everything of one run so far; ``failures`` are steps that could not be measured."""

    figures: Figures
    sizes: Sequence[int]
    seconds: float
    weather: str = ""
    rounds: int = 0
    others: list[Bar] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


def ratio(figures: Figures, upper: str, lower: str, scenario: str) -> float:
    """Return how many times the CPU of ``lower`` a packet of ``upper`` costs."""
    return figures.median(upper, scenario) / figures.median(lower, scenario)


def bars(figures: Figures) -> list[Bar]:
    """Return the bars that are ratios within this run."""
    found = []
    for lower, scenario, most in (
        (FLOOR, "50", 1.25),
        (FLOOR, "200", 1.1),
        (JANUS, "50", 0.40),
        (JANUS, "200", 0.35),
        (JANUS, TEN_BY_FIVE, 0.50),
        # What reading the camera, keeping its frames and reporting may cost on top.
        (LOOP, "50", 1.5),
    ):
        value = ratio(figures, OURS, lower, scenario)
        seen = "not measured" if math.isnan(value) else f"{value:.2f}"
        good = None if math.isnan(value) else value <= most
        found.append(
            Bar(f"CPU a packet against {lower}, {scenario} viewers", f"<= {most}", seen, good)
        )
    joins = place.middle(figures.join_ms.get(OURS, []))
    memory = place.middle(figures.memory_kb.get(OURS, []))
    for what, value, most, unit in (
        ("CPU of a join", joins, 3.0, "ms"),
        ("memory of a viewer after the handshake, signalling included", memory, 32.0, "KB"),
    ):
        known = not math.isnan(value)
        seen = f"{value:.1f} {unit}" if known else "not measured"
        found.append(Bar(what, f"<= {most:g} {unit}", seen, value <= most if known else None))
    return found


def text(results: Results) -> str:
    """Return the tables in Markdown."""
    figures = results.figures
    scenarios = [*map(str, results.sizes), TEN_BY_FIVE]
    names = [
        name
        for name in (OURS, JANUS, FLOOR, LOOP)
        if any((name, scenario) in figures.cpu_us for scenario in scenarios)
    ]
    lines = [
        f"{place.machine()}.",
        f"Medians, windows of {results.seconds:g} s, rounds: {results.rounds}. {results.weather}",
        "",
        "CPU microseconds per delivered packet (in brackets ms CPU per viewer-second):",
        "",
        "| | " + " | ".join(scenarios) + " | KB/viewer | CPU ms/join |",
        "|---" * (len(scenarios) + 3) + "|",
    ]
    for name in names:
        cells = [_cell(figures, name, scenario) for scenario in scenarios]
        cells.append(_number(place.middle(figures.memory_kb.get(name, [])), 0))
        cells.append(_number(place.middle(figures.join_ms.get(name, [])), 1))
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    worst = max((max(values) for values in figures.lost.values()), default=0.0)
    lines += ["", f"Lost packets: at most {worst:.2%} in any window.", ""]
    if results.failures:
        lines += ["Could not be measured:", *(f"- {failure}" for failure in results.failures), ""]
    lines += ["| what | bar | measured | |", "|---|---|---|---|"]
    for bar in [*bars(figures), *results.others]:
        mark = {True: "met", False: "**missed**", None: "-"}[bar.good]
        lines.append(f"| {bar.what} | {bar.wanted} | {bar.seen} | {mark} |")
    return "\n".join(lines)


def rewrite(measured: str) -> None:
    """Put the tables into the README, between its two marks."""
    whole = README.read_text(encoding="utf-8")
    before, _, rest = whole.partition(BEGIN)
    _, _, after = rest.partition(END)
    README.write_text(f"{before}{BEGIN}\n{measured}\n{END}{after}", encoding="utf-8")


def _cell(figures: Figures, name: str, scenario: str) -> str:
    us = figures.median(name, scenario)
    if math.isnan(us):
        return "-"
    return f"{us:.1f} ({place.middle(figures.viewer_ms[name, scenario]):.2f})"


def _number(value: float, digits: int) -> str:
    return "-" if math.isnan(value) else f"{value:.{digits}f}"
