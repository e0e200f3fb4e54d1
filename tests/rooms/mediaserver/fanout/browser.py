"""A real WebRTC client (aiortc) that decodes what it is sent."""

import asyncio
import contextlib
import uuid
from collections.abc import Callable
from typing import Self

from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from gateway.mediaserver.ports import Engine, PlayEnd


class Browser:
    """One viewer. ``frames`` counts decoded pictures, ``ended`` holds how the play ended."""

    def __init__(self, *, sound: bool = False) -> None:
        self.peer = RTCPeerConnection()
        self.sound = sound
        self.id = str(uuid.uuid4())
        self.frames = 0
        self.samples = 0
        self.stamps: list[int] = []
        self.sizes: set[tuple[int, int]] = set()
        self.ended: tuple[PlayEnd, str] | None = None
        self.answer = ""
        self._tasks: list[asyncio.Task[None]] = []
        self.peer.on("track", self._track)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def offer(self) -> str:
        """Return the SDP offer."""
        self.peer.addTransceiver("video", direction="recvonly")
        if self.sound:
            self.peer.addTransceiver("audio", direction="recvonly")
        await self.peer.setLocalDescription(await self.peer.createOffer())
        return self.peer.localDescription.sdp

    async def watch(self, engine: Engine, stream: str, *, way: Callable[[str], str] = str) -> None:
        """Play ``stream`` of ``engine``; ``way`` may rewrite the answer."""
        offer = await self.offer()
        self.answer = engine.play(
            stream=stream, media_session_id=self.id, offer=offer, on_end=self._end
        )
        await self.peer.setRemoteDescription(RTCSessionDescription(way(self.answer), "answer"))

    async def close(self) -> None:
        """Leave without a word to the server."""
        await self.peer.close()
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def _end(self, how: PlayEnd, info: str) -> None:
        self.ended = (how, info)

    def _track(self, track: MediaStreamTrack) -> None:
        self._tasks.append(asyncio.get_running_loop().create_task(self._take(track)))

    async def _take(self, track: MediaStreamTrack) -> None:
        with contextlib.suppress(MediaStreamError):
            while True:
                frame = await track.recv()
                if track.kind == "video":
                    self.frames += 1
                    self.stamps.append(frame.pts)
                    self.sizes.add((frame.width, frame.height))
                else:
                    self.samples += frame.samples
