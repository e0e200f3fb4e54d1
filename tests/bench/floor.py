"""The two limits as contenders: the C program and the Python loop, sending to bare sockets."""

import asyncio
import contextlib
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from tests.bench import place
from tests.bench.peer import Peer

PACKETS, SIZE = 9, 1100
"""The benchmark camera's packets a frame and their mean size in bytes."""

_SOURCE = Path(__file__).with_name("floor.c")


def compiled() -> str | None:
    """Compile the C program; None without a compiler or libsrtp's headers."""
    if not shutil.which("gcc"):
        return None
    place.OUT.mkdir(exist_ok=True)
    program = place.OUT / "floor"
    command = ("gcc", "-O2", "-march=native", "-o", str(program), str(_SOURCE), "-lsrtp2")
    made = subprocess.run(command, check=False, capture_output=True)
    return str(program) if made.returncode == 0 else None


def python() -> tuple[str, ...]:
    """Return the command of the Python loop."""
    return sys.executable, "-m", "tests.bench.loop"


@contextlib.asynccontextmanager
async def running(
    command: Sequence[str], host: str, peers: Sequence[Peer], *, cameras: int = 1
) -> AsyncIterator[int]:
    """Send to ``peers`` for as long as the context lasts; gives the process id."""
    ports = [str(peer._port) for peer in peers]
    process = await place.on_server_core(
        *command, host, str(PACKETS), str(SIZE), str(cameras), *ports
    )
    try:
        await asyncio.sleep(1)
        yield process.pid
    finally:
        await place.end(process)
