"""Probing real cameras: what they send, what a browser makes of it, and why some do not play."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.kit.secret import Secret
from gateway.model.probe import Playable
from gateway.model.site import Credential
from gateway.rtsp.address import parse
from gateway.rtsp.probe import Prober
from gateway.rtsp.verdict import judge_stream
from tests.peers import gst_camera
from tests.peers.gst_camera import GstCamera

pytestmark = [
    pytest.mark.gstreamer,
    pytest.mark.slow,
    pytest.mark.skipif(bool(gst_camera.missing()), reason=gst_camera.missing() or "installed"),
]


@pytest.fixture
async def prober() -> AsyncIterator[Prober]:
    made = Prober(window_s=3.0)
    yield made
    await made.close()


@pytest.mark.parametrize(
    ("mount", "codec", "playable"),
    [
        ("h264", "H264", Playable.EVERYWHERE),
        ("h264-bframes", "H264", Playable.SOMEWHERE),
        ("h265", "H265", Playable.SOMEWHERE),
        ("mjpeg", "JPEG", Playable.NOWHERE),
        ("udp-only", "H264", Playable.EVERYWHERE),
        ("tcp-only", "H264", Playable.EVERYWHERE),
    ],
)
async def test_real_streams_get_the_right_verdict(
    prober: Prober, mount: str, codec: str, playable: Playable
) -> None:
    async with GstCamera() as camera:
        result = await prober.look(parse(camera.url(mount)))
    assert result.failure is None
    assert result.facts.codec == codec
    assert (result.facts.width, result.facts.height) == (320, 240)
    assert result.picture is not None
    assert result.picture.startswith(b"\xff\xd8")
    assert result.facts.fps is not None
    assert 10 <= result.facts.fps <= 30
    assert judge_stream(result.facts).playable is playable


def command_lines() -> bytes:
    """Return the arguments of every process that we may see."""
    seen = b""
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            seen += entry.read_bytes()
    return seen


async def test_the_password_is_used_once_and_seen_nowhere(prober: Prober) -> None:
    right = Credential(gst_camera.USERNAME, Secret(gst_camera.PASSWORD), "env:CAMERAS")
    wrong = Credential(gst_camera.USERNAME, Secret("planted-secret-7"), "env:OLD")
    async with GstCamera("digest") as camera:
        address = parse(camera.url("h264"))
        watching = asyncio.ensure_future(prober.look(address, right))
        seen = b""
        while not watching.done():
            seen += command_lines()
            await asyncio.sleep(0.05)
        good = await watching
        bad = await prober.look(address, wrong)
    assert good.failure is None
    assert bad.failure is not None
    assert bad.failure.kind == "unauthorized"
    assert b"gateway.rtsp.probe_child" in seen
    for secret in (gst_camera.PASSWORD, "p%40ss", "planted-secret-7"):
        assert secret.encode() not in seen
        assert secret not in repr((good, bad))


async def test_sound_without_a_picture_is_no_camera(prober: Prober) -> None:
    async with GstCamera() as camera:
        result = await prober.look(parse(camera.url("audio-only")))
        with_aac = await prober.look(parse(camera.url("h264-aac")))
    assert result.failure is not None
    assert result.failure.kind == "no_video"
    assert with_aac.facts.audio == "MPEG4-GENERIC"


async def test_a_wrong_path_and_a_dead_camera_say_so(prober: Prober) -> None:
    async with GstCamera() as camera:
        nowhere = await prober.look(parse(camera.url("no-such-mount")))
        dead = camera.url("h264")
    gone = await prober.look(parse(dead))
    assert nowhere.failure is not None
    assert nowhere.failure.kind == "not_found"
    assert gone.failure is not None
    assert gone.failure.kind == "unreachable"
    assert all(result.failure.hint for result in (nowhere, gone) if result.failure)


async def test_a_killed_child_is_replaced(prober: Prober) -> None:
    async with GstCamera() as camera:
        first = await prober.look(parse(camera.url("h264")))
        for child in prober._idle:
            os.kill(child.pid, 9)
            await child.wait()
        again = await prober.look(parse(camera.url("h264")))
        third = await prober.look(parse(camera.url("h264")))
    assert first.picture
    assert again.picture or again.failure
    assert third.picture
