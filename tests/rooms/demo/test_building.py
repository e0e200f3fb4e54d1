"""The pretend building plays to FFmpeg, an independent RTSP client, and can be unplugged."""

import asyncio
import itertools
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import av
import numpy as np
import pytest

from gateway.demo.building import DemoBuilding
from gateway.demo.encode import Clips, View, clips
from gateway.demo.font import text_mask
from gateway.model.errors import ErrorKind, GatewayError

pytestmark = pytest.mark.slow


def decode(url: str, transport: str, frames: int) -> list[av.VideoFrame]:
    """Return decoded pictures by FFmpeg's RTSP client."""
    with av.open(url, options={"rtsp_transport": transport}, timeout=5) as opened:
        found = []
        for frame in opened.decode(video=0):
            found.append(frame)
            if len(found) == frames:
                break
        return found


@pytest.mark.parametrize("transport", ["tcp", "udp"])
async def test_both_streams_play(building: DemoBuilding, transport: str) -> None:
    camera = building.cameras[0]
    main, sub = await asyncio.gather(
        asyncio.to_thread(decode, camera.rtsp, transport, 20),
        asyncio.to_thread(decode, camera.rtsp_sub, transport, 20),
    )
    assert (main[-1].width, main[-1].height) == (1280, 720)
    assert (sub[-1].width, sub[-1].height) == (640, 360)
    # FFmpeg knows no time for the first frame; then fifteen a second, none missing.
    times = [frame.time or 0 for frame in main[1:]]
    assert [round((b - a) * 15) for a, b in itertools.pairwise(times)] == [1] * 18


async def test_the_shown_second_is_the_wall_clocks(building: DemoBuilding) -> None:
    frames = await asyncio.to_thread(decode, building.cameras[0].rtsp, "tcp", 45)
    now = time.time()
    luma = frames[-1].to_ndarray(format="gray")
    # Where the two digits stand: x 1280 - 188 + 68, y 28 + 14, behind the colon.
    shown = luma[42:78, 1160:1236] > 150

    def unlike(second: float) -> int:
        wanted = text_mask(f":{int(second) % 60:02d}", 4)[:, :76] > 0.5
        return int(np.count_nonzero(wanted[:, : shown.shape[1]] != shown))

    best = min(range(60), key=unlike)
    # FFmpeg keeps some frames back, so the picture may be of the seconds before.
    assert (int(now) - best) % 60 <= 2


async def test_an_unplugged_camera_refuses_and_comes_back_on_the_same_port(
    building: DemoBuilding,
) -> None:
    camera, other = building.cameras
    at = urlsplit(camera.rtsp)
    reader, writer = await asyncio.open_connection(at.hostname, at.port)
    await building.set_plugged(camera.id, plugged=False)
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()
    for url in (camera.rtsp, camera.onvif):
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(urlsplit(url).hostname, urlsplit(url).port)
    assert building.plugged() == {camera.id: False, other.id: True}
    assert await asyncio.to_thread(decode, other.rtsp, "tcp", 1)

    await building.set_plugged(camera.id, plugged=True)
    assert await asyncio.to_thread(decode, camera.rtsp, "tcp", 1)


async def test_a_cut_cable_keeps_the_connection_and_says_nothing(building: DemoBuilding) -> None:
    camera = building.cameras[0]
    at = urlsplit(camera.rtsp)
    reader, writer = await asyncio.open_connection(at.hostname, at.port)
    await building.set_plugged(camera.id, plugged=False, silent=True)
    writer.write(b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.read(1), 0.3)
    await building.set_plugged(camera.id, plugged=True)
    writer.write(b"OPTIONS * RTSP/1.0\r\nCSeq: 2\r\n\r\n")
    assert (await asyncio.wait_for(reader.readline(), 5)).startswith(b"RTSP/1.0 200")
    writer.close()


async def test_the_password_is_asked_for(locked: DemoBuilding) -> None:
    url = locked.cameras[0].rtsp
    with pytest.raises(av.HTTPUnauthorizedError):
        await asyncio.to_thread(decode, url, "tcp", 1)
    signed = url.replace("rtsp://", "rtsp://viewer:p%40ss%3Aword@")
    assert await asyncio.to_thread(decode, signed, "tcp", 1)


@pytest.mark.parametrize(
    "sent",
    [
        b"\x00\xff" * 100 + b"\r\n\r\n",
        b"SETUP rtsp://x/stream1 RTSP/1.0\r\nTransport: RTP/AVP/TCP;interleaved=x\r\n\r\n",
        b"SETUP rtsp://x/stream1 RTSP/1.0\r\nTransport: RTP/AVP;client_port=99999-1\r\n\r\n",
        b"PLAY rtsp://x/stream1 RTSP/1.0\r\n\r\n",
        b"DESCRIBE rtsp://[/stream1 RTSP/1.0\r\nContent-Length: -5\r\n\r\n",
        b"DESCRIBE rtsp://x/other RTSP/1.0\r\n" + b"A: b\r\n" * 200 + b"\r\n",
    ],
)
async def test_nonsense_ends_one_connection_at_most(building: DemoBuilding, sent: bytes) -> None:
    at = urlsplit(building.cameras[0].rtsp)
    reader, writer = await asyncio.open_connection(at.hostname, at.port)
    writer.write(sent)
    writer.write_eof()
    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    assert not answer.startswith(b"RTSP/1.0 200")
    assert await asyncio.to_thread(decode, building.cameras[0].rtsp, "tcp", 1)


async def test_a_camera_that_is_not_there_is_named(building: DemoBuilding) -> None:
    with pytest.raises(GatewayError, match="cellar") as caught:
        await building.set_plugged("cellar", plugged=True)
    assert caught.value.kind is ErrorKind.NOT_FOUND


def test_a_damaged_cache_is_drawn_again(tmp_path: Path) -> None:
    view = View(0, "x", fps=1)
    made: list[Clips] = []
    for _ in range(2):
        clips(view, second=0, ready=made.append, stop=threading.Event(), cache=tmp_path)
        (kept,) = tmp_path.iterdir()
        kept.write_bytes(kept.read_bytes()[:-1])
    assert len(made) == 2
    assert made[0].main.picture(59) == made[1].main.picture(59)
