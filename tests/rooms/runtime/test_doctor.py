"""What the doctor finds on this machine: the real kernel, real ports, no engine."""

import json
import socket
from dataclasses import replace
from pathlib import Path

from gateway.commands import doctor_work
from gateway.model.company import MediaServers, Network, NetworkDriver, RuntimeKind, Settings
from gateway.runtime.doctor import Health
from gateway.runtime.doctor_machine import machine

DOCKER = MediaServers(
    runtime=RuntimeKind.DOCKER,
    image="wcs:1",
    network=Network(driver=NetworkDriver.MACVLAN, parent="nowhere0", subnet="192.0.2.0/24"),
)


def found(settings: Settings) -> dict[str, tuple[Health, str, str]]:
    return {one.check: (one.health, one.message, one.fix) for one in machine(settings)}


def test_a_missing_interface_is_named_with_those_that_are_there() -> None:
    health, message, fix = found(Settings(media_servers=DOCKER))["parent"]
    assert (health, message) == (Health.FAIL, "there is no interface nowhere0")
    assert "one of:" in fix


def test_on_a_swarm_interfaces_are_those_of_the_nodes() -> None:
    said = found(Settings(media_servers=replace(DOCKER, runtime=RuntimeKind.SWARM)))
    assert "parent" not in said
    assert "kernel" in said


def test_an_interface_without_an_address_of_the_network_is_suspicious() -> None:
    network = replace(DOCKER.network, parent="lo")
    settings = Settings(media_servers=replace(DOCKER, network=network))
    health, message, _ = found(settings)["parent"]
    assert health is Health.WARN
    assert "127.0.0.1" in message
    inside = replace(network, subnet="127.0.0.0/8")
    settings = Settings(media_servers=replace(DOCKER, network=inside))
    assert found(settings)["parent"][0] is Health.OK


def test_ports_in_use_are_found() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as door,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as media,
    ):
        media.bind(("", 0))
        port = media.getsockname()[1]
        servers = MediaServers(media_ports=(port, port))
        settings = Settings(listen_port=door.getsockname()[1], media_servers=servers)
        said = found(settings)
    assert said["listen"][0] is Health.WARN
    assert said["media ports"][0] is Health.FAIL
    assert found(settings)["media ports"][0] is Health.OK


def test_the_machines_limits_are_told() -> None:
    said = found(Settings())
    assert {"clock", "open files", "socket buffers", "UDP segmentation"} <= set(said)
    assert "parent" not in said


async def test_files_and_a_missing_engine(tmp_path: Path) -> None:
    company = (
        "media_servers:\n  runtime: docker\n  image: wcs{}\n  engine: unix:///nonexistent.sock\n"
        "  network: {{driver: bridge}}\n"
    )
    (tmp_path / "gateway.yaml").write_text(company.format(""))
    findings = await doctor_work.examine(tmp_path)
    assert not doctor_work.fit(findings)
    assert "names no fixed version" in json.dumps(doctor_work.as_json(findings))
    (tmp_path / "gateway.yaml").write_text(company.format(":1"))
    findings = await doctor_work.examine(tmp_path)
    engine = next(one for one in findings if one.check == "engine")
    assert engine.health is Health.FAIL
    assert "cannot be reached" in engine.message
