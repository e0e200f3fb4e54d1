"""A stream of the RTSP output with a pretend camera behind it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from gateway.kit.secret import Secret
from gateway.mediaserver.outlet.feed import Feed
from gateway.mediaserver.outlet.login import User
from gateway.mediaserver.outlet.server import Outlet
from gateway.mediaserver.ports import AudioCodec
from tests.rooms.mediaserver.fanout import pretend

USER = "recorder"
PASSWORD = "p@ss:w/rd"
STREAM = "lenina-12-entrance-1"


@dataclass
class Served:
    """A running output; ``camera`` is what plays into its one stream."""

    outlet: Outlet
    port: int
    feed: Feed
    camera: pretend.Feed

    def url(self, *, stream: str = STREAM, login: str = f"{USER}:p%40ss%3Aw%2Frd@") -> str:
        return f"rtsp://{login}127.0.0.1:{self.port}/{stream}"


@asynccontextmanager
async def serve(*, sound: AudioCodec | None = None, gop: int = 25) -> AsyncIterator[Served]:
    outlet = Outlet()
    port = await outlet.open("127.0.0.1", 0, (User(USER, Secret(PASSWORD)),))
    outlet.publish(STREAM)
    feed = outlet.feed(STREAM)
    assert feed is not None
    try:
        async with pretend.Feed(feed, pretend.PretendCamera(gop=gop), sound=sound) as camera:
            yield Served(outlet, port, feed, camera)
    finally:
        await outlet.close()


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    async with serve() as one:
        yield one
