"""Players that are not ours watch through the gateway: whip-whep in Chromium, and aiortc.

A pretend camera, the embedded media server as a process, the real control and the real doors. The
page that plays stands on another website and the building asks for tickets, so the cross-origin
rules and the tickets are part of the proof.
"""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web
from aiortc import RTCPeerConnection, RTCSessionDescription

from gateway.api import keys, tickets
from gateway.api.app import create_app
from gateway.api.runner import create_runner
from gateway.control.board import Board
from gateway.control.clients import Clients
from gateway.control.demand import Demand
from gateway.control.keeper import Keeper, World
from gateway.control.watching import Watching
from gateway.demo.building import DemoBuilding, DemoCamera
from gateway.kit.clock import SystemClock
from gateway.kit.secret import Secret
from gateway.model.company import Fleet, Settings
from gateway.model.site import Access, Camera, MediaServerSettings, Site, Viewing
from gateway.model.status import CameraState
from gateway.runtime.process import ProcessRuntime
from gateway.wcs.server import WcsServer
from gateway.wcs.settings import embedded_files
from tests.e2e.browser import chromium, window
from tests.waiting import until

WHIP_WHEP = Path(__file__).parents[1] / "node_modules/whip-whep/whep.js"
SECRET = Secret("the ticket secret of a test that is long enough")
PAGE = """<!doctype html><title>a website</title><link rel="icon" href="data:,">
<video autoplay muted playsinline></video>
<script type="module">
  import { WHEPClient } from "/whep.js";
  window.play = async (url, token) => {
    const peer = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    peer.addTransceiver("video", { direction: "recvonly" });
    peer.ontrack = ({ track }) => {
      document.querySelector("video").srcObject = new MediaStream([track]);
    };
    window.client = new WHEPClient();
    await window.client.view(peer, url, token);
  };
  window.ready = true;
</script>"""


class NoPictures:
    """The shape of ``Posters``: this test looks at the video itself."""

    def get(self, _site_id: str, _camera_id: str, /) -> None:
        return None


@dataclass(frozen=True, slots=True)
class Stack:
    """A running gateway with one building, and a website that shows it."""

    url: str
    website: str
    app: web.Application
    watching: Watching

    @property
    def camera_url(self) -> str:
        return f"{self.url}/whep/house/entrance"

    def over(self) -> bool:
        """Tell whether nobody watches, as the doors and control know it."""
        return not len(self.app[keys.PLAYS]) and not len(self.watching)


@pytest.fixture
async def stack(tmp_path: Path) -> AsyncIterator[Stack]:
    """Start everything; the camera is live when this returns."""
    async with AsyncExitStack() as stack:
        website = await stack.enter_async_context(served(website_app()))
        building = DemoBuilding(discovery_port=None)
        stack.push_async_callback(building.close)
        await building.start(1)
        fleet = fleet_of(building.cameras[0], website)
        keeper, watching, board = await control_of(stack, fleet, tmp_path)
        app = create_app(
            fleet=lambda: fleet,
            board=board,
            watching=watching,
            posters=NoPictures(),
            ages=keeper.ages,
            web_dir=tmp_path,
        )
        url = await stack.enter_async_context(served(app))
        await until(lambda: live(board), within=45)
        yield Stack(url, website, app, watching)


def fleet_of(camera: DemoCamera, website: str) -> Fleet:
    site = Site(
        id="house",
        name=camera.name,
        cameras=(Camera("entrance", camera.name, rtsp=camera.rtsp),),
        media_server=MediaServerSettings(address="127.0.0.1"),
        viewing=Viewing(access=Access.TICKET, allowed_origins=(website,)),
    )
    return Fleet(Settings(ticket_secret=SECRET), {site.id: site})


async def control_of(
    stack: AsyncExitStack, fleet: Fleet, data: Path
) -> tuple[Keeper, Watching, Board]:
    first = random.Random(str(data)).randrange(40000, 60000, 10)
    runtime = ProcessRuntime(data, media_ports=(first, first + 9), configure=embedded_files)
    stack.push_async_callback(runtime.close)
    clock, board, clients = SystemClock(), Board(), Clients(WcsServer)
    demand = Demand(clock)
    keeper = Keeper(
        World(runtime=runtime, clients=clients, board=board, demand=demand, clock=clock)
    )
    stack.push_async_callback(keeper.close)
    stack.push_async_callback(keeper.remove_servers)
    watching = Watching(
        fleet=lambda: fleet, keeper=keeper, clients=clients, demand=demand, clock=clock
    )
    stack.push_async_callback(watching.close)
    keeper.start()
    keeper.apply(fleet)
    return keeper, watching, board


def live(board: Board) -> bool:
    site = board.site("house")
    camera = None if site is None else site.camera("entrance")
    return camera is not None and camera.state is CameraState.LIVE


@asynccontextmanager
async def served(app: web.Application) -> AsyncIterator[str]:
    runner = create_runner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


def website_app() -> web.Application:
    """Return the website of somebody else: a page, and the player that it took from npm."""

    async def page(_request: web.Request) -> web.Response:
        return web.Response(text=PAGE, content_type="text/html")

    async def player(_request: web.Request) -> web.Response:
        return web.Response(text=WHIP_WHEP.read_text(), content_type="text/javascript")

    app = web.Application()
    app.add_routes([web.get("/", page), web.get("/whep.js", player)])
    return app


def ticket(**claims: Any) -> str:
    made = {"sites": ["house"], "valid_s": 60, "now": datetime.now(UTC)} | claims
    return tickets.mint(SECRET, **made)


@pytest.mark.browser
@pytest.mark.slow
async def test_a_whep_player_from_npm_plays_on_another_website(stack: Stack) -> None:
    async with chromium() as browser, window(browser) as viewer:
        await viewer.page.goto(stack.website)
        await viewer.page.wait_for_function("window.ready")
        await viewer.page.evaluate(
            "([url, token]) => play(url, token)", [stack.camera_url, ticket()]
        )
        await viewer.page.wait_for_function(
            "document.querySelector('video').getVideoPlaybackQuality().totalVideoFrames > 30"
        )
        assert await viewer.page.evaluate("document.querySelector('video').videoWidth") > 0
        assert not stack.over()
        await viewer.page.evaluate("client.stop()")
        await until(stack.over)
    # It trickles, is told 405, and lives with it: the answer held all candidates.
    assert [text for text in viewer.complaints if "405" not in text] == []


@pytest.mark.browser
@pytest.mark.slow
async def test_a_website_that_is_not_allowed_cannot_play(stack: Stack) -> None:
    async with (
        served(website_app()) as elsewhere,
        chromium() as browser,
        window(browser) as viewer,
    ):
        await viewer.page.goto(elsewhere)
        await viewer.page.wait_for_function("window.ready")
        refused = await viewer.page.evaluate(
            "([url, token]) => play(url, token).then(() => '', (error) => String(error))",
            [stack.camera_url, ticket()],
        )
        assert "Failed to fetch" in refused
    assert stack.over()


@asynccontextmanager
async def watching_peer(stack: Stack, token: str) -> AsyncIterator[tuple[Any, str]]:
    """Play with aiortc; yields its video track and the play's address."""
    peer = RTCPeerConnection()
    tracks: asyncio.Queue[Any] = asyncio.Queue()
    peer.on("track", tracks.put_nowait)
    try:
        peer.addTransceiver("video", direction="recvonly")
        await peer.setLocalDescription(await peer.createOffer())
        headers = {"Content-Type": "application/sdp", "Authorization": f"Bearer {token}"}
        async with (
            ClientSession() as session,
            session.post(
                stack.camera_url, data=peer.localDescription.sdp, headers=headers
            ) as response,
        ):
            assert response.status == 201
            answer = await response.text()
            location = stack.url + response.headers["Location"]
        await peer.setRemoteDescription(RTCSessionDescription(sdp=answer, type="answer"))
        yield await tracks.get(), location
    finally:
        await peer.close()


@pytest.mark.slow
async def test_aiortc_decodes_and_hangs_up(stack: Stack) -> None:
    async with watching_peer(stack, ticket()) as (track, location), asyncio.timeout(20):
        frames = [await track.recv() for _ in range(20)]
        assert {frame.width for frame in frames} == {frames[0].width}
        assert frames[-1].pts > frames[0].pts
        async with ClientSession() as session:
            async with session.delete(location) as response:
                assert response.status == 200
            await until(stack.over)
            async with session.delete(location) as response:
                assert response.status == 404


@pytest.mark.slow
async def test_a_viewer_who_just_leaves_is_not_kept(stack: Stack) -> None:
    async with watching_peer(stack, ticket()) as (track, _location), asyncio.timeout(20):
        await track.recv()
        assert not stack.over()
    await until(stack.over, within=45)


@pytest.mark.slow
async def test_the_tickets_end_is_the_videos_end(stack: Stack) -> None:
    async with watching_peer(stack, ticket(watch_s=3)) as (track, _location), asyncio.timeout(20):
        await track.recv()
        assert not stack.over()
        await until(stack.over)
