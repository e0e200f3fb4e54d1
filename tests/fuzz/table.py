"""How many inputs the targets have taken in all: a line per run, and the table made of them."""

import json
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_RUNS = "runs.jsonl"
_BEGIN, _END = "<!-- counted: begin -->\n", "<!-- counted: end -->\n"


def note(out: Path, target: str, inputs: int, seconds: int, edges: int, *, broke: bool) -> None:
    """Add a run to those that have been."""
    row = {
        "target": target,
        "day": f"{datetime.now(UTC):%Y-%m-%d}",
        "inputs": inputs,
        "seconds": seconds,
        "edges": edges,
        "broke": broke,
    }
    with (out / _RUNS).open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def sums(out: Path) -> Counter[str]:
    """Return how many inputs each target has taken in all runs."""
    found: Counter[str] = Counter()
    for row in _runs(out):
        found[row["target"]] += row["inputs"]
    return found


def write(out: Path, page: Path, targets: Sequence[str]) -> None:
    """Write the sums of all runs into ``page``, between its marks."""
    rows = _runs(out)
    lines = [
        f"All runs until {max((row['day'] for row in rows), default='now')}.",
        "",
        "| target | inputs | a second | edges of code reached | broke |",
        "| --- | --- | --- | --- | --- |",
    ]
    for target in targets:
        own = [row for row in rows if row["target"] == target]
        inputs, seconds = sum(row["inputs"] for row in own), sum(row["seconds"] for row in own)
        edges = max((row["edges"] for row in own), default=0)
        broke = sum(row["broke"] for row in own)
        speed = inputs // max(1, seconds)
        lines.append(f"| `{target}` | {inputs:,} | {speed:,} | {edges} | {broke} |")
    old = page.read_text(encoding="utf-8")
    before, _, rest = old.partition(_BEGIN)
    after = rest.partition(_END)[2]
    page.write_text(before + _BEGIN + "\n".join(lines) + "\n" + _END + after, encoding="utf-8")


def _runs(out: Path) -> list[dict[str, Any]]:
    file = out / _RUNS
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    return [json.loads(line) for line in text.splitlines()]
