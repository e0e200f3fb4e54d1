"""What is left after loss can be decoded: the choice that video.py explains, proven."""

import random
from fractions import Fraction

import av
import pytest

from gateway.mediaserver.ingest.codec import H264Codec
from gateway.mediaserver.ingest.parameters import ParameterSets
from gateway.mediaserver.ingest.units import fragments
from gateway.mediaserver.ingest.video import VideoAssembler
from gateway.mediaserver.ports import VideoCodec
from tests.rooms.mediaserver.ingest.sinks import Recorder, decode


def pictures(count: int) -> list[list[bytes]]:
    """Encode noise that moves; return the NAL units of each picture."""
    context = av.CodecContext.create("libx264", "w")
    context.width, context.height, context.pix_fmt = 320, 240, "yuv420p"
    context.time_base = Fraction(1, 25)
    context.options = {
        "tune": "zerolatency", "preset": "ultrafast",
        "x264-params": "keyint=25:min-keyint=25:scenecut=0:slices=2:bitrate=2000",
    }  # fmt: skip
    generator = random.Random(5)
    noise = generator.randbytes(3 * 320 * 240)
    found = []
    for index in range(count):
        frame = av.VideoFrame(320, 240, "yuv420p")
        for plane in frame.planes:
            plane.update(noise[index * 64 : index * 64 + plane.buffer_size])
        frame.pts = index
        for packet in context.encode(frame):
            parts = [part.rstrip(b"\0") for part in bytes(packet).split(b"\0\0\1")]
            found.append([part for part in parts if part])
    return found


@pytest.mark.parametrize("rate", [0.0, 0.005, 0.03])
def test_what_is_delivered_under_loss_decodes(rate: float) -> None:
    codec, sink = H264Codec(), Recorder()
    video = VideoAssembler(codec, ParameterSets(codec, {}), sink)
    generator = random.Random(11)
    lost = sent = 0
    stream = pictures(100)
    for index, nals in enumerate(stream):
        payloads = [part for nal in nals for part in fragments(codec, nal)]
        for number, payload in enumerate(payloads):
            sent += 1
            if generator.random() < rate:
                lost += 1
                continue
            video.packet(
                memoryview(payload),
                timestamp=index * 3600,
                marker=number == len(payloads) - 1,
                lost=lost,
                arrival=index / 25,
            )
            lost = 0
    assert sent > 1000
    assert sink.frames[0].key
    shown = decode(VideoCodec.H264, sink.frames)
    assert len(shown) >= len(sink.frames)
    if rate:
        assert 10 < len(sink.frames) < len(stream)
        assert video.dropped
    else:
        assert len(shown) == len(stream)
