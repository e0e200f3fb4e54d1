"""A real client decodes what the engine sends."""

from collections.abc import AsyncIterator

import pytest

from gateway.mediaserver.fanout.engine import EngineSettings, WebRtcEngine
from tests.rooms.mediaserver.fanout.browser import Browser
from tests.rooms.mediaserver.fanout.pretend import Feed, PretendCamera
from tests.waiting import until

LOCAL = EngineSettings(bind=("127.0.0.1",))


@pytest.fixture
async def engine() -> AsyncIterator[WebRtcEngine]:
    engine = WebRtcEngine(LOCAL)
    await engine.start()
    yield engine
    await engine.close()


async def test_a_viewer_decodes_the_camera(engine: WebRtcEngine) -> None:
    async with Feed(engine.publish("yard"), PretendCamera()) as feed, Browser() as browser:
        await until(lambda: feed.sent > 2)
        await browser.watch(engine, "yard")
        await until(lambda: browser.frames > 20)
        assert browser.sizes == {(320, 240)}
        (viewer,) = engine.viewers()
        assert viewer.connected
        assert viewer.packets > 20
        assert engine.stop(browser.id, "Stopped by user")
        assert browser.ended == ("STOPPED", "Stopped by user")
        assert not engine.viewers()
