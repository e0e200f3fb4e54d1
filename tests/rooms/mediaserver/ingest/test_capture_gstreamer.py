"""Real RTSP cameras, from their socket to frames that FFmpeg decodes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway.kit.clock import SystemClock
from gateway.kit.secret import Secret
from gateway.mediaserver.ingest.capture import Capture, CaptureSettings, CaptureStatus
from gateway.mediaserver.ports import MAX_PAYLOAD, AudioCodec, VideoCodec
from tests.peers import gst_camera
from tests.peers.gst_camera import GstCamera
from tests.rooms.mediaserver.ingest.sinks import Recorder, decode, nals_of
from tests.waiting import until

pytestmark = [
    pytest.mark.gstreamer,
    pytest.mark.skipif(bool(gst_camera.missing()), reason=gst_camera.missing()),
]
QUICK = CaptureSettings(stall_s=1.0, retry_most_s=0.5)


@asynccontextmanager
async def capturing(
    url: str, settings: CaptureSettings = QUICK
) -> AsyncIterator[tuple[Capture, Recorder]]:
    sink = Recorder()
    capture = Capture(Secret(url), sink, settings, SystemClock(), name="test")
    capture.start()
    try:
        yield capture, sink
    finally:
        await capture.close()


@pytest.fixture(name="camera")
async def running_camera() -> AsyncIterator[GstCamera]:
    async with GstCamera() as camera:
        yield camera


@pytest.mark.parametrize(
    ("mount", "profile", "size"),
    [
        ("h264", "64", (320, 240)),
        pytest.param("h264-baseline", "42", (320, 240), marks=pytest.mark.slow),
        pytest.param("h264-main", "4d", (320, 240), marks=pytest.mark.slow),
        pytest.param("h264-openh264", "42", (320, 240), marks=pytest.mark.slow),
        pytest.param("h264-sdp-only", "64", (320, 240), marks=pytest.mark.slow),
        pytest.param("h264-small-packets", "64", (320, 240), marks=pytest.mark.slow),
        ("h264-slices", "64", (320, 240)),
        pytest.param("h264-cropped", "64", (322, 182), marks=pytest.mark.slow),
        pytest.param("h264-large", "64", (1280, 720), marks=pytest.mark.slow),
        pytest.param("tcp-only", "64", (320, 240), marks=pytest.mark.slow),
        ("udp-only", "64", (320, 240)),
        ("h265", None, (320, 240)),
        pytest.param("h265-sdp-only", None, (320, 240), marks=pytest.mark.slow),
    ],
)
async def test_what_a_camera_sends_decodes_frame_by_frame(
    camera: GstCamera, mount: str, profile: str | None, size: tuple[int, int]
) -> None:
    codec = VideoCodec.H265 if mount.startswith("h265") else VideoCodec.H264
    async with capturing(camera.url(mount)) as (capture, sink):
        await until(lambda: sum(frame.key for frame in sink.frames) >= 2, within=20)
        state = capture.state
    assert state.status is CaptureStatus.PLAYING
    assert (state.lost, state.dropped, state.reconnects) == (0, 0, 0)
    video, audio = sink.formats[-1]
    assert (video.codec, video.width, video.height, audio) == (codec, *size, None)
    assert (video.profile_level_id or "")[:2] == (profile or "")
    assert sink.frames[0].key
    assert all(0 < len(part) <= MAX_PAYLOAD for frame in sink.frames for part in frame.payloads)
    for frame in sink.frames:
        if frame.key:
            sets = nals_of(codec, frame)[: len(video.parameter_sets)]
            assert tuple(sets) == video.parameter_sets
    pictures = decode(codec, sink.frames)
    assert len(pictures) == len(sink.frames)
    assert {(picture.width, picture.height) for picture in pictures} == {size}


async def test_a_camera_without_key_pictures_starts_at_a_recovery_point(camera: GstCamera) -> None:
    async with capturing(camera.url("h264-intra-refresh")) as (_, sink):
        await until(lambda: len(sink.frames) > 30, within=20)
    assert sink.frames[0].key
    assert len(decode(VideoCodec.H264, sink.frames)) >= 20


async def test_frames_out_of_order_keep_their_timestamps(camera: GstCamera) -> None:
    async with capturing(camera.url("h264-bframes")) as (_, sink):
        await until(lambda: len(sink.frames) > 40, within=20)
    stamps = [frame.timestamp for frame in sink.frames]
    assert stamps != sorted(stamps)
    assert len(decode(VideoCodec.H264, sink.frames)) == len(sink.frames)


@pytest.mark.parametrize("codec", list(AudioCodec))
async def test_g711_sound_comes_when_it_is_wanted(camera: GstCamera, codec: AudioCodec) -> None:
    url = camera.url(f"h264-{codec.lower()}")
    async with capturing(url, CaptureSettings(sound=True)) as (_, sink):
        await until(lambda: len(sink.sound) > 10 and sink.frames, within=20)
    assert sink.formats[-1][1] is codec
    first, second = sink.sound[:2]
    assert second.timestamp - first.timestamp == len(first.payload)


@pytest.mark.parametrize(("mount", "sound"), [("h264-pcma", False), ("h264-aac", True)])
async def test_other_sound_is_left_with_the_camera(
    camera: GstCamera, mount: str, *, sound: bool
) -> None:
    async with capturing(camera.url(mount), CaptureSettings(sound=sound)) as (_, sink):
        await until(lambda: len(sink.frames) > 10, within=20)
    assert not sink.sound
    assert sink.formats[-1][1] is None


@pytest.mark.parametrize(
    ("mount", "info", "words"),
    [
        ("mjpeg", "No common codecs", "JPEG"),
        ("audio-only", "Rtsp has wrong format", "no video"),
        ("nothing-here", "Rtsp stream not found", "no stream at this path"),
    ],
)
async def test_what_cannot_be_played_says_why(
    camera: GstCamera, mount: str, info: str, words: str
) -> None:
    async with capturing(camera.url(mount)) as (capture, sink):
        await until(lambda: capture.state.status is CaptureStatus.FAILED)
        assert capture.state.info == info
        assert words in capture.state.reason
    assert not sink.frames


@pytest.mark.parametrize("auth", ["basic", "digest"])
async def test_a_password_with_all_that_urls_dislike(auth: str) -> None:
    login = "viewer:p%40ss%3Aw%2Frd"
    async with GstCamera(auth) as camera, capturing(camera.url("h264", login)) as (_, sink):
        await until(lambda: len(sink.frames) > 5, within=20)


async def test_a_wrong_password_is_named_and_not_tried_again() -> None:
    async with (
        GstCamera("digest") as camera,
        capturing(camera.url("h264", "viewer:planted-secret")) as (capture, _),
    ):
        await until(lambda: capture.state.status is CaptureStatus.FAILED)
        assert capture.state.info == "Failed to connect to rtsp stream"
        assert "password" in capture.state.reason
        assert "planted-secret" not in repr(capture.state)
        assert "planted-secret" not in repr(capture)


async def test_a_camera_comes_back_after_a_power_cut(camera: GstCamera) -> None:
    async with capturing(camera.url("h264")) as (capture, sink):
        await until(lambda: len(sink.frames) > 5, within=20)
        await camera.kill()
        await until(lambda: sink.losses and capture.state.status is CaptureStatus.FAILED)
        assert capture.state.info == "Failed to connect to rtsp stream"
        before = len(sink.frames)
        await camera.restart()
        await until(lambda: len(sink.frames) > before + 5, within=20)
        assert sink.frames[before].key
        assert len(sink.formats) == 2
        assert capture.state.reconnects == 1
        assert capture.state.status is CaptureStatus.PLAYING
