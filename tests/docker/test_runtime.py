"""The adapter on a real engine: networks, doors, addresses, limits, names, images, ends."""

import asyncio
import dataclasses
from contextlib import aclosing, closing
from pathlib import Path
from typing import Any

import pytest

from gateway.model.company import Limits, Network, NetworkDriver
from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.server import ServerState
from gateway.runtime.docker import names
from gateway.runtime.docker.engine import connector
from gateway.runtime.docker.runtime import DockerRuntime
from gateway.wcs.server import WcsServer
from tests.docker import lan
from tests.docker.lan import MACVLAN, observed, running, spec
from tests.peers.engine import IMAGE, Engine
from tests.waiting import until

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("docker")]

BRIDGE = Network(driver=NetworkDriver.BRIDGE)
HOST = Network(driver=NetworkDriver.HOST)


def inspect(engine: Engine, server_id: str) -> Any:
    with closing(engine.client()) as client:
        return client.inspect_container(names.container(server_id))


async def answers(runtime: DockerRuntime, server_id: str) -> None:
    server = await running(runtime, server_id)
    assert server.control is not None
    client = WcsServer(server.control)
    try:
        await until(client.ready, within=20)
    finally:
        await client.close()


async def test_in_the_lan_only_media_is_open_and_control_is_the_hosts(
    engine: Engine, runtime: DockerRuntime
) -> None:
    await runtime.create(spec("first"))
    await answers(runtime, "first")
    server = await running(runtime, "first")
    assert server.control is not None
    url = f"{server.control.http_url}/?action=stat"
    assert lan.reaches(engine.name, url)
    assert not lan.reaches(engine.host("v"), url)
    place = inspect(engine, "first")["NetworkSettings"]["Networks"][names.MEDIA_NETWORK]
    address = place["IPAddress"]
    assert address == "192.168.23.96"
    # Media is open for UDP, and for TCP for those whose network blocks UDP; nothing else answers.
    assert await asyncio.to_thread(lan.scan, engine, "v", address, 1, 65_535) == [31_001]
    let_in = await asyncio.to_thread(lan.scan_udp, engine, "v", "first", address)
    assert let_in == {"udp dpt:31001": 1, "udp spt:53 dpts:32768:60999": 0}
    # The isolation of macvlan: the Docker host itself does not get there.
    assert not lan.reaches(engine.name, f"http://{address}:8081/")


async def test_a_building_cannot_reach_anothers_control(
    engine: Engine, runtime: DockerRuntime
) -> None:
    await runtime.create(spec("first"))
    await runtime.create(spec("second"))
    await answers(runtime, "second")
    second = await running(runtime, "second")
    assert second.control is not None
    script = (
        "import sys, urllib.request\n"
        "try: urllib.request.urlopen(sys.argv[1], timeout=2)\n"
        "except OSError as error: print(type(error).__name__); sys.exit(1)\n"
    )
    with closing(engine.client()) as client:
        made = client.exec_create(
            names.container("first"), ["python", "-c", script, second.control.http_url]
        )
        client.exec_start(made["Id"])
        assert client.exec_inspect(made["Id"])["ExitCode"] == 1


@pytest.mark.parametrize("network", [BRIDGE, HOST], ids=["bridge", "host"])
async def test_servers_share_the_hosts_ports(
    engine: Engine, tmp_path: Path, network: Network
) -> None:
    runtime = lan.runtime(engine, tmp_path, network=network)
    try:
        for name in ("first", "second"):
            await runtime.create(spec(name, external_address=lan.HOST))
        for name in ("first", "second"):
            await answers(runtime, name)
        ports = [
            line
            for name in ("first", "second")
            for line in _properties(engine, name)
            if line.startswith("media_port_from")
        ]
        assert ports == ["media_port_from=31001", "media_port_from=31002"]
        for control in (8080, 8081, 18080, 18081, 18090, 18091):
            assert not lan.reaches(engine.host("v"), f"http://{lan.HOST}:{control}/")
    finally:
        await runtime.close()


def _properties(engine: Engine, server_id: str) -> list[str]:
    with closing(engine.client()) as client:
        made = client.exec_create(
            names.container(server_id), ["cat", "conf/flashphoner.properties"]
        )
        return list(client.exec_start(made["Id"]).decode().splitlines())


async def test_limits_hardening_and_no_secret_in_labels(
    engine: Engine, runtime: DockerRuntime
) -> None:
    limits = Limits(cpus=0.5, memory=256 << 20, cpuset="0")
    await runtime.create(spec("first", limits=limits))
    made = inspect(engine, "first")
    host = made["HostConfig"]
    assert (host["NanoCpus"], host["Memory"], host["CpusetCpus"]) == (500_000_000, 256 << 20, "0")
    assert host["ReadonlyRootfs"]
    assert host["CapDrop"] == ["ALL"]
    assert host["RestartPolicy"]["Name"] == "no"
    assert host["LogConfig"]["Config"] == {"max-file": "3", "max-size": "5m"}
    assert made["Config"]["User"] == "10001:10001"
    server = await running(runtime, "first")
    assert server.control is not None
    assert server.control.password is not None
    labels = str(made["Config"]["Labels"])
    assert server.control.password.reveal() not in labels
    with closing(engine.client()) as client:
        _, stat = client.get_archive(
            names.container("first"),
            "/usr/local/FlashphonerWebCallServer/conf/signalling-token",
        )
    assert stat["mode"] & 0o777 == 0o600


async def test_what_is_asked_again_is_answered_without_the_engine(runtime: DockerRuntime) -> None:
    await runtime.create(spec("first"))
    await running(runtime, "first")
    await until(lambda: _quiet(runtime), within=10)


async def _quiet(runtime: DockerRuntime) -> bool:
    before = runtime.calls
    for _ in range(20):
        await runtime.observe("first")
    return runtime.calls == before


async def test_the_end_of_a_container_is_told_at_once_with_its_last_words(
    engine: Engine, runtime: DockerRuntime
) -> None:
    await runtime.create(spec("first"))
    await answers(runtime, "first")
    async with aclosing(runtime.events()) as events:  # type: ignore[type-var]  # it is a generator
        with closing(engine.client()) as client:
            client.kill(names.container("first"), "SIGKILL")
        async with asyncio.timeout(10):
            assert await anext(events) == "first"
        seen = await until(lambda: _stopped(runtime), within=5)
    assert seen.detail.startswith("ended with status 137")
    assert "ready" in seen.detail
    await runtime.start("first")
    await answers(runtime, "first")


async def _stopped(runtime: DockerRuntime) -> Any:
    seen = await observed(runtime, "first")
    return seen if seen and seen.state is ServerState.STOPPED else None


async def test_a_wanted_end_is_no_crash(runtime: DockerRuntime) -> None:
    await runtime.create(spec("first"))
    await answers(runtime, "first")
    await runtime.stop("first")
    seen = await observed(runtime, "first")
    assert seen is not None
    assert (seen.state, seen.detail) == (ServerState.STOPPED, "")
    await runtime.stop("first")


async def test_a_server_keeps_its_address_when_it_is_made_again(
    engine: Engine, tmp_path: Path
) -> None:
    runtime = lan.runtime(engine, tmp_path)
    await runtime.create(spec("first"))
    await runtime.create(spec("second"))
    await runtime.remove("first")
    await runtime.create(spec("third"))
    await runtime.create(spec("second", max_viewers=7))
    await runtime.close()
    again = lan.runtime(engine, tmp_path / "with-another-memory")
    try:
        await again.create(spec("second", max_viewers=8))
        found = {
            name: inspect(engine, name)["Config"]["Labels"][names.ADDRESS]
            for name in ("second", "third")
        }
    finally:
        await again.close()
    assert found == {"second": "192.168.23.97", "third": "192.168.23.96"}


async def test_an_address_of_another_device_is_not_taken(
    engine: Engine, runtime: DockerRuntime
) -> None:
    with pytest.raises(GatewayError, match=r"23\.10 of first is already that of another device"):
        await runtime.create(spec("first", address=lan.VIEWER))
    assert await runtime.observe() == []
    await runtime.create(spec("first", address="192.168.23.100"))
    with pytest.raises(GatewayError, match=r"192\.168\.23\.100 of second is already that of first"):
        await runtime.create(spec("second", address="192.168.23.100"))
    assert inspect(engine, "first")["State"]["Running"]


async def test_servers_made_at_the_same_moment_get_different_addresses(
    engine: Engine, runtime: DockerRuntime
) -> None:
    wanted = ["first", "second", "third"]
    await asyncio.gather(*(runtime.create(spec(name)) for name in wanted))
    found = {inspect(engine, name)["Config"]["Labels"][names.ADDRESS] for name in wanted}
    assert found == {"192.168.23.96", "192.168.23.97", "192.168.23.98"}


async def test_what_others_have_made_is_never_touched(
    engine: Engine, runtime: DockerRuntime
) -> None:
    with closing(engine.client()) as client:
        client.create_container(IMAGE, name=names.container("first"))
        with pytest.raises(GatewayError, match="that the gateway has not made") as caught:
            await runtime.create(spec("first"))
        assert caught.value.kind is ErrorKind.CONFLICT
        await runtime.remove("first")
        assert client.inspect_container(names.container("first"))
        client.create_volume(names.volume("second"))
        with pytest.raises(GatewayError, match="a volume called"):
            await runtime.create(spec("second"))


async def test_an_equal_network_is_adopted_and_another_is_refused_with_the_difference(
    engine: Engine, tmp_path: Path
) -> None:
    with closing(engine.client()) as client:
        pool = {"Subnet": "192.168.23.0/24", "Gateway": "192.168.23.1"}
        pool["IPRange"] = "192.168.23.96/27"
        client.create_network(
            "new-testnet",
            driver="macvlan",
            options={"parent": "lan0"},
            ipam={"Driver": "default", "Config": [pool]},
        )
    runtime = lan.runtime(engine, tmp_path)
    other = lan.runtime(
        engine, tmp_path, network=dataclasses.replace(MACVLAN, gateway="192.168.23.2")
    )
    try:
        await runtime.create(spec("first"))
        assert "new-testnet" in inspect(engine, "first")["NetworkSettings"]["Networks"]
        with pytest.raises(GatewayError, match=r"gateway is 192\.168\.23\.1, not 192\.168\.23\.2"):
            await other.create(spec("second"))
    finally:
        await runtime.close()
        await other.close()


@pytest.mark.parametrize("image", [None, "camera-gateway-mediaserver", f"{IMAGE[:-4]}latest"])
async def test_an_image_without_a_version_is_refused(
    runtime: DockerRuntime, image: str | None
) -> None:
    with pytest.raises(GatewayError) as caught:
        await runtime.create(spec("first", image=image))
    assert caught.value.kind is ErrorKind.CONFIG_INVALID


async def test_an_image_that_cannot_be_pulled_harms_nobody(runtime: DockerRuntime) -> None:
    await runtime.create(spec("first"))
    with pytest.raises(GatewayError):
        await runtime.create(spec("first", image="127.0.0.1:1/nothing:1.0"))
    await answers(runtime, "first")


async def test_a_new_image_under_the_same_name_is_noticed(
    engine: Engine, runtime: DockerRuntime
) -> None:
    wanted = spec("first", image="camera-gateway-moving:1")
    with closing(engine.client()) as client:
        client.tag(IMAGE, "camera-gateway-moving", "1")
        try:
            await runtime.create(wanted)
            seen = await running(runtime, "first")
            assert seen.fingerprint == runtime.fingerprint(wanted)
            committed = client.commit(names.container("first"), "camera-gateway-moving", "1")
            again = lan.runtime(engine, Path("/nonexistent"))
            try:
                now = await observed(again, "first")
            finally:
                await again.close()
            assert now is not None
            assert now.fingerprint.endswith("other image")
            assert committed
        finally:
            client.remove_image("camera-gateway-moving:1", force=True)


async def test_without_an_engine_the_error_says_so(tmp_path: Path, engine: Engine) -> None:
    nowhere = connector(f"unix://{tmp_path}/docker.sock")
    runtime = lan.runtime(engine, tmp_path, connect=nowhere)
    try:
        with pytest.raises(GatewayError) as caught:
            await runtime.observe()
    finally:
        await runtime.close()
    assert caught.value.kind is ErrorKind.ENGINE_UNAVAILABLE
