"""Other people's players take a stream from the output."""

import asyncio

import av
import pytest

from gateway.mediaserver.ports import AudioCodec
from tests.peers import gst_camera
from tests.rooms.mediaserver.outlet.conftest import PASSWORD, USER, Served, serve
from tests.waiting import until

pytestmark = pytest.mark.slow

GSTREAMER = """
import sys
import gi
gi.require_version("Gst", "1.0")
from gi.repository import Gst
Gst.init(None)
url, protocols, user, password = sys.argv[1:]
pipeline = Gst.parse_launch(
    "rtspsrc name=source latency=0 ! rtph264depay ! h264parse ! openh264dec"
    " ! fakesink num-buffers=20 sync=false"
)
source = pipeline.get_by_name("source")
for name, value in (("location", url), ("user-id", user), ("user-pw", password)):
    source.set_property(name, value)
Gst.util_set_object_arg(source, "protocols", protocols)
pipeline.set_state(Gst.State.PLAYING)
kinds = Gst.MessageType.EOS | Gst.MessageType.ERROR
message = pipeline.get_bus().timed_pop_filtered(20 * Gst.SECOND, kinds)
pipeline.set_state(Gst.State.NULL)
print("time-out" if message is None else Gst.MessageType.get_name(message.type))
"""


def play(url: str, transport: str, pictures: int = 10) -> tuple[int, int, list[str]]:
    """Decode some pictures with FFmpeg; return their size and the tracks' codecs."""
    options = {"rtsp_transport": transport, "timeout": "5000000"}
    with av.open(url, options=options, timeout=10) as source:
        codecs = [stream.codec_context.name for stream in source.streams]
        for number, frame in enumerate(source.decode(video=0), start=1):
            if number == pictures:
                return frame.width, frame.height, codecs
    raise AssertionError("the stream ended")


@pytest.mark.parametrize("transport", ["tcp", "udp"])
async def test_ffmpeg_plays(served: Served, transport: str) -> None:
    width, height, codecs = await asyncio.to_thread(play, served.url(), transport)
    assert (width, height, codecs) == (320, 240, ["h264"])
    await until(lambda: not served.feed.players)


async def test_ffmpeg_hears_the_sound() -> None:
    async with serve(sound=AudioCodec.PCMA) as served:
        _, _, codecs = await asyncio.to_thread(play, served.url(), "tcp")
    assert codecs == ["h264", "pcm_alaw"]


@pytest.mark.parametrize("login", ["", "recorder:wrong@", "nobody:p%40ss%3Aw%2Frd@"])
async def test_nobody_else_gets_in(served: Served, login: str) -> None:
    with pytest.raises(av.error.HTTPUnauthorizedError):
        await asyncio.to_thread(play, served.url(login=login), "tcp")


async def test_an_unknown_stream_is_not_found(served: Served) -> None:
    with pytest.raises(av.error.HTTPNotFoundError):
        await asyncio.to_thread(play, served.url(stream="other"), "tcp")


@pytest.mark.gstreamer
@pytest.mark.skipif(bool(gst_camera.missing()), reason=gst_camera.missing())
@pytest.mark.parametrize("protocols", ["tcp", "udp"])
async def test_gstreamer_plays(served: Served, protocols: str) -> None:
    words = [served.url(login=""), protocols, USER, PASSWORD]
    child = await asyncio.create_subprocess_exec(
        gst_camera.PYTHON, "-c", GSTREAMER, *words, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await child.communicate()
    assert said.decode().strip() == "eos"
