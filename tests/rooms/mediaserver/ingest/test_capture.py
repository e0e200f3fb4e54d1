"""One camera's pull against a scripted peer: states, retries, and who is told what."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gateway.kit.clock import Clock, SystemClock
from gateway.kit.secret import Secret
from gateway.mediaserver.ingest.capture import (
    Capture,
    CaptureSettings,
    CaptureState,
    CaptureStatus,
)
from gateway.mediaserver.ingest.patience import Patience
from tests.peers.rtsp_peer import PPS, SPS, RtspPeer, interleaved, reply, rtp, rtsp_peer
from tests.rooms.mediaserver.ingest.sinks import Recorder
from tests.waiting import until

QUICK = CaptureSettings(
    stall_s=0.4, first_frame_s=0.4, request_s=0.5, retry_first_s=0.02, retry_most_s=0.1
)
IDR = b"\x65\x88" + bytes(range(1, 200))


class Pauses:
    """A clock that notes how long it was asked to sleep, and lets tests end a sleep."""

    def __init__(self) -> None:
        self.asked: list[float] = []
        self.go = asyncio.Event()

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        self.asked.append(seconds)
        await self.go.wait()
        self.go.clear()


@asynccontextmanager
async def capturing(
    peer: RtspPeer | str, settings: CaptureSettings = QUICK, clock: Clock | None = None
) -> AsyncIterator[tuple[Capture, Recorder]]:
    sink = Recorder()
    uri = Secret(peer if isinstance(peer, str) else peer.url())
    capture = Capture(uri, sink, settings, clock or SystemClock(), name="test")
    capture.start()
    try:
        yield capture, sink
    finally:
        await capture.close()


async def failed(capture: Capture) -> CaptureState:
    await until(lambda: capture.state.status is CaptureStatus.FAILED)
    return capture.state


async def play_some(peer: RtspPeer, sink: Recorder, plays: int = 1) -> None:
    await until(lambda: peer.count("PLAY") >= plays)
    before = len(sink.frames)
    peer.send(interleaved(rtp(1, 100 * plays, IDR, marker=True)))
    await until(lambda: len(sink.frames) > before)


async def test_the_format_is_known_before_the_first_frame_when_the_sdp_tells() -> None:
    async with rtsp_peer() as peer, capturing(peer) as (capture, sink):
        await until(lambda: sink.formats)
        assert sink.formats[0][0].parameter_sets == (SPS, PPS)
        assert capture.state.status is CaptureStatus.CONNECTING
        await play_some(peer, sink)
        assert capture.state == CaptureState(CaptureStatus.PLAYING, frames=1, packets=1)


async def test_a_camera_that_falls_silent_counts_as_lost_and_is_pulled_again() -> None:
    async with rtsp_peer() as peer, capturing(peer) as (capture, sink):
        await play_some(peer, sink)
        state = await failed(capture)
        assert state.info == "Failed by RTP activity"
        assert sink.losses == [state.reason]
        await play_some(peer, sink, plays=2)
        assert capture.state.reconnects == 1
        assert capture.state.frames == 2
        assert peer.count("TEARDOWN") == 1


@pytest.mark.slow
async def test_a_camera_that_was_frozen_is_asked_anew_soon() -> None:
    patient = replace(QUICK, request_s=60.0)
    async with rtsp_peer() as peer, capturing(peer, patient) as (_, sink):
        await play_some(peer, sink)
        peer.on["DESCRIBE"] = lambda _: None
        await until(lambda: peer.count("DESCRIBE") > 1)
        del peer.on["DESCRIBE"]
        await play_some(peer, sink, plays=2)


def test_patience_is_short_for_some_tries_and_never_for_slow_cameras() -> None:
    patience = Patience(5.0)
    assert patience.next() == 5.0
    patience.fell_silent()
    assert [patience.next() for _ in range(4)] == [1.5, 1.5, 1.5, 5.0]
    patience.played(after_s=1.2)
    patience.fell_silent()
    assert patience.next() == pytest.approx(3.6)
    patience.played(after_s=4.0)
    patience.fell_silent()
    assert patience.next() == 5.0


async def test_a_camera_that_dies_in_mid_play() -> None:
    async with rtsp_peer() as peer, capturing(peer) as (capture, sink):
        await play_some(peer, sink)
        peer.drop()
        await until(lambda: sink.losses)
        assert capture.state.info == "Failed to connect to rtsp stream"
        await play_some(peer, sink, plays=2)
        assert len(sink.formats) == 2


async def test_video_without_key_frames_is_a_wrong_format() -> None:
    async with rtsp_peer() as peer, capturing(peer) as (capture, sink):
        await until(lambda: peer.count("PLAY"))
        sequence = iter(range(60000))
        p_slice = b"\x41\x9a" + bytes(range(1, 100))

        def feed() -> bool:
            number = next(sequence)
            peer.send(interleaved(rtp(number, number, p_slice, marker=True)))
            return capture.state.status is CaptureStatus.FAILED

        await until(feed)
        assert capture.state.info == "Rtsp has wrong format"
        assert "key frame" in capture.state.reason
        assert not sink.losses


async def test_a_bad_address_is_not_tried_again() -> None:
    async with capturing("rtsp://u:planted/x@10.0.0.1/") as (capture, _):
        state = await failed(capture)
        assert state.info == "Bad URI"
        assert "planted" not in repr(state)
        await until(lambda: not len(capture._tasks))


@pytest.mark.parametrize(
    ("status", "info"),
    [
        (404, "Rtsp stream not found"),
        (453, "Failed to connect to rtsp stream"),
        (500, "Rtsp has wrong format"),
    ],
)
async def test_the_words_of_failures(status: int, info: str) -> None:
    async with (
        rtsp_peer(DESCRIBE=lambda request: reply(request, status, "No")) as peer,
        capturing(peer) as (capture, sink),
    ):
        assert (await failed(capture)).info == info
        assert capture.state.reason
        assert not sink.losses


async def test_pauses_grow_and_a_refused_password_makes_long_ones() -> None:
    clock = Pauses()
    settings = CaptureSettings(request_s=0.5)
    async with rtsp_peer(OPTIONS=lambda _: b"HTTP/1.1 200 OK\r\n\r\n") as peer:
        url = peer.url(login="u:wrong")
        async with capturing(url, settings, clock):
            for tries in range(1, 9):
                await until(lambda tries=tries: len(clock.asked) == tries)
                clock.go.set()
            await until(lambda: len(clock.asked) == 9)
            assert 0.1 <= clock.asked[0] <= 0.2
            assert 5 <= clock.asked[8] <= 10
            peer.on["OPTIONS"] = lambda request: reply(
                request, 401, "No", WWW_Authenticate='Digest realm="r", nonce="n"'
            )
            for tries in (10, 11, 12):
                clock.go.set()
                await until(lambda tries=tries: len(clock.asked) == tries)
            assert 30 <= clock.asked[9] <= 60
            assert 60 <= clock.asked[10] <= 120
            assert 120 <= clock.asked[11] <= 240
            assert sum("authorization" in request.headers for request in peer.requests) == 3


async def test_closing_says_good_bye_and_leaves_nothing() -> None:
    async with rtsp_peer() as peer:
        async with capturing(peer) as (_, sink):
            await play_some(peer, sink)
        await until(lambda: peer.count("TEARDOWN") == 1)
        await until(lambda: not peer.writers)


async def test_closing_does_not_wait_for_a_dead_camera() -> None:
    async with rtsp_peer(TEARDOWN=lambda _: None) as peer, capturing(peer) as (_, sink):
        await play_some(peer, sink)


async def test_an_address_where_nobody_answers_is_tried_often() -> None:
    async with rtsp_peer() as peer:
        nobody = peer.url()
    clock = Pauses()
    settings = CaptureSettings(retry_first_s=0.2, retry_most_s=10, retry_away_s=1)
    async with capturing(nobody, settings, clock) as (capture, _):
        for turn in range(10):
            await until(lambda: len(clock.asked) > turn)  # noqa: B023  # awaited in this very turn
            clock.go.set()
        assert capture.state.status is CaptureStatus.FAILED
        assert max(clock.asked) <= 1


async def test_a_camera_that_answers_badly_is_tried_ever_more_rarely() -> None:
    clock = Pauses()
    settings = CaptureSettings(retry_first_s=0.2, retry_most_s=10, retry_away_s=1)
    async with (
        rtsp_peer(DESCRIBE=lambda request: reply(request, 404, "Not Found")) as peer,
        capturing(peer, settings, clock),
    ):
        for turn in range(8):
            await until(lambda: len(clock.asked) > turn)  # noqa: B023  # awaited in this very turn
            clock.go.set()
        assert max(clock.asked) > 3
