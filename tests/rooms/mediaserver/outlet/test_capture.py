"""What an edge does: our own client takes a stream from the output, and hands it on unchanged."""

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway.kit.clock import SystemClock
from gateway.kit.secret import Secret
from gateway.mediaserver.ingest.capture import Capture, CaptureSettings, CaptureStatus
from gateway.mediaserver.ports import AudioCodec, VideoCodec
from tests.rooms.mediaserver.ingest.sinks import Recorder, decode
from tests.rooms.mediaserver.outlet.conftest import Served, serve
from tests.waiting import until

pytestmark = pytest.mark.slow


@asynccontextmanager
async def capturing(served: Served) -> AsyncIterator[tuple[Capture, Recorder]]:
    sink = Recorder()
    settings = CaptureSettings(sound=True, retry_most_s=0.5)
    capture = Capture(Secret(served.url()), sink, settings, SystemClock(), name="edge")
    capture.start()
    try:
        yield capture, sink
    finally:
        await capture.close()


async def test_pictures_and_sound_pass_unchanged() -> None:
    async with serve(sound=AudioCodec.PCMU) as served, capturing(served) as (_, sink):
        await until(lambda: len(sink.frames) > 60 and len(sink.sound) > 60)
        video, audio = sink.formats[0]
        described = served.feed.described
        assert described is not None
        assert (video.parameter_sets, audio) == (described[0].parameter_sets, AudioCodec.PCMU)
        assert sink.frames[0].key
        assert len(decode(VideoCodec.H264, sink.frames)) == len(sink.frames)
        assert {len(packet.payload) for packet in sink.sound} == {160}
        stamps = [frame.timestamp for frame in sink.frames]
        assert {(b - a) & 0xFFFFFFFF for a, b in itertools.pairwise(stamps)} == {3600}


async def test_a_newcomer_has_a_picture_before_the_next_key_frame() -> None:
    async with serve(gop=1000) as served:
        await until(lambda: served.camera.sent > 20)
        async with capturing(served) as (capture, sink):
            await until(lambda: capture.state.status is CaptureStatus.PLAYING)
            assert sink.frames[0].key
            assert sum(frame.key for frame in sink.frames) == 1
            await until(lambda: len(sink.frames) > 40)
            assert len(decode(VideoCodec.H264, sink.frames)) == len(sink.frames)


async def test_another_camera_behind_the_same_name_is_described_anew() -> None:
    async with serve() as served, capturing(served) as (capture, sink):
        await until(lambda: sink.frames)
        described = served.feed.described
        assert described is not None
        served.feed.format(described[0], AudioCodec.PCMA)
        await until(lambda: capture.state.reconnects == 1)
        assert sink.formats[-1][1] is AudioCodec.PCMA
