"""``python -m tests.faults.wire THERE DEVICE HERE DEVICE``: a wire between two network namespaces.

Every packet passes through this program, so that it may be lost, late or cut off on any kernel;
many have no ``netem``. Each line of the input is JSON with ``loss`` (0 to 1), ``delay`` (seconds,
each way) and ``cut``. It ends with its input.
"""

import asyncio
import contextlib
import fcntl
import json
import os
import random
import struct
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from tests.faults.flood import ROOT
from tests.peers.engine import inside

_TUNSETIFF: Final = 0x400454CA  # linux/if_tun.h
_TUN_NO_PI: Final = 0x1001
_MTU: Final = 1500
_MOST: Final = 64
"""Packets that are taken at once, so that both directions have their turn."""


@dataclass(slots=True)
class Passing:
    """What happens to packets now."""

    loss: float = 0.0
    delay: float = 0.0
    cut: bool = False


@dataclass(slots=True)
class Wire:
    """The wire, seen from a test."""

    process: asyncio.subprocess.Process

    async def is_(self, **passing: float) -> None:
        """Let packets pass like this from now on; without words all of them at once."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(passing).encode() + b"\n")
        await self.process.stdout.readline()


def _device(namespace: str, name: str) -> int:
    """Make a network device whose packets this program reads and writes."""
    with inside(namespace):
        device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(device, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _TUN_NO_PI))
    return device


def _carry(source: int, target: int, passing: Passing) -> None:
    loop = asyncio.get_running_loop()
    for _ in range(_MOST):
        try:
            packet = os.read(source, _MTU + 64)
        except OSError:
            return  # nothing more, or the device is down
        if passing.cut or random.random() < passing.loss:
            continue
        if passing.delay:
            loop.call_later(passing.delay, _put, target, packet)
        else:
            _put(target, packet)


def _put(target: int, packet: bytes) -> None:
    with contextlib.suppress(OSError):  # a full queue, a device that is down: lost
        os.write(target, packet)


async def main(ends: list[str]) -> None:
    """Carry packets until the input ends."""
    passing = Passing()
    near, far = _device(ends[0], ends[1]), _device(ends[2], ends[3])
    loop = asyncio.get_running_loop()
    loop.add_reader(near, _carry, near, far, passing)
    loop.add_reader(far, _carry, far, near, passing)
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    print("ready", flush=True)
    while line := await reader.readline():
        wanted = Passing(**json.loads(line))
        passing.loss, passing.delay, passing.cut = wanted.loss, wanted.delay, wanted.cut
        print("done", flush=True)


@asynccontextmanager
async def wire(*ends: str) -> AsyncIterator[Wire]:
    """Lay a wire for as long as the context lasts."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.faults.wire", *ends),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    assert process.stdout is not None
    try:
        assert await asyncio.wait_for(process.stdout.readline(), 20)
        yield Wire(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
