"""``python -m tests.faults.flood PORT``: an address of the RTSP camera on PORT, which may go mad.

It prints its own port. After the line ``flood`` it sends four hundred packets of nonsense
after each of the camera's, some hundred Mbit/s, until the line ``calm``. It ends with its input.
"""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
_BURST = 400
_KINDS = 0x60, 0xE0, 0x61, 0xC8


class Mad:
    """Passes bytes both ways, and cuts the camera's into packets and answers."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.floods = False

    async def serve(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        """Serve one client."""
        try:
            far, out = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            back.transport.abort()
            return
        asking = asyncio.create_task(_copy(near, out))
        try:
            while True:
                unit = await _unit(far)
                back.write(unit)
                if self.floods and unit.startswith(b"$"):
                    back.writelines(_nonsense() for _ in range(_BURST))
                await back.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass  # one of the two has gone
        finally:
            asking.cancel()
            out.close()
            back.close()


async def _copy(near: asyncio.StreamReader, out: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await near.read(65536):
            out.write(data)
    out.close()


async def _unit(far: asyncio.StreamReader) -> bytes:
    """Return the next packet, or the next piece of an answer."""
    first = await far.readexactly(1)
    if first != b"$":
        return first
    head = await far.readexactly(3)
    return first + head + await far.readexactly(int.from_bytes(head[1:], "big"))


def _nonsense() -> bytes:
    """Return an interleaved packet that looks like RTP or RTCP and is random behind its kind."""
    body = bytes([0x80, _KINDS[os.urandom(1)[0] & 3]]) + os.urandom(1398)
    return b"$" + bytes([os.urandom(1)[0] & 1]) + len(body).to_bytes(2, "big") + body


async def main(port: int) -> None:
    """Serve until the input ends."""
    mad = Mad(port)
    server = await asyncio.start_server(mad.serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        mad.floods = line == b"flood\n"
    server.close()


@asynccontextmanager
async def flooding_address(port: int) -> AsyncIterator[tuple[int, asyncio.StreamWriter]]:
    """Yield another port of a camera, and where to say ``flood`` and ``calm``."""
    process = await asyncio.create_subprocess_exec(
        *("nice", sys.executable, "-m", "tests.faults.flood", str(port)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield int(await asyncio.wait_for(process.stdout.readline(), 20)), process.stdin
    finally:
        process.kill()
        await process.wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
