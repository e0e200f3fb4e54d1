"""Edges as containers: the way to their origin, what is open on it, and who else gets there."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path

import pytest
from aiortc import RTCPeerConnection

from gateway.kit.secret import Secret
from gateway.model.company import Network, NetworkDriver
from gateway.model.server import Role, ServerSpec, edge_id
from gateway.model.site import Credential, RtspOutput
from gateway.runtime.docker import names
from gateway.runtime.docker.runtime import DockerRuntime
from gateway.wcs.server import WcsServer
from tests.docker import lan
from tests.docker.lan import running, spec
from tests.peers.engine import Engine
from tests.waiting import until

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("docker")]

STREAM = "first-door"
EDGE = edge_id("first", 1)
CAMERA = Secret(f"rtsp://{lan.CAMERAS}:8600/stream2")
_REACH = """
import socket, sys
with socket.create_connection((sys.argv[1], int(sys.argv[2])), 2) as sock:
    sock.settimeout(2)
    sock.sendall(b"DESCRIBE rtsp://x/first-door RTSP/1.0\\r\\nCSeq: 1\\r\\n\\r\\n")
    print(sock.recv(4096).decode().split("\\r\\n")[0])
"""


def edge_spec() -> ServerSpec:
    return spec(EDGE, site="first", role=Role.EDGE, origin="first")


@pytest.fixture
def camera(engine: Engine, tmp_path: Path) -> Iterator[None]:
    command = [sys.executable, "-m", "gateway", "demo-cameras", "--cameras", "1"]
    where = ["--host", lan.CAMERAS, "--port", "8600"]
    with lan.program(engine.host("c"), [*command, *where], tmp_path / "cameras.log"):
        yield


@asynccontextmanager
async def driving(runtime: DockerRuntime, server_id: str) -> AsyncIterator[WcsServer]:
    server = await running(runtime, server_id)
    assert server.control is not None
    driver = WcsServer(server.control)
    try:
        await until(driver.ready, within=20)
        yield driver
    finally:
        await driver.close()


async def pull(runtime: DockerRuntime) -> None:
    async with driving(runtime, "first") as driver:
        await driver.startup(CAMERA, STREAM)
        await until(lambda: live(driver), within=60)


async def live(driver: WcsServer) -> bool:
    return any(one.published and one.status == "PUBLISHING" for one in await driver.streams())


async def play(driver: WcsServer) -> None:
    """Ask for the stream; no picture gets from a container to the Docker host itself."""
    peer = RTCPeerConnection()
    peer.addTransceiver("video", direction="recvonly")
    await peer.setLocalDescription(await peer.createOffer())
    try:
        await driver.play(STREAM, peer.localDescription.sdp)
    finally:
        await peer.close()


def ask(engine: Engine, server_id: str, host: str, port: int) -> str:
    """Ask from inside a container for the stream; what is answered first, or the error's end."""
    with closing(engine.client()) as client:
        made = client.exec_create(
            names.container(server_id), ["python", "-c", _REACH, host, str(port)]
        )
        return str(client.exec_start(made["Id"]).decode().strip().splitlines()[-1])


@pytest.mark.usefixtures("camera")
async def test_an_edge_takes_the_stream_over_a_network_of_its_own(
    engine: Engine, runtime: DockerRuntime
) -> None:
    await runtime.create(spec("first", feeds_edges=True))
    await runtime.create(edge_spec())
    await runtime.create(spec("second", feeds_edges=True))
    await runtime.create(spec("third"))
    await pull(runtime)
    async with driving(runtime, EDGE) as driver:
        await play(driver)
        await until(lambda: live(driver), within=30)
        assert (await driver.snapshot(STREAM))[:4] == b"\x89PNG"

    with closing(engine.client()) as client:
        there = client.inspect_container(names.container(EDGE))
    assert there["Config"]["Labels"][names.ROLE] == "edge"
    media = there["NetworkSettings"]["Networks"][names.MEDIA_NETWORK]
    assert media["IPAddress"] == "192.168.23.97"
    for address in ("192.168.23.96", "192.168.23.97"):
        assert await asyncio.to_thread(lan.scan, engine, "v", address, 1, 65_535) == [31_001]

    origin = names.node("first")
    assert "401" in ask(engine, "second", origin, 8084)
    for port in (8080, 8081):
        assert "timed out" in ask(engine, "second", origin, port)
    assert "gaierror" in ask(engine, "third", origin, 8084)


@pytest.mark.usefixtures("camera")
async def test_an_edge_finds_its_origin_again(engine: Engine, runtime: DockerRuntime) -> None:
    await runtime.create(spec("first", feeds_edges=True))
    await runtime.create(edge_spec())
    await pull(runtime)
    async with driving(runtime, EDGE) as driver:
        await play(driver)
        await until(lambda: live(driver), within=30)
        with closing(engine.client()) as client:
            client.kill(names.container("first"), "SIGKILL")

        async def gone() -> bool:
            return not await live(driver)

        await until(gone, within=30)
        # Made anew, so its address on that network may be another one.
        await runtime.create(spec("first", feeds_edges=True, max_viewers=7))
        await pull(runtime)
        await play(driver)
        await until(lambda: live(driver), within=30)


@pytest.mark.usefixtures("camera")
@pytest.mark.parametrize("driver", [NetworkDriver.BRIDGE, NetworkDriver.HOST])
async def test_edges_find_their_origin_where_servers_share_the_hosts_ports(
    engine: Engine, tmp_path: Path, driver: NetworkDriver
) -> None:
    runtime = lan.runtime(engine, tmp_path, network=Network(driver=driver))
    try:
        # Another building first, so that no server has the first place.
        await runtime.create(spec("other", external_address=lan.HOST, feeds_edges=True))
        await runtime.create(spec("first", external_address=lan.HOST, feeds_edges=True))
        await runtime.create(replace(edge_spec(), external_address=lan.HOST))
        await pull(runtime)
        async with driving(runtime, EDGE) as driver_of_edge:
            await play(driver_of_edge)
            await until(lambda: live(driver_of_edge), within=30)
    finally:
        await runtime.close()


async def test_recorders_find_their_port_open_and_nothing_else(
    engine: Engine, runtime: DockerRuntime
) -> None:
    recorder = Credential("recorder", Secret("a recorder's password"), "env:RECORDER")
    await runtime.create(spec("first", rtsp_output=RtspOutput(8554, (recorder,))))
    async with driving(runtime, "first"):
        found = await asyncio.to_thread(lan.scan, engine, "v", "192.168.23.96", 1, 65_535)
    assert found == [8554, 31_001]
