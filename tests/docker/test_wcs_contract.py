"""What a real WCS image would see of us: variables, mounts, settings, REST calls in order.

The image is a stand-in that does what is documented and says what it is given. Each expectation
carries its source:

- [doc] docs.flashphoner.com (WCS 5.2: REST API methods, memory management, media ports)
- [lb] the vendor's load balancer guides, whose health check is ``/?action=stat``
- [inst] the vendor's install and uninstall scripts
- [use] seen in public use of the image, not in the vendor's documentation
"""

import asyncio
import dataclasses
import io
import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import structlog

from gateway.kit.secret import Secret
from gateway.model.company import Limits, Network, NetworkDriver
from gateway.model.errors import GatewayError
from gateway.model.server import Role, ServerState, edge_id
from gateway.runtime.docker import names
from gateway.runtime.docker.runtime import DockerRuntime
from gateway.wcs.server import WcsServer
from tests.docker import lan
from tests.docker.lan import WCS, observed, running, spec
from tests.peers.engine import IMAGE, Engine, run_in
from tests.waiting import until

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("docker")]

CONF = "/usr/local/FlashphonerWebCallServer/conf"


@pytest.fixture(autouse=True)
def image(engine: Engine) -> None:
    lan.make_wcs(engine)


def said(engine: Engine, server_id: str = "first") -> list[dict[str, Any]]:
    with closing(engine.client()) as client:
        lines = client.logs(names.container(server_id)).decode().splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


def read(engine: Engine, name: str, server_id: str = "first") -> list[str]:
    with closing(engine.client()) as client:
        made = client.exec_create(names.container(server_id), ["cat", f"{CONF}/{name}"])
        return list(client.exec_start(made["Id"]).decode().splitlines())


async def test_what_a_wcs_container_is_given(engine: Engine, runtime: DockerRuntime) -> None:
    await runtime.create(
        spec(
            "first",
            image=WCS,
            license=Secret("KEY-1"),
            address="192.168.23.100",
            external_address="203.0.113.7",
            limits=Limits(memory=1 << 30),
        )
    )
    await until(lambda: said(engine), within=10)
    variables = said(engine)[0]["variables"]
    assert variables.pop("PASSWORD")  # [use] the administrator's password
    assert variables == {
        "LICENSE": "KEY-1",  # [use] activated at the start
        "LOCAL_IP": "192.168.23.100",  # [use] bound
        "EXTERNAL_IP": "203.0.113.7",  # [use] announced in ICE candidates
    }
    properties = read(engine, "flashphoner.properties")
    assert "codecs=opus,alaw" in properties  # the image's own defaults stay
    assert "# the vendor writes" in properties
    assert {
        "ip=203.0.113.7",  # [use] a mounted file with these four was accepted
        "ip_local=192.168.23.100",
        "hold_ip_settings=true",
        "media_port_from=31001",
        "ws.port=8080",  # [doc] WebSocket signalling
        "http.port=8081",  # [doc] REST and statistics
        "wss.port=8443",
        "https.port=8444",
    } <= set(properties)
    assert sum(line.startswith("media_port_from=") for line in properties) == 1
    # [doc] memory management: half of the memory for the heap, written into this file
    assert read(engine, "wcs-core.properties") == ["-XX:+UseZGC", "-Xmx512m", "-Xms512m"]
    with closing(engine.client()) as client:
        mounts = client.inspect_container(names.container("first"))["Mounts"]
    # [inst] the licence is a file in conf/, so conf/ outlives the container
    assert [(one["Type"], one["Name"], one["Destination"]) for one in mounts] == [
        ("volume", names.volume("first"), CONF)
    ]


async def test_what_an_origin_and_an_edge_are_told_of_each_other(
    engine: Engine, runtime: DockerRuntime
) -> None:
    edge = edge_id("first", 1)
    await runtime.create(spec("first", image=WCS, license=Secret("KEY-1"), feeds_edges=True))
    await runtime.create(
        spec(
            edge,
            site="first",
            image=WCS,
            license=Secret("KEY-2"),
            role=Role.EDGE,
            origin="first",
        )
    )
    await until(lambda: said(engine, edge), within=20)
    assert said(engine, edge)[0]["variables"]["LICENSE"] == "KEY-2"  # one key, one container
    origin, other = (set(read(engine, "flashphoner.properties", one)) for one in ("first", edge))
    both = {
        "cdn_enabled=true",  # [doc] CDN 2.0; off by default
        "cdn_port=8084",  # [doc] CDN 2.0: signalling between nodes
        "cdn_nodes_resolve_ip=true",  # [doc] CDN 2.0: names instead of addresses
        "cdn_nodes_timeout=60",  # [doc] CDN 2.0: silent nodes are kept for ever without it
        "cdn_groups=first",  # [doc] CDN 2.1: routes are chosen within a group
    }
    assert both | {"cdn_role=origin", f"cdn_ip={names.node('first')}"} <= origin
    assert both | {"cdn_role=edge", f"cdn_ip={names.node(edge)}"} <= other
    # [doc] CDN 2.0: a node joins through another, for a minimal pair through the origin
    assert f"cdn_point_of_entry={names.node('first')}" in other
    assert not any(line.startswith("cdn_point_of_entry") for line in origin)


@pytest.mark.parametrize("driver", [NetworkDriver.MACVLAN, NetworkDriver.BRIDGE])
async def test_the_lan_gets_to_a_wcs_by_its_media_ports_alone(
    engine: Engine, tmp_path: Path, driver: NetworkDriver
) -> None:
    network = lan.MACVLAN if driver is NetworkDriver.MACVLAN else Network(driver=driver)
    runtime = lan.runtime(
        engine, tmp_path, network=network, media_ports=(31_001, 31_004), max_viewers=1
    )
    try:
        await runtime.create(spec("first", image=WCS, license=Secret("KEY-1")))
        server = await running(runtime, "first")
        assert server.control is not None
        client = WcsServer(server.control)
        await until(client.ready, within=10)  # it listens on 8081 of all its addresses
        await client.close()
        with closing(engine.client()) as sdk:
            legs = sdk.inspect_container(names.container("first"))["NetworkSettings"]["Networks"]
        address = legs[names.MEDIA_NETWORK]["IPAddress"]
        with routed(engine):
            found = await asyncio.to_thread(lan.scan, engine, "v", address, 1, 65_535)
            control = legs[names.CONTROL_NETWORK]["IPAddress"]
            assert await asyncio.to_thread(lan.scan, engine, "v", control, 8000, 9000) == []
    finally:
        await runtime.close()
    # Only these let anybody in; nothing listens there as long as nobody watches.
    assert found == [-31_004, -31_003, -31_002, -31_001]


async def test_an_image_without_a_packet_filter_is_reported_or_closed_by_another_one(
    engine: Engine, tmp_path: Path
) -> None:
    bare = "stand-in-wcs:bare"
    with closing(engine.client()) as client:
        file = io.BytesIO(f"FROM {WCS}\nRUN rm -f /usr/sbin/*tables*\n".encode())
        said = list(client.build(fileobj=file, tag=bare, rm=True, decode=True))
        assert client.inspect_image(bare), said
    for guard_image in (None, IMAGE):
        network = dataclasses.replace(lan.MACVLAN, guard_image=guard_image)
        runtime = lan.runtime(engine, tmp_path / str(guard_image), network=network)
        try:
            with structlog.testing.capture_logs() as logs:
                await runtime.create(spec("first", image=bare, license=Secret("KEY-1")))
            seen = await running(runtime, "first")
        finally:
            await runtime.close()
        open_ = [entry for entry in logs if entry["log_level"] == "error"]
        found = await asyncio.to_thread(lan.scan, engine, "v", "192.168.23.96", 8081, 8081)
        if guard_image is None:
            assert [one["event"] for one in open_] == [
                "control ports are open to the building's network"
            ]
            assert "no iptables in this image" in seen.detail
            assert found == [8081]
        else:
            assert (open_, seen.detail, found) == ([], "", [])


@contextmanager
def routed(engine: Engine) -> Iterator[None]:
    """Let a viewer take the Docker host for the router to its containers, and the host forward."""
    route = ["172.16.0.0/12", "via", lan.HOST]
    run_in(engine.name, ["iptables-legacy", "-P", "FORWARD", "ACCEPT"])
    run_in(engine.host("v"), ["ip", "route", "add", *route])
    try:
        yield
    finally:
        run_in(engine.host("v"), ["ip", "route", "del", *route])
        run_in(engine.name, ["iptables-legacy", "-P", "FORWARD", "DROP"])


async def test_the_rest_calls_of_a_first_camera(engine: Engine, runtime: DockerRuntime) -> None:
    await runtime.create(spec("first", image=WCS, license=Secret("KEY-1")))
    server = await running(runtime, "first")
    assert server.control is not None
    client = WcsServer(server.control)
    try:
        await until(client.ready, within=10)
        await client.startup(Secret("rtsp://u:p@10.0.0.1/1"), "first-door")
        (capture,) = await client.captures()
        assert capture.stream == "first-door"
        assert await client.streams() == []
    finally:
        await client.close()
    calls = [(one["call"], one["body"]) for one in said(engine) if "call" in one]
    assert calls == [
        ("GET /?action=stat", []),  # [lb] the health check
        ("GET /rest-api/rtsp/find_all", []),  # [doc] 404 while there is nothing
        ("POST /rest-api/rtsp/startup", ["toStream", "uri"]),  # [doc] toStream since 5.2.479
        ("GET /rest-api/rtsp/find_all", []),  # [doc] 200 with uri, status, toStream
        ("GET /rest-api/stream/find_all", []),  # [doc] 404 while there is nothing
    ]


async def test_a_licence_outlives_a_replacement_and_is_given_back_at_the_end(
    engine: Engine, runtime: DockerRuntime
) -> None:
    first = spec("first", image=WCS, license=Secret("KEY-1"))
    await runtime.create(first)
    await until(lambda: {"activated": True} in said(engine), within=10)
    await runtime.create(spec("first", image=WCS, license=Secret("KEY-1"), max_viewers=7))
    await until(lambda: {"activated": False} in said(engine), within=10)
    with structlog.testing.capture_logs() as logs:
        await runtime.remove("first")
    assert "a licence is given back" in [one["event"] for one in logs]  # [inst]
    with closing(engine.client()) as client:
        assert client.volumes()["Volumes"] == []


async def test_the_licence_of_a_stopped_server_is_given_back_too(
    engine: Engine, runtime: DockerRuntime
) -> None:
    await runtime.create(spec("first", image=WCS, license=Secret("KEY-1")))
    await until(lambda: {"activated": True} in said(engine), within=10)
    await runtime.stop("first")
    with closing(engine.client()) as client:
        # [inst] the vendor's service takes 143, a process ended by SIGTERM, for success
        state = client.inspect_container(names.container("first"))["State"]
    assert state["ExitCode"] == 143
    seen = await observed(runtime, "first")
    assert seen is not None
    assert seen.detail == ""
    with structlog.testing.capture_logs() as logs:
        await runtime.remove("first")
    assert "a licence is given back" in [one["event"] for one in logs]


async def test_a_refused_licence_is_a_state_and_not_a_loop(
    engine: Engine, runtime: DockerRuntime
) -> None:
    await runtime.create(spec("first", image=WCS, license=Secret("BAD-KEY")))
    seen = await until(lambda: _stopped(runtime), within=10)
    assert seen.detail.endswith(
        "its licence was refused: ERROR Activation - License key is invalid"
    )
    with pytest.raises(GatewayError, match="the licence of first was refused"):
        await runtime.start("first")
    with closing(engine.client()) as client:
        state = client.inspect_container(names.container("first"))["State"]
    assert state["ExitCode"] == 1
    # Another licence is taken at once.
    await runtime.create(spec("first", image=WCS, license=Secret("KEY-2")))
    await running(runtime, "first")


async def _stopped(runtime: DockerRuntime) -> Any:
    seen = await observed(runtime, "first")
    return seen if seen and seen.state is ServerState.STOPPED else None
