"""An origin and its edges as real processes: who asks the camera, and who plays on."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from aiortc import RTCSessionDescription

from gateway.demo.building import DemoBuilding
from gateway.kit.secret import Secret
from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.server import Role, ServerObserved, ServerSpec, edge_id
from gateway.runtime.folder import Folder
from gateway.runtime.process import ProcessRuntime
from gateway.wcs.server import WcsServer
from tests.rooms.mediaserver.fanout.browser import Browser
from tests.rooms.runtime.conftest import kill, pid_of, running, spec
from tests.waiting import until

pytestmark = pytest.mark.slow

SITE = "lenina-12"
STREAM = "lenina-12-entrance-1"
EDGE = edge_id(SITE, 1)
PROC = Path("/proc")
ORIGIN_SPEC = spec(SITE, feeds_edges=True)


def edge_spec(number: int = 1) -> ServerSpec:
    return replace(spec(edge_id(SITE, number), role=Role.EDGE, origin=SITE), site=SITE)


class Doorman:
    """A camera's door: hands connections on and counts them."""

    def __init__(self, port: int) -> None:
        self._camera = port
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self.most = 0
        self.total = 0
        self.port = 0

    @property
    def now(self) -> int:
        return len(self._open)

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in list(self._open):
            writer.close()
        await until(lambda: not self._open)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        self.total += 1
        self.most = max(self.most, self.now)
        there, back = await asyncio.open_connection("127.0.0.1", self._camera)
        await asyncio.gather(_pump(reader, back), _pump(there, writer))
        self._open.discard(writer)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


@dataclass
class House:
    """A building with a camera, and a runtime for its servers."""

    runtime: ProcessRuntime
    doorman: Doorman
    data: Path

    async def pull(self) -> None:
        """Let the origin pull the camera, as the gateway would."""
        async with driving(await running(self.runtime, SITE)) as driver:
            await driver.startup(Secret(f"rtsp://127.0.0.1:{self.doorman.port}/stream2"), STREAM)

            async def live() -> bool:
                return any(one.status == "PUBLISHING" for one in await driver.streams())

            await until(live, within=15)

    @asynccontextmanager
    async def watching(self, server_id: str) -> AsyncIterator[Browser]:
        """Play from one server and see pictures."""
        async with driving(await running(self.runtime, server_id)) as driver:
            browser = Browser()
            try:
                play = await driver.play(STREAM, await browser.offer())
                answer = RTCSessionDescription(play.answer, "answer")
                await browser.peer.setRemoteDescription(answer)
                await until(lambda: browser.frames > 10, within=20)
                yield browser
            finally:
                await browser.close()

    async def streams(self, server_id: str) -> list[tuple[str, bool]]:
        async with driving(await running(self.runtime, server_id)) as driver:
            return [(one.name, one.published) for one in await driver.streams()]


@asynccontextmanager
async def driving(server: ServerObserved) -> AsyncIterator[WcsServer]:
    assert server.control is not None
    driver = WcsServer(server.control)
    try:
        yield driver
    finally:
        await driver.close()


@pytest.fixture
async def house(runtime: ProcessRuntime, data: Path, clips: Path) -> AsyncIterator[House]:
    building = DemoBuilding(cache=clips, discovery_port=None)
    await building.start(1)
    doorman = Doorman(int(building.cameras[0].rtsp_sub.rpartition(":")[2].partition("/")[0]))
    await doorman.open()
    try:
        yield House(runtime, doorman, data)
    finally:
        await doorman.close()
        await building.close()


async def test_the_camera_sees_one_session_whoever_watches(house: House) -> None:
    await house.runtime.create(ORIGIN_SPEC)
    await house.runtime.create(edge_spec())
    await house.pull()
    async with house.watching(SITE), house.watching(EDGE) as first, house.watching(EDGE) as second:
        assert (house.doorman.now, house.doorman.total) == (1, 1)
        before = first.frames, second.frames
        await until(lambda: first.frames > before[0] + 25 and second.frames > before[1] + 25)
        assert (STREAM, True) in await house.streams(EDGE)
    assert house.doorman.total == 1


async def test_an_edge_plays_on_when_its_origin_is_killed_and_comes_back(house: House) -> None:
    await house.runtime.create(ORIGIN_SPEC)
    await house.runtime.create(edge_spec())
    await house.pull()
    async with house.watching(EDGE) as viewer:
        edge = pid_of(house.data, EDGE)
        kill(house.data, SITE)
        await until(lambda: Folder(house.data / "servers" / SITE).process() is None)
        await house.runtime.start(SITE)
        await house.pull()
        before = viewer.frames
        await until(lambda: viewer.frames > before + 25, within=20)
        assert viewer.peer.connectionState == "connected"
        assert pid_of(house.data, EDGE) == edge
    assert house.doorman.most == 1


async def test_an_origin_that_has_to_move_takes_its_edges_along(house: House) -> None:
    await house.runtime.create(ORIGIN_SPEC)
    await house.runtime.create(edge_spec())
    await house.pull()
    async with house.watching(EDGE) as viewer:
        # A changed spec makes the origin anew; with its folder gone, its port and password too.
        await house.runtime.remove(SITE)
        await house.runtime.create(ORIGIN_SPEC)
        await house.pull()
        before = viewer.frames
        await until(lambda: viewer.frames > before + 25, within=20)


async def test_a_dead_edge_harms_nobody_else(house: House) -> None:
    await house.runtime.create(ORIGIN_SPEC)
    await house.runtime.create(edge_spec())
    await house.pull()
    async with house.watching(SITE) as neighbour, house.watching(EDGE):
        kill(house.data, EDGE)
        before = neighbour.frames
        await until(lambda: neighbour.frames > before + 25)
        await house.runtime.start(EDGE)
        async with house.watching(EDGE):
            assert house.doorman.total == 1


async def test_five_edges_share_one_camera(house: House) -> None:
    numbers = range(1, 6)
    await house.runtime.create(ORIGIN_SPEC)
    for number in numbers:
        await house.runtime.create(edge_spec(number))
    await house.pull()
    async with AsyncExitStack() as stack:
        for number in numbers:
            await stack.enter_async_context(house.watching(edge_id(SITE, number)))
        assert (house.doorman.now, house.doorman.total) == (1, 1)


async def test_an_edge_needs_an_origin(runtime: ProcessRuntime) -> None:
    with pytest.raises(GatewayError, match="finds no origin") as caught:
        await runtime.create(edge_spec())
    assert caught.value.kind is ErrorKind.CONTAINER_FAILED
    await runtime.create(spec(SITE))
    with pytest.raises(GatewayError, match="finds no origin"):
        await runtime.create(edge_spec())


async def test_what_an_edge_is_made_from_does_not_hang_on_ports(runtime: ProcessRuntime) -> None:
    before = [runtime.fingerprint(one) for one in (ORIGIN_SPEC, edge_spec())]
    await runtime.create(ORIGIN_SPEC)
    await runtime.create(edge_spec())
    assert [runtime.fingerprint(one) for one in (ORIGIN_SPEC, edge_spec())] == before
    await running(runtime, EDGE)
    assert [one.fingerprint for one in await runtime.observe(SITE)] == before


async def test_no_password_of_an_origin_shows(runtime: ProcessRuntime, data: Path) -> None:
    await runtime.create(ORIGIN_SPEC)
    await runtime.create(edge_spec())
    await running(runtime, EDGE)
    folder = data / "servers" / EDGE
    address = (folder / "conf/origin").read_text()
    password = address.partition("edge:")[2].partition("@")[0]
    assert len(password) > 20
    shown = [folder / "server.log", folder / "label.json", folder / "conf/flashphoner.properties"]
    shown.append(PROC / str(pid_of(data, EDGE)) / "cmdline")
    assert not any(password in path.read_text() for path in shown)
    assert (folder / "conf/origin").stat().st_mode & 0o077 == 0
