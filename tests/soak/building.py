"""Pretend cameras that cost next to nothing: a small picture, a few frames a second."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import numpy as np

from gateway.demo.building import DemoCamera
from gateway.demo.canvas import Planes
from gateway.demo.clip import Clip
from gateway.demo.encode import Encoder
from gateway.demo.rtsp_server import RtspServer
from gateway.demo.stream import Stream
from gateway.kit.tasks import Tasks
from gateway.model.text import LocalText

_WIDTH, _HEIGHT, _FPS, _GOP_S, _LENGTH_S = 160, 96, 5, 2, 8
_PATH = "/stream1"


def clip() -> Clip:
    """Encode some seconds of a moving shade."""
    made = Clip(width=_WIDTH, height=_HEIGHT, fps=_FPS, length=_FPS * _LENGTH_S)
    encoder = Encoder(_WIDTH, _HEIGHT, fps=_FPS, gop=_FPS * _GOP_S, options={"crf": "30"})
    grey = np.full((_HEIGHT // 2, _WIDTH // 2), 128, np.uint8)
    ramp = np.add.outer(np.arange(_HEIGHT), np.arange(_WIDTH))
    for frame in range(made.length):
        y = (64 + (ramp + 4 * frame) % 128).astype(np.uint8)
        made.put(frame, encoder.encode(Planes(y, grey, grey)))
    return made


class Building:
    """Cameras that can be unplugged and plugged in again."""

    def __init__(self, servers: Sequence[RtspServer]) -> None:
        self._servers = servers

    @property
    def cameras(self) -> list[DemoCamera]:
        """The cameras, as a building's file names them."""
        return [
            DemoCamera(
                id=f"entrance-{number}",
                name=LocalText.of({"en": f"Entrance {number}"}),
                rtsp=f"rtsp://127.0.0.1:{server.port}{_PATH}",
                rtsp_sub="",
                onvif="",
            )
            for number, server in enumerate(self._servers, 1)
        ]

    async def switch(self, number: int, *, on: bool) -> None:
        """Plug a camera in, or pull its plug."""
        server = self._servers[number]
        await (server.plug() if on else server.unplug())


@asynccontextmanager
async def building(cameras: int) -> AsyncIterator[Building]:
    """Run so many cameras."""
    tasks, picture, servers = Tasks("cameras"), clip(), []
    try:
        for number in range(cameras):
            stream = Stream(picture, tasks, f"camera-{number}", phase_s=0.07 * number)
            server = RtspServer({_PATH: stream}, host="127.0.0.1", port=0, tasks=tasks)
            servers.append(server)
            await server.plug()
        yield Building(servers)
    finally:
        for server in servers:
            await server.close()
        await tasks.close()
