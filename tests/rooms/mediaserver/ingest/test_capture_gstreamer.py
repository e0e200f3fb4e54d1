"""A real RTSP camera, from its socket to frames that FFmpeg decodes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway.kit.clock import SystemClock
from gateway.kit.secret import Secret
from gateway.mediaserver.ingest.capture import Capture, CaptureSettings, CaptureStatus
from gateway.mediaserver.ports import MAX_PAYLOAD, VideoCodec
from tests.peers import gst_camera
from tests.peers.gst_camera import GstCamera
from tests.rooms.mediaserver.ingest.sinks import Recorder, decode
from tests.waiting import until

pytestmark = [
    pytest.mark.gstreamer,
    pytest.mark.skipif(bool(gst_camera.missing()), reason=gst_camera.missing()),
]


@asynccontextmanager
async def capturing(
    url: str, settings: CaptureSettings | None = None
) -> AsyncIterator[tuple[Capture, Recorder]]:
    sink = Recorder()
    capture = Capture(Secret(url), sink, settings or CaptureSettings(), SystemClock(), name="test")
    capture.start()
    try:
        yield capture, sink
    finally:
        await capture.close()


async def test_h264_over_tcp() -> None:
    async with GstCamera() as camera, capturing(camera.url("h264")) as (capture, sink):
        await until(lambda: len(sink.frames) >= 30)
        assert capture.state.status is CaptureStatus.PLAYING
        video, audio = sink.formats[0]
        assert (video.codec, video.width, video.height) == (VideoCodec.H264, 320, 240)
        assert audio is None
        assert sink.frames[0].key
        assert all(len(part) <= MAX_PAYLOAD for frame in sink.frames for part in frame.payloads)
        pictures = decode(VideoCodec.H264, sink.frames)
        assert len(pictures) == len(sink.frames)
        assert (pictures[0].width, pictures[0].height) == (320, 240)
