"""Services on a Swarm as the runtime makes, changes, follows and removes them."""

import dataclasses
import json
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gateway.kit.secret import Secret
from gateway.model.company import EngineSettings, Limits, MediaServers, Network, NetworkDriver
from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.server import Role, ServerObserved, ServerSpec, ServerState, edge_id
from gateway.runtime import doctor_swarm
from gateway.runtime.docker import names as labels_of
from gateway.runtime.docker.container import CONF
from gateway.runtime.swarm import names
from gateway.runtime.swarm.runtime import SwarmOptions, SwarmRuntime
from gateway.wcs.settings import embedded_container_files, wcs_files
from tests.docker import lan
from tests.peers.engine import IMAGE, Engine, base_image
from tests.swarm import guide
from tests.swarm.cluster import NETWORK, RANGES, SOUTH, Cluster
from tests.waiting import until

pytestmark = [pytest.mark.docker, pytest.mark.swarm, pytest.mark.xdist_group("docker")]

WCS = "stand-in-wcs:5.2.1"
LAN = Network(**{**NETWORK, "driver": NetworkDriver.MACVLAN})
_NORTH = (("camera-gateway.home", "true"),)


@pytest.fixture
async def runtime(swarm: Cluster, tmp_path: Path) -> AsyncIterator[SwarmRuntime]:
    one = SwarmRuntime(options(tmp_path, swarm.north))
    try:
        yield one
    finally:
        await one.close()


def options(folder: Path, manager: Engine) -> SwarmOptions:
    return SwarmOptions(
        data_dir=folder / "data",
        network=LAN,
        media_ports=(31001, 31100),
        max_viewers=10,
        embedded=embedded_container_files,
        wcs=wcs_files,
        at=EngineSettings(url=manager.url),
    )


def spec(server_id: str, **more: Any) -> ServerSpec:
    values = {"id": server_id, "site": server_id, "image": IMAGE, "nodes": _NORTH, **more}
    return ServerSpec(**values)


async def observed(one: SwarmRuntime, server_id: str) -> ServerObserved | None:
    return next((server for server in await one.observe() if server.id == server_id), None)


async def becomes(
    one: SwarmRuntime, server_id: str, state: ServerState, *, within: float = 40
) -> ServerObserved:
    async def look() -> ServerObserved | None:
        server = await observed(one, server_id)
        return server if server and server.state is state else None

    return await until(look, within=within, every=0.2)


def kept(swarm: Cluster) -> list[str]:
    """Return the names of all secrets and configs."""
    with closing(swarm.north.client()) as client:
        return sorted(one["Spec"]["Name"] for one in (*client.secrets(), *client.configs()))


def container(engine: Engine, server_id: str) -> dict[str, Any]:
    """Return the running container of a server's task."""
    label = f"com.docker.swarm.service.name={names.service(server_id)}"
    with closing(engine.client()) as client:
        found = client.containers(filters={"label": label})[0]
        return dict(client.inspect_container(found["Id"]))


def in_container(engine: Engine, server_id: str, *command: str, user: str = "") -> str:
    with closing(engine.client()) as client:
        made = client.exec_create(container(engine, server_id)["Id"], list(command), user=user)
        return str(client.exec_start(made["Id"]).decode())


async def test_a_service_is_made_changed_stopped_and_removed(
    swarm: Cluster, runtime: SwarmRuntime
) -> None:
    wanted = spec("first", limits=Limits(cpus=0.5, memory=256 << 20))
    with closing(swarm.north.client()) as client:
        client.create_secret("somebody-elses", b"secret", {})
    await runtime.create(wanted)
    server = await becomes(runtime, "first", ServerState.RUNNING)
    assert server.fingerprint == runtime.fingerprint(wanted), "a second cycle finds nothing to do"
    assert server.control is not None
    task, before = swarm.task_of("first"), kept(swarm)
    host = container(swarm.north, "first")["HostConfig"]
    assert (host["NanoCpus"], host["Memory"]) == (500_000_000, 256 << 20)

    await runtime.create(wanted)
    await becomes(runtime, "first", ServerState.RUNNING)
    assert swarm.task_of("first") == task, "the same again changes nothing"

    changed = dataclasses.replace(wanted, max_viewers=7)
    assert runtime.fingerprint(changed) != server.fingerprint
    await runtime.create(changed)
    await until(lambda: swarm.task_of("first") not in ("", task), within=40, every=0.2)
    await becomes(runtime, "first", ServerState.RUNNING)
    path = f"{CONF}/flashphoner.properties"
    assert "max_viewers=7\n" in in_container(swarm.north, "first", "cat", path, user="10001")
    await runtime.create(changed)
    assert len(kept(swarm)) == len(before), "what is used no more is gone"

    await runtime.stop("first")
    await becomes(runtime, "first", ServerState.STOPPED)
    await runtime.start("first")
    await becomes(runtime, "first", ServerState.RUNNING)
    await runtime.remove("first")
    await runtime.remove("first")
    assert await observed(runtime, "first") is None
    await until(lambda: not swarm.services(), within=10)
    await runtime.remove("first")
    assert kept(swarm) == ["somebody-elses"]


async def test_what_is_not_ours_is_left_alone(swarm: Cluster, runtime: SwarmRuntime) -> None:
    swarm.docker(
        *("service", "create", "--detach", "--no-resolve-image", "--name", names.service("first")),
        *("--entrypoint", "sleep", "--no-healthcheck", IMAGE, "1000"),
    )
    with pytest.raises(GatewayError) as caught:
        await runtime.create(spec("first"))
    assert caught.value.kind is ErrorKind.CONFLICT
    await runtime.remove("first")
    assert await runtime.observe() == []
    assert names.service("first") in swarm.docker("service", "ls", "--format", "{{.Name}}")


async def test_a_server_without_a_node_says_so(swarm: Cluster, runtime: SwarmRuntime) -> None:
    await runtime.create(spec("first", nodes=(("lan", "nowhere"),)))

    async def told() -> str:
        server = await observed(runtime, "first")
        return server.detail if server else ""

    assert "no suitable node" in await until(told, within=20)
    swarm.label(swarm.south, lan="nowhere")
    await becomes(runtime, "first", ServerState.RUNNING)
    assert swarm.node_of("first") == swarm.south.name


async def test_the_building_reaches_media_and_nothing_else(
    swarm: Cluster, runtime: SwarmRuntime
) -> None:
    await runtime.create(spec("first"))
    await becomes(runtime, "first", ServerState.RUNNING)
    there = container(swarm.north, "first")["NetworkSettings"]["Networks"]
    address = there[names.MEDIA_NETWORK]["IPAddress"]
    assert lan.scan(swarm.north, "v", address, 1, 65_535) == [31001]
    status = in_container(swarm.north, "first", "cat", "/proc/1/status")
    rights = {line.split()[0]: line.split()[1] for line in status.splitlines() if "Cap" in line}
    assert set(rights.values()) == {"0" * 16}, "what closes the ports is given away for good"
    assert "\nUid:\t10001\t10001" in status
    assert "NoNewPrivs:\t1" in status


async def test_an_edge_finds_its_origin(swarm: Cluster, runtime: SwarmRuntime) -> None:
    await runtime.create(spec("first", feeds_edges=True))
    edge = edge_id("first", 1)
    await runtime.create(
        spec(edge, site="first", role=Role.EDGE, origin="first", nodes=()),
    )
    await becomes(runtime, "first", ServerState.RUNNING)
    await becomes(runtime, edge, ServerState.RUNNING)
    node = swarm.north if swarm.node_of(edge) == swarm.north.name else swarm.south
    code = f"import socket; socket.create_connection(('{labels_of.node('first')}', 8084), 5)"

    def reached() -> bool:
        said = in_container(node, edge, "python", "-c", f"{code}; print('reached')")
        return said == "reached\n"

    await until(reached, within=20, every=0.5)


async def test_doctor_says_what_each_node_lacks(
    swarm: Cluster, runtime: SwarmRuntime, tmp_path: Path
) -> None:
    at, servers = EngineSettings(url=swarm.north.url), MediaServers(image=IMAGE, network=LAN)
    found = await doctor_swarm.swarm(at, servers, [])
    fixes = "\n".join(one.fix for one in found if one.check == "addresses")
    for engine in (swarm.north, swarm.south):
        assert f"on {engine.name}: docker network create --config-only" in fixes
    node = {" north": f" {swarm.nodes[swarm.north.name]}"}
    guide.typed(swarm.north, "--label-add camera-gateway.ip-range", node)
    swarm.label(swarm.south, **{names.RANGE_LABEL: RANGES[SOUTH]})
    await runtime.create(spec("first"))
    found = await doctor_swarm.swarm(at, servers, [])
    assert [one for one in found if one.health == "fail"] == []
    warned = {one.check: one.message for one in found if one.health == "warn"}
    assert set(warned) == {"swarm", "networks"}
    assert "does not stand in it" in warned["networks"]
    assert "1 of 2 nodes are managers" in warned["swarm"]
    worker = EngineSettings(url=swarm.south.url)
    assert "no manager" in (await doctor_swarm.swarm(worker, servers, []))[-1].message
    lonely = SwarmRuntime(options(tmp_path, swarm.south))
    with pytest.raises(GatewayError, match="manager"):
        await lonely.observe()
    await lonely.close()


async def test_a_wcs_image_gets_its_variables_and_settings(
    swarm: Cluster, runtime: SwarmRuntime
) -> None:
    folder = str(Path(__file__).parents[1] / "docker" / "wcs")
    with closing(swarm.north.client()) as client:
        arguments = {"BASE": base_image()}
        lines = list(client.build(path=folder, tag=WCS, rm=True, decode=True, buildargs=arguments))
        assert client.inspect_image(WCS), lines
    licence = Secret("a licence of a test")
    await runtime.create(spec("first", image=WCS, license=licence, limits=Limits(memory=1 << 30)))
    await becomes(runtime, "first", ServerState.RUNNING)
    there = container(swarm.north, "first")
    address = there["NetworkSettings"]["Networks"][names.MEDIA_NETWORK]["IPAddress"]
    assert licence.reveal() not in json.dumps(there["Config"])
    properties = in_container(swarm.north, "first", "cat", f"{CONF}/flashphoner.properties")
    lines = properties.splitlines()
    assert lines[:2] == ["# the vendor writes", "codecs=opus,alaw"]
    assert {f"ip={address}", f"ip_local={address}", "media_port_from=31001"} <= set(lines)
    options = in_container(swarm.north, "first", "cat", f"{CONF}/wcs-core.properties")
    assert options.splitlines() == ["-XX:+UseZGC", "-Xmx512m", "-Xms512m"]
    environment = in_container(swarm.north, "first", "cat", "/proc/1/environ")
    assert f"LICENSE={licence.reveal()}" in environment.split("\0")
    assert f"LOCAL_IP={address}" in environment.split("\0")
    opened = lan.scan(swarm.north, "v", address, 1, 40_000)
    assert all(31001 <= abs(port) <= 31100 for port in opened), opened
