"""What was measured (``measured.json``), and the table of it in README.md."""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.faults.fault import Fault, Outcome
from tests.faults.places import PLACES

README = Path(__file__).with_name("README.md")
MEASURED = Path(__file__).with_name("measured.json")
_BEGIN, _END = "<!-- measured: begin -->\n", "<!-- measured: end -->\n"
_HEAD = (
    "| fault | counted from | median | worst | bar | rounds | packets the neighbours missed |",
    "| --- | --- | --- | --- | --- | --- | --- |",
)


@contextmanager
def _opened() -> Iterator[dict[str, Any]]:
    """Yield what is measured, for changing; places that run at once take turns."""
    with MEASURED.open("a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        text = file.read()
        measured: dict[str, Any] = json.loads(text) if text else {}
        yield measured
        file.seek(0)
        file.truncate()
        json.dump(measured, file, indent=1, sort_keys=True)
        file.write("\n")


def known(fault: Fault) -> Outcome:
    """Return what was measured of a fault."""
    if not MEASURED.exists():
        return Outcome()
    found = json.loads(MEASURED.read_text(encoding="utf-8")).get(fault.name, {})
    return Outcome(tuple(found.get("seconds", ())), found.get("missed", 0))


def keep(fault: Fault, outcome: Outcome) -> None:
    """Keep what is known of a fault, in place of what was known before, and draw the table."""
    with _opened() as measured:
        measured[fault.name] = {
            "seconds": [round(one, 2) for one in outcome.seconds],
            "missed": outcome.missed,
            "on": f"{datetime.now(UTC):%Y-%m-%d}",
        }
        _draw(measured)


def skip(fault: Fault, reason: str) -> None:
    """Keep that a fault cannot happen on this machine, if nothing better is known."""
    with _opened() as measured:
        if "seconds" not in measured.get(fault.name, {}):
            measured[fault.name] = {"skipped": reason}
        _draw(measured)


def _draw(measured: dict[str, Any]) -> None:
    rows = [
        _row(fault, measured[fault.name])
        for place in PLACES
        for fault in place.faults
        if fault.name in measured
    ]
    days = sorted({one["on"] for one in measured.values() if "on" in one})
    span = days[0] if len(days) == 1 else " to ".join((days[0], days[-1])) if days else "never"
    text = README.read_text(encoding="utf-8")
    before, _, rest = text.partition(_BEGIN)
    after = rest.partition(_END)[2]
    body = "\n".join((f"Measured {span}.", "", *_HEAD, *rows)) + "\n"
    README.write_text(before + _BEGIN + body + _END + after, encoding="utf-8")


def _row(fault: Fault, found: dict[str, Any]) -> str:
    start = f"| {fault.title} | {fault.counted_from} "
    bar = "-" if fault.bar_s is None else f"{fault.bar_s:g} s"
    if "skipped" in found:
        return f"{start}| skipped: {found['skipped']} | | {bar} | 0 | |"
    outcome = Outcome(tuple(found["seconds"]), found["missed"])
    held = fault.bar_s is None or outcome.worst <= fault.bar_s
    missed = f"**{outcome.missed}**" if outcome.missed else "0"
    return (
        f"{start}| {outcome.median:.1f} s | {outcome.worst:.1f} s "
        f"| {bar}{'' if held else ' **missed**'} | {len(outcome.seconds)} | {missed} |"
    )
