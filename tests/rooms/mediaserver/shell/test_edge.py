"""An edge in front of an origin: it fetches what is played, and lets go what is not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway.demo.building import DemoBuilding
from gateway.kit.secret import Secret
from gateway.mediaserver.outlet.login import User
from gateway.mediaserver.settings import EdgeOf, RtspOutput
from tests.rooms.mediaserver.fanout.browser import Browser
from tests.rooms.mediaserver.shell.conftest import Served, Signalling, serve
from tests.waiting import until

pytestmark = pytest.mark.slow

STREAM = "lenina-12-entrance-1"
EDGES = RtspOutput("127.0.0.1", 0, (User("edge", Secret("planted-edge-password")),))


@dataclass
class Pair:
    origin: Served
    edge: Served
    camera: str

    async def pull(self) -> None:
        await self.origin.call("rtsp/startup", {"uri": self.camera, "toStream": STREAM})
        await self.origin.live(STREAM)


@asynccontextmanager
async def pair(tmp_path: Path, camera: str, **more: Any) -> AsyncIterator[Pair]:
    file = tmp_path / "origin"
    async with serve(edges=EDGES) as origin:
        assert origin.cdn is not None
        file.write_text(f"rtsp://edge:planted-edge-password@127.0.0.1:{origin.cdn}\n")
        async with serve(edge=EdgeOf(file, **more)) as edge:
            yield Pair(origin, edge, camera)


@pytest.fixture
async def both(tmp_path: Path, camera: str) -> AsyncIterator[Pair]:
    async with pair(tmp_path, camera, linger_s=0.5) as one:
        yield one


async def ask(client: Signalling, name: str = STREAM, play: str = "play-1") -> None:
    async with Browser() as browser:
        offer = await browser.offer()
    await client.send("playStream", {"mediaSessionId": play, "name": name, "sdp": offer})


async def there(served: Served) -> list[str]:
    status, found = await served.call("stream/find", {"published": True})
    return [one["name"] for one in found] if status == 200 else []


async def test_the_first_play_fetches_the_stream_and_the_last_lets_it_go(both: Pair) -> None:
    await both.pull()
    assert await there(both.edge) == []
    async with both.edge.signalling() as client:
        await client.introduce()
        await ask(client)
        assert (await client.until("setRemoteSDP"))[0] == "play-1"
        assert (await client.status())["status"] == "PLAYING"
        found = await both.edge.live(STREAM)
        assert found["mediaProvider"] == "CDN"
        # A gateway must not take it for a camera that somebody has started.
        assert (await both.edge.call("rtsp/find_all"))[0] == 404
        await client.send("stopStream", {"mediaSessionId": "play-1"})
        assert (await client.status())["status"] == "STOPPED"

        async def gone() -> bool:
            return await there(both.edge) == []

        await until(gone)
    assert await there(both.origin) == [STREAM]


async def test_many_plays_share_one_fetch(both: Pair) -> None:
    await both.pull()
    async with both.edge.signalling() as client:
        await client.introduce()
        for number in range(5):
            await ask(client, play=f"play-{number}")
        answers = {(await client.until("setRemoteSDP"))[0] for _ in range(5)}
        assert answers == {f"play-{number}" for number in range(5)}
        stat = await both.edge.http.get(
            f"{both.origin.http_url}/?action=stat", headers=both.edge.auth
        )
        assert "streams_rtsp_out=1\n" in await stat.text()


@pytest.mark.parametrize("name", ["nobody", "", "x" * 300, "line\nbreak"])
async def test_what_the_origin_does_not_know_is_refused_at_once(both: Pair, name: str) -> None:
    await both.pull()
    async with both.edge.signalling() as client:
        await client.introduce()
        async with asyncio.timeout(4):
            await ask(client, name)
            status = await client.status()
        assert (status["status"], status["info"]) == ("FAILED", "CDN stream not found")
    assert await there(both.edge) == []


async def test_foreign_addresses_are_never_fetched(both: Pair) -> None:
    async with both.edge.signalling() as client:
        await client.introduce()
        await ask(client, "rtsp://10.0.0.1/1")
        assert (await client.status())["info"] == "Restricted access"


async def test_a_stream_that_has_no_picture_yet_is_not_ready(
    both: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.mediaserver.edge.WAIT_S", 0.3)
    await both.origin.call("rtsp/startup", {"uri": "rtsp://127.0.0.1:1/nobody", "toStream": STREAM})
    async with both.edge.signalling() as client:
        await client.introduce()
        await ask(client)
        assert (await client.status())["info"] == "Publish stream is not ready"


async def test_an_origin_that_is_away_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.mediaserver.edge.WAIT_S", 0.5)
    file = tmp_path / "origin"
    async with serve(edge=EdgeOf(file)) as edge, edge.signalling() as client:
        await client.introduce()
        for number, content in enumerate((None, "", "nonsense", "rtsp://edge:pw@127.0.0.1:1")):
            if content is not None:
                file.write_text(content)
            await ask(client, play=f"play-{number}")
            status = await client.status()
            assert status["info"] == "Failed to connect to origin stream"
            assert not {"pw", "127.0.0.1", str(file)} & set(str(status).split())
            assert "detail" not in status


async def test_a_play_can_be_stopped_while_it_waits(both: Pair) -> None:
    await both.origin.call("rtsp/startup", {"uri": "rtsp://127.0.0.1:1/nobody", "toStream": STREAM})
    async with both.edge.signalling() as client:
        await client.introduce()
        await ask(client)
        await client.send("stopStream", {"mediaSessionId": "play-1", "name": STREAM})
        assert (await client.status())["status"] == "STOPPED"

        async def gone() -> bool:
            return not both.edge.engine.streams()

        await until(gone)


async def test_an_edge_pulls_no_cameras(both: Pair) -> None:
    status, _ = await both.edge.call("rtsp/startup", {"uri": both.camera, "toStream": "x"})
    assert status == 403


async def test_a_stream_that_its_origin_gives_up_ends_for_viewers_too(
    both: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.mediaserver.edge._GONE_S", 1.0)
    await both.pull()
    async with both.edge.signalling() as client:
        await client.introduce()
        await ask(client)
        await client.until("setRemoteSDP")
        await both.origin.call("rtsp/terminate", {"uri": both.camera})
        while True:
            status = await client.status()
            if status["status"] == "STOPPED":
                break
        assert status["info"] == "Stopped by publisher stop"


async def test_viewers_of_an_edge_wait_for_a_camera_as_those_of_its_origin(
    both: Pair, building: DemoBuilding
) -> None:
    await both.pull()
    async with both.edge.signalling() as client:
        await client.introduce()
        await ask(client)
        await client.until("setRemoteSDP")
        await building.set_plugged(building.cameras[0].id, plugged=False)
        await until(lambda: not any(one.live for one in both.edge.engine.streams()), within=20)
        await building.set_plugged(building.cameras[0].id, plugged=True)
        await both.edge.live(STREAM)
        assert [one.viewers for one in both.edge.engine.streams()] == [1]
