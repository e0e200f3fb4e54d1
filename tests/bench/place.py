"""The place of a measurement: a network of its own, one core for the server, one for the rest."""

import asyncio
import contextlib
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import NoReturn

OUT = Path(__file__).parent / "out"
ROOT = Path(__file__).parents[2]
SERVER_CORE, OTHER_CORE = 0, 1
_INSIDE = "--inside"
_QUIET_LOAD = 0.7
_ADDRESS = "10.99.0.1"


def enter(arguments: list[str]) -> tuple[str, list[str]]:
    """Go into a network namespace of our own; return the address to serve on, and the arguments.

    Janus offers no loopback candidates, so servers get an address of a real interface; the way
    is the same for all of them. Without root everything runs on the machine's loopback. The
    namespace ends with the process.
    """
    if _INSIDE in arguments:
        _make_network()
        return _ADDRESS, [argument for argument in arguments if argument != _INSIDE]
    if os.geteuid() == 0 and shutil.which("unshare") and shutil.which("ip"):
        _become("unshare", "--net", sys.executable, "-m", "tests.bench", _INSIDE, *arguments)
    return "127.0.0.1", arguments


def _become(*command: str) -> NoReturn:
    os.execvp(command[0], command)  # noqa: S606  # the same program, elsewhere


def _make_network() -> None:
    for command in (
        "ip link set lo up",
        "ip link add bench0 type veth peer name bench1",
        f"ip addr add {_ADDRESS}/24 dev bench0",
        "ip link set bench0 up",
        "ip link set bench1 up",
    ):
        subprocess.run(command.split(), check=True)


@contextlib.contextmanager
def shaped(rate: str) -> Iterator[bool]:
    """Limit the namespace's link to ``rate``; yields False when that is not possible here."""
    device = ("dev", "lo", "root")
    tbf = ("tbf", "rate", rate, "burst", "256kb", "latency", "400ms")
    made = subprocess.run(("tc", "qdisc", "add", *device, *tbf), check=False, capture_output=True)
    try:
        yield made.returncode == 0
    finally:
        subprocess.run(("tc", "qdisc", "del", *device), check=False, capture_output=True)


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0))


async def on_server_core(
    *command: str, out: int = subprocess.DEVNULL, err: int = subprocess.DEVNULL
) -> asyncio.subprocess.Process:
    """Start a measured process on its own core (on a machine with one core: anywhere)."""
    pin = ("taskset", "-c", str(SERVER_CORE)) if os.cpu_count() != 1 else ()
    return await asyncio.create_subprocess_exec(
        *pin, *command, stdout=out, stderr=err, stdin=subprocess.PIPE, cwd=ROOT
    )


def step_aside() -> None:
    """Leave the server's core to the server."""
    if os.cpu_count() != 1:
        os.sched_setaffinity(0, {OTHER_CORE})


async def end(process: asyncio.subprocess.Process | None) -> None:
    """End a process of ours, kindly first."""
    if process is None or process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), 10)
    except TimeoutError:
        process.kill()
        await process.wait()


def cpu_s(pid: int) -> float:
    """Return the CPU seconds of all threads of a process, by the scheduler's own account."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def memory_kb(pid: int) -> float:
    """Return a process's proportional set size in KB."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return float(line.split()[1])
    raise ValueError(f"no Pss of {pid}")


def machine() -> str:
    """Describe the machine in a line."""
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    python = platform.python_version()
    model = names[0] if names else platform.machine()
    return f"{model}, {os.cpu_count()} cores, Linux {platform.release()}, Python {python}"


def busy() -> str:
    """Return a warning when others use this machine now; an empty text when it is quiet."""
    load = os.getloadavg()[0]
    if load < _QUIET_LOAD:
        return ""
    return f"The machine was busy when this began (load {load:.1f}): read the ratios, with care."


def quantile(values: list[float], part: float) -> float:
    """Return the smallest value that at least ``part`` of all values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(part * len(ordered) + 0.499999) - 1))]


def middle(values: list[float]) -> float:
    """Return the median; not a number of nothing."""
    return median(values) if values else float("nan")
