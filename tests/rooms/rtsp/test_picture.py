"""Stills by a child process that may hang, crash, idle, or lose its parent."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import av
import numpy as np
import pytest

from gateway.model.errors import ErrorKind, GatewayError
from gateway.rtsp.picture import MAX_INPUT, PictureWorker
from tests.waiting import until

pytestmark = pytest.mark.slow

PNG, JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8"


def key_frame(width: int = 640, height: int = 360) -> bytes:
    """Encode one grey picture in H.264, Annex B."""
    codec = av.CodecContext.create("libx264", "w")
    codec.width, codec.height, codec.pix_fmt = width, height, "yuv420p"
    codec.options = {"preset": "ultrafast", "tune": "zerolatency"}
    frame = av.VideoFrame.from_ndarray(np.full((height, width, 3), 90, np.uint8), format="rgb24")
    return b"".join(bytes(packet) for packet in [*codec.encode(frame), *codec.encode(None)])


@pytest.fixture
async def worker() -> AsyncIterator[PictureWorker]:
    made = PictureWorker()
    yield made
    await made.close()


def gone(pid: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        return "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()
    return True


async def test_a_key_frame_becomes_a_png_and_a_poster(worker: PictureWorker) -> None:
    png = await worker.png(key_frame(), "H264", 20)
    assert png.startswith(PNG)
    assert int.from_bytes(png[16:20], "big") == 640
    small, large = await asyncio.gather(worker.jpeg(png, 320), worker.jpeg(png, 5000))
    assert small.startswith(JPEG)
    assert large.startswith(JPEG)
    assert len(small) < len(large)


@pytest.mark.parametrize("rubbish", [b"", b"\x00\x00\x01\x65" + bytes(500), os.urandom(5000)])
async def test_rubbish_is_told_apart_and_the_child_lives_on(
    worker: PictureWorker, rubbish: bytes
) -> None:
    with pytest.raises(GatewayError, match="could not be decoded") as caught:
        await worker.png(rubbish, "H264", 20)
    assert caught.value.kind is ErrorKind.CAMERA_NO_VIDEO
    with pytest.raises(GatewayError, match="could not be decoded"):
        await worker.jpeg(rubbish, 320)
    before = worker.pid
    assert (await worker.png(key_frame(), "H264")).startswith(PNG)
    assert worker.pid == before


async def test_a_file_name_is_no_picture(worker: PictureWorker) -> None:
    with pytest.raises(GatewayError, match="could not be decoded"):
        await worker.png(b"concat:/etc/passwd", "H265", 20)


async def test_a_hung_child_is_killed_and_the_next_request_served(worker: PictureWorker) -> None:
    await worker.png(key_frame(), "H264", 20)
    hung = worker.pid
    assert hung is not None
    os.kill(hung, signal.SIGSTOP)
    with pytest.raises(GatewayError) as caught:
        await worker.png(key_frame(), "H264", 0.2)
    assert caught.value.kind is ErrorKind.CAMERA_TIMEOUT
    assert gone(hung)
    assert (await worker.png(key_frame(), "H264", 20)).startswith(PNG)


async def test_a_crashed_child_is_replaced(worker: PictureWorker) -> None:
    await worker.png(key_frame(), "H264", 20)
    crashed = worker.pid
    assert crashed is not None
    os.kill(crashed, signal.SIGKILL)
    with contextlib.suppress(GatewayError):  # the crash may or may not be known already
        await worker.png(key_frame(), "H264", 20)
    assert (await worker.png(key_frame(), "H264", 20)).startswith(PNG)
    assert worker.pid != crashed


async def test_an_idle_child_ends() -> None:
    worker = PictureWorker(idle_s=0.1)
    await worker.png(key_frame(), "H264", 20)
    child = worker.pid
    assert child is not None
    await until(lambda: gone(child))
    assert worker.pid is None
    assert (await worker.png(key_frame(), "H264", 20)).startswith(PNG)
    await worker.close()


async def test_what_cannot_be_asked_is_refused_at_once(worker: PictureWorker) -> None:
    with pytest.raises(GatewayError) as caught:
        await worker.png(b"", "VP8")
    assert caught.value.kind is ErrorKind.CODEC_UNSUPPORTED
    with pytest.raises(GatewayError, match="too large"):
        await worker.png(bytes(MAX_INPUT + 1), "H264")
    assert worker.pid is None


async def test_the_child_ends_with_its_parent() -> None:
    code = (
        "import asyncio, sys\n"
        "from gateway.rtsp.picture import PictureWorker\n"
        "async def main():\n"
        "    worker = PictureWorker()\n"
        "    try:\n"
        "        await worker.png(b'', 'H264', 30)\n"
        "    except Exception:\n"
        "        print(worker.pid, flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    parent = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", code), stdout=subprocess.PIPE
    )
    assert parent.stdout is not None
    child = int(await asyncio.wait_for(parent.stdout.readline(), 30))
    assert not gone(child)
    parent.kill()
    await parent.wait()
    await until(lambda: gone(child))
