"""Fuzz the parsers: ``python -m tests.fuzz [TARGET ...] [--seconds N] [--until N] [--keep]``.

Each target runs in a process of its own under atheris (libFuzzer) with coverage of ``gateway``. A
run goes on from the inputs that the last one has found (``tests/out/fuzz/found``). With ``--keep``
the smallest of them go into ``tests/fuzz/corpus``; ``--until`` goes on until each target
has taken so many in all runs, and ``--table`` writes these sums into ``tests/fuzz/README.md``. An
input that breaks a target stays as ``tests/out/fuzz/<target>-crash-...`` and fails the run.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz import table
from tests.fuzz.targets import TARGETS

HERE = Path(__file__).parent
OUT = HERE.parent / "out" / "fuzz"
_KEPT, _SMALL = 40, 512
_RUNS = re.compile(r"Done (\d+) runs in (\d+) second")
_REACHED = re.compile(r"cov: (\d+) ft: (\d+)")


@dataclass(frozen=True, slots=True)
class Run:
    """What came of a run: inputs taken, edges of code reached; ``words`` only when it broke."""

    inputs: int
    seconds: int
    edges: int
    words: str


def fuzz(name: str, seconds: int, *, most: int = -1) -> Run:
    """Let a target take inputs for some seconds, and ``most`` of them; go on from the last time."""
    found = OUT / "found" / name
    found.mkdir(parents=True, exist_ok=True)
    return _run(name, seconds, [str(found), f"-runs={most}"])


def repeat(name: str, seconds: int, *, runs: int) -> Run:
    """Let a target take so many inputs, the same ones at every call."""
    OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as found:
        return _run(name, seconds, [found, f"-runs={runs}", "-seed=1"])


def _run(name: str, seconds: int, more: list[str]) -> Run:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "tests.fuzz.one", name, *more, str(HERE / "corpus" / name)),
            # Wide enough for a machine on which everybody else goes first.
            *(f"-max_total_time={seconds}", "-timeout=60", "-rss_limit_mb=1500"),
            *("-max_len=4096", "-print_final_stats=0", f"-artifact_prefix={OUT}/{name}-"),
        ],
        cwd=HERE.parents[1],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        check=False,
    )
    took, reached = _RUNS.search(done.stderr), _REACHED.findall(done.stderr)
    return Run(
        inputs=int(took[1]) if took else 0,
        seconds=int(took[2]) if took else 0,
        edges=int(reached[-1][0]) if reached else 0,
        words=done.stderr[-3000:] if done.returncode else "",
    )


def keep(name: str) -> None:
    """Keep the smallest of the inputs that have reached something new (libFuzzer shortens them)."""
    seeds, found = HERE / "corpus" / name, OUT / "found" / name
    small = sorted((path.stat().st_size, path.name, path) for path in found.glob("*"))
    for old in seeds.glob("[0-9a-f]" * 40):
        old.unlink()
    for size, called, path in small[:_KEPT]:
        if size <= _SMALL:
            shutil.copy(path, seeds / called)


def _once(name: str, seconds: int, most: int) -> bool:
    """Fuzz a target, take note of it and say so; return whether it broke."""
    run = fuzz(name, seconds, most=most)
    table.note(OUT, name, run.inputs, run.seconds, run.edges, broke=bool(run.words))
    outcome = f"BROKEN\n{run.words}" if run.words else "fine"
    print(f"{name:16} {run.inputs:>10} inputs {run.edges:>6} edges  {outcome}", flush=True)
    return bool(run.words)


def main() -> int:
    """Fuzz what the command line names, one after another."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("target", nargs="*", choices=[*TARGETS, []], help="all when none is named")
    parser.add_argument("--seconds", type=int, default=60, help="for each target; 0: do not fuzz")
    parser.add_argument("--until", type=int, default=0, help="rounds until each has taken so many")
    parser.add_argument("--keep", action="store_true", help="keep what reaches something new")
    parser.add_argument("--table", action="store_true", help="write the sums of all runs")
    given = parser.parse_args()
    names: list[str] = given.target or list(TARGETS)
    broken: set[str] = set()
    wanting = names if given.seconds else []
    while wanting:
        for name in wanting:
            most = given.until - table.sums(OUT)[name] if given.until else -1
            if (most > 0 or not given.until) and _once(name, given.seconds, most):
                broken.add(name)
        sums = table.sums(OUT)
        wanting = [name for name in names if sums[name] < given.until and name not in broken]
    if given.keep:
        for name in names:
            keep(name)
    if given.table:
        table.write(OUT, HERE / "README.md", list(TARGETS))
    print(f"{len(names) - len(broken)} passed, {len(broken)} failed")
    return min(len(broken), 1)


if __name__ == "__main__":
    sys.exit(main())
