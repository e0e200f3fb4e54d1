"""An engine and a camera whose every frame the test pushes itself."""

import itertools
import os
import time
from typing import Self

from gateway.mediaserver.fanout.engine import EngineSettings, WebRtcEngine
from gateway.mediaserver.ports import MediaSink, VideoCodec, VideoFormat, VideoFrame
from tests.rooms.mediaserver.fanout.lean import LeanViewer
from tests.waiting import until

H264 = VideoFormat(VideoCodec.H264, (b"\x67", b"\x68"), "42e01f")


class Scene:
    """An engine with one stream whose frames the test pushes itself."""

    def __init__(self, settings: EngineSettings) -> None:
        self.engine = WebRtcEngine(settings)
        self.sink: MediaSink = self.engine.publish("yard")
        self.stamp = 0

    async def __aenter__(self) -> Self:
        await self.engine.start()
        self.sink.format(H264, None)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.engine.close()

    @property
    def stream(self) -> object:
        return self.engine._streams["yard"]

    def push(self, *, key: bool = False, packets: int = 3, count: int = 1) -> None:
        """Let the camera send ``count`` frames."""
        for _ in range(count):
            self.stamp += 3600
            payloads = [bytes((0x65 if key else 0x41,)) + os.urandom(99) for _ in range(packets)]
            self.sink.frame(VideoFrame(self.stamp, payloads, key, time.monotonic()))

    async def join(self, viewer: LeanViewer, *, rtx: bool = True) -> None:
        """Play and wait until DTLS is done."""
        viewer.play(self.engine, "yard", rtx=rtx)
        viewer.begin()
        await until(lambda: viewer.connected and self.connected(viewer))

    def connected(self, viewer: LeanViewer) -> bool:
        return any(v.connected for v in self.engine.viewers() if v.media_session_id == viewer.id)


def contiguous(numbers: list[int]) -> bool:
    return all(b - a & 0xFFFF == 1 for a, b in itertools.pairwise(numbers))
