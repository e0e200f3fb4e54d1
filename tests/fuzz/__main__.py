"""Fuzz the parsers: ``python -m tests.fuzz [TARGET ...] [--seconds N] [--keep]``.

Each target runs in a process of its own under atheris (libFuzzer) with coverage of ``gateway``.
Inputs that reach something new are kept, minimized, in ``tests/fuzz/corpus`` with ``--keep``; an
input that breaks a target stays as ``tests/out/fuzz/<target>-crash-...`` and fails the run.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.fuzz.targets import TARGETS

HERE = Path(__file__).parent
OUT = HERE.parent / "out" / "fuzz"
_KEPT = 60
_RUNS = re.compile(r"Done (\d+) runs in (\d+) second")


def fuzz(name: str, seconds: int, *, keep: bool, runs: int = -1) -> tuple[int, str]:
    """Return how many inputs a target has taken, and its last words when it broke.

    With ``runs`` it takes just so many, the same ones at every call.
    """
    seeds = HERE / "corpus" / name
    seeds.mkdir(parents=True, exist_ok=True)
    OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "tests.fuzz.one", name),
                *(work, str(seeds)),
                *(f"-max_total_time={seconds}", "-timeout=5", "-rss_limit_mb=1500"),
                *([f"-runs={runs}", "-seed=1"] if runs > 0 else []),
                *("-max_len=4096", "-print_final_stats=0", f"-artifact_prefix={OUT}/{name}-"),
            ],
            cwd=HERE.parents[1],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            check=False,
        )
        if keep and not done.returncode:
            _merge(name, Path(work), seeds)
    match = _RUNS.search(done.stderr)
    return int(match[1]) if match else 0, done.stderr[-3000:] if done.returncode else ""


def _merge(name: str, work: Path, seeds: Path) -> None:
    """Keep the smallest set of small inputs that reach what all of them reach."""
    with tempfile.TemporaryDirectory() as merged:
        subprocess.run(
            [
                *(sys.executable, "-m", "tests.fuzz.one", name),
                *("-merge=1", "-max_len=512", merged, str(seeds), str(work)),
            ],
            cwd=HERE.parents[1],
            capture_output=True,
            check=True,
        )
        found = sorted(Path(merged).iterdir(), key=lambda path: path.stat().st_size)[:_KEPT]
        for old in seeds.glob("[0-9a-f]" * 40):
            old.unlink()
        for path in found:
            shutil.copy(path, seeds / path.name)


def main() -> int:
    """Fuzz what the command line names, one after another."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("target", nargs="*", choices=[*TARGETS, []], help="all when none is named")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--keep", action="store_true", help="keep what reaches something new")
    given = parser.parse_args()
    broken, total = 0, 0
    for name in given.target or TARGETS:
        count, words = fuzz(name, given.seconds, keep=given.keep)
        total += count
        print(f"{name:16} {count:>10} inputs  {'BROKEN' if words else 'fine'}", flush=True)
        if words:
            broken += 1
            print(words, flush=True)
    print(f"{len(given.target or TARGETS) - broken} passed, {broken} failed; {total} inputs")
    return min(broken, 1)


if __name__ == "__main__":
    sys.exit(main())
