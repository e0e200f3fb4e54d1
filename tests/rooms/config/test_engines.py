"""Engines in the files: what is taken, and every mistake with its line and its advice."""

from pathlib import Path

import pytest

from gateway.config.load import load
from gateway.model.company import NetworkDriver

COMPANY = """\
media_servers:
  runtime: docker
  image: wcs:1
  network: {driver: bridge}
  media_ports: 31001-31100
"""
SITE = "name: A\nmedia_server: {engine: north}\ncameras:\n  - {id: y, name: Y, onvif: 10.0.0.1}\n"
TLS = "ca: ca.pem, cert: cert.pem, key: {file: key.pem}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("ca.pem", "cert.pem", "key.pem", "ssh"):
        (tmp_path / name).write_text("not a real one")
    (tmp_path / "a.yaml").write_text(SITE)
    return tmp_path


def problems(folder: Path, company: str) -> list[str]:
    (folder / "gateway.yaml").write_text(COMPANY + company)
    return [str(one) for one in load(folder).problems]


def test_an_engine_is_taken_with_its_own_network(folder: Path) -> None:
    company = (
        "  engine: south\n  engines:\n"
        "    - {name: north, url: 'ssh://gw@192.0.2.1:2222/run/d.sock', ssh_key: {file: ssh},\n"
        "       network: {driver: macvlan, parent: e0, subnet: 10.1.0.0/24}}\n"
        f"    - {{name: south, url: 'tcp://192.0.2.2:2376', {TLS}, control: 'ssh://192.0.2.2'}}\n"
    )
    assert problems(folder, company) == []
    fleet = load(folder)
    servers = fleet.settings.media_servers
    north = servers.engine_of(fleet.sites["a"].media_server.engine)
    assert north is not None
    assert (north.name, north.network.driver) == ("north", NetworkDriver.MACVLAN)
    assert north.ssh_key == folder / "ssh"
    assert north.host == "192.0.2.1"
    south = servers.engine_of(None)
    assert south is not None
    assert (south.name, south.network.driver) == ("south", NetworkDriver.BRIDGE)
    assert (south.ca, south.host) == (folder / "ca.pem", "192.0.2.2")


ENGINES = {
    "no TLS": (
        "{name: north, url: 'tcp://192.0.2.1:2375', control: 'ssh://gw@192.0.2.1'}",
        (
            "7: media_servers.engines[0].url: is reached without TLS: anybody on the way could "
            "start containers, and so be root on that machine; write ca:, cert: and key:, or url: "
            "ssh://user@host"
        ),
    ),
    "half of TLS": (
        "{name: north, url: 'tcp://127.0.0.1:2376', ca: ca.pem}",
        "7: media_servers.engines[0].ca: is not enough for TLS; write cert: and key: too",
    ),
    "no way to the media servers": (
        f"{{name: north, url: 'tcp://192.0.2.1:2376', {TLS}}}",
        (
            "7: media_servers.engines[0].url: leads to the engine, not to its media servers' "
            "control ports, which never leave that machine; write control: ssh://user@host too, or "
            "url: ssh://user@host alone"
        ),
    ),
    "two ways": (
        "{name: north, url: 'ssh://gw@192.0.2.1', control: 'ssh://gw@192.0.2.1'}",
        (
            "7: media_servers.engines[0].control: is not needed: url is ssh, and leads there too; "
            "leave it out"
        ),
    ),
    "TLS by ssh": (
        "{name: north, url: 'ssh://gw@192.0.2.1', ca: ca.pem}",
        "7: media_servers.engines[0].ca: is for tcp:// only; leave it out",
    ),
    "ssh to a socket": (
        "{name: north, url: 'unix:///run/d.sock', ssh_key: {file: ssh}}",
        (
            "7: media_servers.engines[0].ssh_key: is for ssh:// only; leave it out, or write "
            "control: ssh://..."
        ),
    ),
    "password": (
        "{name: north, url: 'ssh://gw:planted@192.0.2.1'}",
        "7: media_servers.engines[0].url: holds a password in clear; log in by key",
    ),
    "an option as user": (
        "{name: north, url: 'ssh://-oProxyCommand@192.0.2.1'}",
        (
            "7: media_servers.engines[0].url: is no ssh address; write for example "
            "ssh://gateway@192.0.2.10"
        ),
    ),
    "key in the environment": (
        "{name: north, url: 'ssh://gw@192.0.2.1', ssh_key: {env: KEY}}",
        (
            "7: media_servers.engines[0].ssh_key: must be a file, which ssh and TLS read; write "
            "{file: path}"
        ),
    ),
    "no such file": (
        "{name: north, url: 'ssh://gw@192.0.2.1', known_hosts: nowhere}",
        "7: media_servers.engines[0].known_hosts: the file nowhere cannot be read: ",
    ),
    "the same twice": (
        "{name: north, url: 'ssh://gw@192.0.2.1'}\n    - {name: north, url: 'ssh://gw@192.0.2.1'}",
        "8: media_servers.engines[1].name: north is used twice; give each its own name",
    ),
}


@pytest.mark.parametrize("case", ENGINES)
def test_a_mistake_in_an_engine_is_told(folder: Path, case: str) -> None:
    written, expected = ENGINES[case]
    found = problems(folder, f"  engines:\n    - {written}\n")
    assert any(one.startswith(f"gateway.yaml:{expected}") for one in found), found
    assert "planted" not in "".join(found)


def test_an_unknown_engine_is_told_with_those_there_are(folder: Path) -> None:
    found = problems(folder, "  engines: [{name: south, url: 'ssh://gw@192.0.2.1'}]\n")
    assert found == [
        (
            "a.yaml:2: media_server.engine: north is no name of media_servers.engines; write one "
            "of: south"
        )
    ]
    found = problems(folder, "  engine: west\n")
    assert "gateway.yaml:6: media_servers.engine: west is none of engines" in "".join(found)


def test_another_machine_has_its_place_under_engines(folder: Path) -> None:
    found = "".join(problems(folder, "  engine: tcp://192.0.2.1:2375\n"))
    assert "gateway.yaml:6: media_servers.engine: is on another machine" in found


def test_a_fixed_address_is_that_of_its_own_engines_network(folder: Path) -> None:
    (folder / "a.yaml").write_text(SITE.replace("north}", "north, address: 10.1.0.5}"))
    own = "{driver: macvlan, parent: e0, subnet: 10.1.0.0/24, ip_range: 10.1.0.64/27}"
    line = f"  engines: [{{name: north, url: 'ssh://gw@192.0.2.1', network: {own}}}]\n"
    assert problems(folder, line) == [
        (
            "a.yaml:2: media_server.address: is not inside ip_range (10.1.0.64-10.1.0.95); write "
            "one of these"
        )
    ]


def test_two_engines_that_hand_out_the_same_addresses_are_warned_of(folder: Path) -> None:
    own = "{driver: macvlan, parent: e0, subnet: 10.1.0.0/24, ip_range: 10.1.0.64/27}"
    lines = "".join(
        f"    - {{name: {name}, url: 'ssh://gw@{name}', network: {own}}}\n"
        for name in ("north", "south")
    )
    found = problems(folder, f"  engines:\n{lines}")
    assert len(found) == 1
    assert (
        "media_servers.engines[1].network.ip_range: warning: (10.1.0.64-10.1.0.95) of south "
        in (found[0])
    )


def test_one_that_is_switched_off_is_no_error(folder: Path) -> None:
    found = problems(
        folder, "  engines: [{name: north, url: 'ssh://gw@192.0.2.1', enabled: false}]\n"
    )
    assert found == [
        (
            "a.yaml:2: media_server.engine: warning: north is switched off in gateway.yaml, so "
            "nothing is made or changed there"
        )
    ]


def test_processes_have_no_engines(folder: Path) -> None:
    (folder / "gateway.yaml").write_text("listen: 127.0.0.1:8080\n")
    assert [str(one) for one in load(folder).problems] == [
        "a.yaml:2: media_server.engine: warning: is not used: media_servers.runtime is process"
    ]
