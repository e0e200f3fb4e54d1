"""The benchmark's cameras: 720p at 25 frames a second, 2 Mbit/s, nine packets a frame.

A process of its own: it prints its addresses as JSON and takes lines ``unplug N`` and ``plug N``.
"""

import argparse
import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass

import numpy as np

from gateway.demo.clip import Clip
from gateway.demo.encode import Encoder
from gateway.demo.rtsp_server import RtspServer
from gateway.demo.scenes import HEIGHT, WIDTH, Scene
from gateway.demo.stream import Stream
from gateway.kit.tasks import Tasks
from tests.bench import place

FPS = 25
LOOP_S = 4
PATH = "/stream1"


def clip(gop_s: int) -> Clip:
    """Encode a few seconds with enough noise in them to fill 2 Mbit/s evenly."""
    made = Clip(width=WIDTH, height=HEIGHT, fps=FPS, length=FPS * LOOP_S, payload_size=1200)
    rate = {"b": "2800k", "maxrate": "2800k", "bufsize": "300k"}
    encoder = Encoder(WIDTH, HEIGHT, fps=FPS, gop=FPS * gop_s, options=rate)
    scene, noise = Scene(0, "Camera"), np.random.default_rng(1)
    for frame in range(made.length):
        picture = scene.picture(frame / FPS)
        grain = noise.integers(-24, 24, (300, WIDTH), dtype=np.int16)
        picture.y[200:500] = np.clip(picture.y[200:500] + grain, 16, 235).astype(np.uint8)
        made.put(frame, encoder.encode(picture))
    return made


async def serve(host: str, count: int, gop_s: int) -> None:
    """Serve ``count`` cameras until standard input ends."""
    tasks = Tasks("cameras")
    picture = clip(gop_s)
    servers = []
    for number in range(count):
        phase_s = number / count / FPS
        stream = Stream(picture, tasks, f"camera-{number}", phase_s=phase_s)
        server = RtspServer({PATH: stream}, host=host, port=0, tasks=tasks)
        await server.plug()
        servers.append(server)
    print(json.dumps([f"rtsp://{host}:{server.port}{PATH}" for server in servers]), flush=True)
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := (await reader.readline()).decode().split():
        server = servers[int(line[1])]
        await (server.unplug() if line[0] == "unplug" else server.plug())
        print("done", flush=True)
    for server in servers:
        await server.close()
    await tasks.close()


@dataclass
class Cameras:
    """The running cameras, seen from the benchmark."""

    urls: list[str]
    process: asyncio.subprocess.Process

    async def tell(self, what: str, number: int) -> None:
        """Unplug or plug a camera."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{what} {number}\n".encode())
        await self.process.stdout.readline()


@contextlib.asynccontextmanager
async def running(host: str, count: int, *, gop_s: int = 2) -> AsyncIterator[Cameras]:
    """Run cameras on the viewers' core for as long as the context lasts."""
    options = ("--host", host, "--count", str(count), "--gop", str(gop_s))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.camera", *options),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=place.ROOT,
    )
    try:
        assert process.stdout is not None
        urls = json.loads(await asyncio.wait_for(process.stdout.readline(), 60))
        yield Cameras(urls, process)
    finally:
        await place.end(process)


def main() -> None:
    """Run by :func:`running`."""
    options = argparse.ArgumentParser()
    options.add_argument("--host", default="127.0.0.1")
    options.add_argument("--count", type=int, default=1)
    options.add_argument("--gop", type=int, default=2)
    said = options.parse_args()
    asyncio.run(serve(said.host, said.count, said.gop))


if __name__ == "__main__":
    main()
