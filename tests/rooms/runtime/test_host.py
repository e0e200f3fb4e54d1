"""The machine's load, read from files such as the kernel writes."""

import os
from pathlib import Path

import pytest

from gateway.runtime.host import Host


def write(proc: Path, busy: int, idle: int, free: int = 250) -> None:
    (proc / "stat").write_text(f"cpu  {busy} 0 0 {idle} 0 0 0 0 7 7\ncpu0 1 2 3\n")
    (proc / "meminfo").write_text(f"MemTotal: 1000 kB\nMemFree: 1 kB\nMemAvailable: {free} kB\n")


def test_shares_are_those_between_two_looks_and_smoothed(tmp_path: Path) -> None:
    now = [0.0]
    host = Host(tmp_path, lambda: now[0])
    write(tmp_path, 100, 900)
    assert host.load() is None, "one look tells nothing of now"
    write(tmp_path, 150, 950)
    now[0] = 1.0
    assert host.load() is None, "asked too soon"
    now[0] = 2.5
    first = host.load()
    assert first is not None
    assert (first.cpu, first.memory) == (pytest.approx(0.5), pytest.approx(0.75))
    write(tmp_path, 250, 950)
    now[0] = 5.0
    second = host.load()
    assert second is not None
    assert second.cpu == pytest.approx(0.65), "a short run of a compiler is no reason"


def test_a_machine_that_does_not_tell_is_unknown(tmp_path: Path) -> None:
    assert Host(tmp_path / "nothing").load() is None
    (tmp_path / "stat").write_text("nonsense\n")
    assert Host(tmp_path).load() is None


@pytest.mark.skipif(not os.path.exists("/proc/meminfo"), reason="a Linux machine")  # noqa: PTH110  # evaluated at import
def test_this_machine_tells() -> None:
    now = [0.0]
    host = Host(monotonic=lambda: now[0])
    host.load()
    for _ in range(200_000):
        pass  # a clock tick of work
    now[0] = 3.0
    load = host.load()
    assert load is None or (0 <= load.cpu <= 1 and 0 < load.memory < 1)
