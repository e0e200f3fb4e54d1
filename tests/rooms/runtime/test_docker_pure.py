"""The Docker room without an engine: networks, places, ports, files, ends in words."""

import asyncio
import io
import tarfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.kit.secret import Secret
from gateway.model.company import Network, NetworkDriver
from gateway.model.errors import ErrorKind, GatewayError
from gateway.runtime import arp
from gateway.runtime.docker import archive, names
from gateway.runtime.docker.container import choose_ports, host_offset
from gateway.runtime.docker.images import Kind, pinned
from gateway.runtime.docker.listing import Seen, _how, _time
from gateway.runtime.docker.secrets import Passwords
from gateway.runtime.network import control_network, differences, media_network, same_place
from gateway.runtime.places import Place, Places, choose_address, choose_slot

LAN = Network(
    driver=NetworkDriver.IPVLAN,
    parent="enp0s3",
    subnet="192.168.23.0/24",
    gateway="192.168.23.1",
    ip_range="192.168.23.96/27",
)
THERE = {
    "Name": "new-testnet",
    "Driver": "ipvlan",
    "Options": {"parent": "enp0s3"},
    "IPAM": {
        "Config": [
            {
                "Subnet": "192.168.23.0/24",
                "Gateway": "192.168.23.1",
                "IPRange": "192.168.23.100/27",
            }
        ]
    },
}


def test_a_network_made_by_hand_as_the_article_says_is_the_same() -> None:
    wanted = media_network("ours", LAN)
    assert wanted is not None
    assert same_place(wanted, THERE)
    assert differences(wanted, THERE) == []


def test_differences_are_told_in_words() -> None:
    wanted = media_network("ours", LAN)
    assert wanted is not None
    other = {**THERE, "Driver": "macvlan", "Options": {"parent": "eth9"}}
    assert differences(wanted, other) == [
        "driver is macvlan, not ipvlan",
        "parent is eth9, not enp0s3",
    ]
    assert not same_place(wanted, other)
    assert differences(control_network("c"), {"Driver": "bridge", "Internal": False})[0] == (
        "internal is False, not True"
    )


def test_the_hosts_network_needs_none_and_a_lan_needs_its_interface() -> None:
    assert media_network("ours", Network(driver=NetworkDriver.HOST)) is None
    with pytest.raises(GatewayError) as caught:
        media_network("ours", Network(driver=NetworkDriver.MACVLAN))
    assert caught.value.kind is ErrorKind.CONFIG_INVALID


@given(taken=st.sets(st.integers(96, 127)))
def test_the_first_free_address_of_the_range(taken: set[int]) -> None:
    used = {f"192.168.23.{number}": "x" for number in taken}
    if len(taken) == 32:
        with pytest.raises(GatewayError, match="no address of"):
            choose_address("a", None, LAN, used)
    else:
        first = min(set(range(96, 128)) - taken)
        assert choose_address("a", None, LAN, used) == f"192.168.23.{first}"


def test_router_network_and_broadcast_are_never_given() -> None:
    small = Network(subnet="10.0.0.0/29", gateway="10.0.0.1", ip_range="10.0.0.0/29")
    given_out = []
    while True:
        try:
            address = choose_address("a", None, small, dict.fromkeys(given_out, "x"))
        except GatewayError:
            break
        given_out.append(address)
    assert given_out == [f"10.0.0.{number}" for number in range(2, 7)]


def test_places_survive_and_broken_ones_count_as_none(tmp_path: Path) -> None:
    path = tmp_path / "docker/places.json"
    Places(path).put("a", Place("192.168.23.96", 3))
    assert Places(path).get("a") == Place("192.168.23.96", 3)
    assert path.stat().st_mode & 0o777 == 0o600
    for broken in ("", "[]", '{"a": 1}', '{"a": {"address": 5, "slot": "x"}}', "\xff"):
        path.write_text(broken, encoding="latin-1")
        assert Places(path).get("a") == Place()


@given(own=st.none() | st.integers(0, 9), taken=st.sets(st.integers(0, 9), max_size=8))
def test_a_slot_is_kept_and_never_shared(own: int | None, taken: set[int]) -> None:
    slot = choose_slot(own, taken)
    assert slot not in taken
    assert slot == own if own is not None and own not in taken else slot not in taken


@pytest.mark.parametrize("kind", list(Kind))
def test_servers_on_one_host_have_disjoint_ports(kind: Kind) -> None:
    host = Network(driver=NetworkDriver.HOST)
    media, control = [], []
    for slot in range(30):
        ports = choose_ports(kind, host, (31001, 32000), viewers=10, slot=slot)
        media += list(range(ports.media[0], ports.media[1] + 1))
        assert ports.offset == host_offset({names.SLOT: str(slot)})
        control += [port + ports.offset for port in (8080, 8081, 8443, 8444, 8084, 5555)]
    assert len(media) == len(set(media))
    assert len(control) == len(set(control))
    with pytest.raises(GatewayError, match="hold"):
        choose_ports(kind, host, (31001, 31002), viewers=1, slot=2)


def test_alone_in_its_network_a_server_has_the_standard_ports() -> None:
    assert choose_ports(Kind.WCS, LAN, (31001, 32000), viewers=9, slot=5).media == (31001, 32000)
    assert choose_ports(Kind.EMBEDDED, LAN, (31001, 32000), viewers=9, slot=5).media == (
        31001,
        31001,
    )


@pytest.mark.parametrize("reference", [None, "", "wcs", "wcs:latest", "registry:5000/wcs"])
def test_images_without_a_version_are_refused(reference: str | None) -> None:
    with pytest.raises(GatewayError):
        pinned(reference)


@pytest.mark.parametrize("reference", ["wcs:5.2", "registry:5000/a/wcs:1", "wcs@sha256:abc"])
def test_images_with_a_version_are_taken(reference: str) -> None:
    assert pinned(reference) == reference


def test_properties_are_merged_line_by_line() -> None:
    theirs = "# a note\nip=\ncodecs=opus\nip =1\n"
    assert archive.merge_properties(theirs, "ip=10.0.0.1\nnew=1\n") == (
        "# a note\ncodecs=opus\nip=10.0.0.1\nnew=1\n"
    )


def test_jvm_options_replace_the_same_ones() -> None:
    assert archive.merge_options("-Xmx1g\n-Xms1g\n-server\n", "-Xmx2g\n") == (
        "-Xms1g\n-server\n-Xmx2g\n"
    )


@given(text=st.text(), mode=st.sampled_from([0o600, 0o644]))
def test_an_archive_gives_back_what_was_packed(text: str, mode: int) -> None:
    clean = text.encode("utf-8", "replace").decode()
    data = archive.pack({"a": archive.Entry(clean, 5, 6, mode)})
    assert archive.unpack([data]) == archive.Entry(clean, 5, 6, mode)
    assert tarfile.open(fileobj=io.BytesIO(data)).getnames() == ["a"]  # noqa: SIM115  # in memory


@pytest.mark.parametrize(
    ("state", "how"),
    [
        ({"Status": "running", "ExitCode": 0}, ""),
        ({"Status": "exited", "ExitCode": 0}, ""),
        ({"Status": "exited", "ExitCode": 143}, ""),
        ({"Status": "exited", "ExitCode": 137}, "ended with status 137"),
        (
            {"Status": "exited", "ExitCode": 137, "OOMKilled": True},
            "it needed more memory than its limit and was killed",
        ),
        (
            {"Status": "created", "ExitCode": 128, "Error": "no such device"},
            "it could not be started: no such device",
        ),
    ],
)
def test_how_a_container_ended(state: dict[str, object], how: str) -> None:
    assert _how(state) == how


def test_the_engines_times() -> None:
    never = "0001-01-01T00:00:00Z"
    assert _time("2026-11-23T12:31:29.669169123Z", never) == datetime(
        2026, 11, 23, 12, 31, 29, 669169, UTC
    )
    assert _time(never, "2026-01-02T03:04:05+01:00") == datetime(2026, 1, 2, 2, 4, 5, tzinfo=UTC)
    assert _time("?", never).year == 1970


@pytest.mark.parametrize(
    ("line", "refused"),
    [
        ("ERROR Activation - License key is invalid", True),
        ("no valid license found", True),
        ("License is activated", False),
        ("out of memory", False),
    ],
)
def test_a_refused_licence_is_known_by_the_servers_words(line: str, *, refused: bool) -> None:
    seen = Seen(
        id="1",
        name="camera-gateway-a",
        labels={names.SERVER: "a", names.KIND: "wcs"},
        state="exited",
        started="",
        since=datetime.now(UTC),
        image="i",
        host_network=False,
        how="ended with status 1",
        tail=f"starting\n{line}",
    )
    assert bool(seen.refused_licence) is refused


def test_passwords_differ_stay_and_follow_the_key(tmp_path: Path) -> None:
    first = Passwords(tmp_path / "key").make("a", "rest")
    assert first == Passwords(tmp_path / "key").make("a", "rest")
    assert first != Passwords(tmp_path / "key").make("b", "rest")
    assert first != Passwords(tmp_path / "key").make("a", "signalling")
    assert isinstance(first, Secret)
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    (tmp_path / "key").unlink()
    assert first != Passwords(tmp_path / "key").make("a", "rest")


async def test_asking_on_an_interface_that_is_not_here_finds_nobody() -> None:
    async with asyncio.timeout(5):
        assert await arp.owner("nowhere0", "192.0.2.1") is None
