"""Other people's players take a stream from the output."""

import asyncio

import av
import pytest

from gateway.mediaserver.ports import AudioCodec
from tests.rooms.mediaserver.outlet.conftest import Served, serve
from tests.waiting import until


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
