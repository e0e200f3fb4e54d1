"""A real client decodes what the engine sends, whatever the network and the camera do."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import structlog

from gateway.mediaserver.fanout.engine import EngineSettings, WebRtcEngine
from gateway.mediaserver.ports import AudioCodec, VideoFrame
from tests.rooms.mediaserver.fanout.browser import Browser
from tests.rooms.mediaserver.fanout.pretend import Feed, PretendCamera
from tests.rooms.mediaserver.fanout.relay import LossyRelay
from tests.waiting import until


@asynccontextmanager
async def running(settings: EngineSettings | None = None) -> AsyncIterator[WebRtcEngine]:
    engine = WebRtcEngine(settings or EngineSettings(bind=("127.0.0.1",)))
    await engine.start()
    try:
        yield engine
    finally:
        await engine.close()


@pytest.mark.parametrize(
    "settings",
    [
        EngineSettings(bind=("127.0.0.1",)),
        EngineSettings(bind=("::1",)),
        EngineSettings(bind=("127.0.0.1",), use_segmentation=False),
        EngineSettings(bind=("127.0.0.1",), use_gcm=False),
        EngineSettings(bind=("127.0.0.1",), use_in_place=False),
    ],
    ids=["fast", "IPv6", "without segmentation", "without GCM", "without the binding"],
)
async def test_a_viewer_decodes_the_camera(settings: EngineSettings) -> None:
    async with (
        running(settings) as engine,
        Feed(engine.publish("yard"), PretendCamera()) as feed,
        Browser() as browser,
    ):
        await until(lambda: feed.sent > 2)
        await browser.watch(engine, "yard")
        await until(lambda: browser.frames > 10)
        assert browser.sizes == {(320, 240)}
        (viewer,) = engine.viewers()
        assert viewer.connected
        assert viewer.address
        assert viewer.packets > 10
        assert engine.stop(browser.id, "Stopped by user")
        assert browser.ended == ("STOPPED", "Stopped by user")
        assert not engine.viewers()


async def test_sound_comes_along() -> None:
    async with (
        running() as engine,
        Feed(engine.publish("yard"), PretendCamera(), sound=AudioCodec.PCMA) as feed,
        Browser(sound=True) as browser,
    ):
        await until(lambda: feed.sent > 2)
        await browser.watch(engine, "yard")
        await until(lambda: browser.frames > 10 and browser.samples > 4000)
        assert "a=rtpmap:8 PCMA/8000" in browser.answer


async def test_two_streams_go_to_their_own_viewers() -> None:
    async with (
        running() as engine,
        Feed(engine.publish("yard"), PretendCamera()) as yard,
        Feed(engine.publish("door"), PretendCamera(width=160, height=128)) as door,
        Browser() as first,
        Browser() as second,
    ):
        await until(lambda: yard.sent > 2 and door.sent > 2)
        await asyncio.gather(first.watch(engine, "yard"), second.watch(engine, "door"))
        await until(lambda: first.frames > 5 and second.frames > 5)
        assert (first.sizes, second.sizes) == ({(320, 240)}, {(160, 128)})


async def test_the_same_connection_plays_on_when_the_camera_is_back() -> None:
    async with running() as engine, Browser() as browser:
        sink = engine.publish("yard")
        async with Feed(sink, PretendCamera(), stamp=4_294_900_000):
            await until(lambda: engine.key_frame("yard"))
            await browser.watch(engine, "yard")
            await until(lambda: browser.frames > 10)
        sink.lost("Failed by RTP activity")
        assert not engine.streams()[0].live
        before = browser.frames
        async with Feed(sink, PretendCamera(seed=2), stamp=17):
            await until(lambda: browser.frames > before + 10)
        assert browser.ended is None
        steps = [b - a for a, b in zip(browser.stamps, browser.stamps[1:], strict=False)]
        assert min(steps) > 0, "time goes forward for the viewer"


async def test_a_camera_that_begins_anew_all_the_time_is_told_of_once() -> None:
    camera = PretendCamera()
    payloads, key = next(camera.frames())
    async with running() as engine:
        sink = engine.publish("yard")
        sink.format(camera.format, None)
        with structlog.testing.capture_logs() as logs:
            for moment in (100.0, 100.1, 100.2, 110.0, 110.1):
                sink.frame(VideoFrame(0, payloads, key, moment))
                sink.lost("it has begun anew")
    told = [line["event"] for line in logs if line["log_level"] == "info"]
    assert told == ["viewers wait for the camera"] * 2


@pytest.mark.slow
async def test_five_percent_loss_is_repaired() -> None:
    async with (
        running() as engine,
        LossyRelay(engine.port, loss=0.05) as relay,
        Feed(engine.publish("yard"), PretendCamera(kilobits=1500), speed=2) as feed,
        Browser() as browser,
    ):
        await until(lambda: feed.sent > 2)
        await browser.watch(engine, "yard", way=relay.through)
        await until(lambda: browser.frames > 10)
        shown, sent = browser.frames, feed.sent
        await until(lambda: feed.sent - sent >= 150, within=20)
        await until(lambda: browser.frames - shown >= 140, within=5)
        assert relay.lost > 10
        assert engine.counters()["retransmissions"] >= relay.lost / 2
