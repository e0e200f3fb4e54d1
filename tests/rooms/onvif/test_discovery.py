"""The search for cameras: what is sent, what is believed, and what is never contacted."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Callable
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.found import FoundDevice, Heard
from gateway.onvif.discovery.finder import Finder, reachable
from gateway.onvif.discovery.messages import new_message_id, parse, probe
from gateway.onvif.discovery.scope import Scope

pytestmark = pytest.mark.slow

ANSWER = """<?xml version="1.0" encoding="UTF-8"?>
<SOAP-ENV:Envelope xmlns:SOAP-ENV="http://www.w3.org/2003/05/soap-envelope"
 xmlns:wsa="http://schemas.xmlsoap.org/ws/2004/08/addressing"
 xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery">
<SOAP-ENV:Header><wsa:RelatesTo>{relates}</wsa:RelatesTo></SOAP-ENV:Header>
<SOAP-ENV:Body><d:ProbeMatches><d:ProbeMatch>
<wsa:EndpointReference><wsa:Address>urn:uuid:ABCD-1</wsa:Address></wsa:EndpointReference>
<d:Types>dn:NetworkVideoTransmitter</d:Types>
<d:Scopes>onvif://www.onvif.org/name/Dome%20Cam onvif://www.onvif.org/hardware/DS-2
 onvif://www.onvif.org/Profile/Streaming</d:Scopes>
<d:XAddrs>{xaddrs}</d:XAddrs></d:ProbeMatch></d:ProbeMatches></SOAP-ENV:Body>
</SOAP-ENV:Envelope>"""


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probing:
        probing.bind(("127.0.0.1", 0))
        return int(probing.getsockname()[1])


PORT = free_port()
"""Not 3702: another test's or a person's devices may answer there on this machine."""

Reply = Callable[[str], list[bytes]]


class Responder(asyncio.DatagramProtocol):
    """A device that answers directed probes on one loopback address."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        self.transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        found = re.search(rb"MessageID>([^<]+)<", data)
        assert found
        for answer in self._reply(found[1].decode()):
            self.transport.sendto(answer, addr)


class Building:
    """Devices on loopback addresses of their own."""

    def __init__(self) -> None:
        self._open: list[asyncio.DatagramTransport] = []

    async def device(self, host: str, reply: Reply) -> None:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(
            lambda: Responder(reply), local_addr=(host, PORT)
        )
        self._open.append(transport)

    def close(self) -> None:
        for transport in self._open:
            transport.close()


@pytest.fixture
async def building() -> AsyncIterator[Building]:
    made = Building()
    yield made
    made.close()


def answer(xaddrs: str) -> Reply:
    return lambda relates: [ANSWER.format(relates=relates, xaddrs=xaddrs).encode()]


async def search(scope: Scope, *, with_tcp: bool = False) -> dict[str, FoundDevice]:
    finder = Finder(scope, with_tcp=with_tcp, port=PORT)
    told = [device.address async for device in finder.search()]
    assert len(told) == len(finder.devices), "a device is told once"
    assert set(told) == {address for address, _ in finder.devices}
    return {device.address: device for device in finder.devices.values()}


async def test_directed_probes_find_the_devices_of_the_subnet(building: Building) -> None:
    await building.device("127.0.7.2", answer("http://127.0.7.2:8899/onvif/device_service"))
    await building.device("127.0.7.5", answer("http://192.168.1.88/onvif/device_service"))
    devices = await search(Scope.of(("127.0.7.0/29",), None))
    assert set(devices) == {"127.0.7.2", "127.0.7.5"}
    assert devices["127.0.7.2"].scopes == {"name": "Dome Cam", "hardware": "DS-2"}
    assert devices["127.0.7.2"].endpoint == "abcd-1"
    assert devices["127.0.7.2"].heard >= {Heard.DIRECTED}
    assert devices["127.0.7.5"].xaddrs == ("http://127.0.7.5:80/onvif/device_service",)


async def test_two_devices_behind_one_address_are_two(building: Building) -> None:
    def both(relates: str) -> list[bytes]:
        one = ANSWER.format(relates=relates, xaddrs="http://127.0.7.2:8001/onvif/device_service")
        return [one.encode(), one.replace("ABCD-1", "ABCD-2").replace("8001", "8002").encode()]

    await building.device("127.0.7.2", both)
    finder = Finder(Scope.of(("127.0.7.0/29",), None), with_tcp=False, port=PORT)
    told = [device.xaddrs[0] async for device in finder.search()]
    assert sorted(told) == [
        "http://127.0.7.2:8001/onvif/device_service",
        "http://127.0.7.2:8002/onvif/device_service",
    ]


async def test_a_device_outside_the_subnets_is_neither_asked_nor_heard(building: Building) -> None:
    asked: list[str] = []

    def outside(relates: str) -> list[bytes]:
        asked.append(relates)
        return answer("http://127.0.8.1/x")(relates)

    await building.device("127.0.8.1", outside)
    assert await search(Scope.of(("127.0.7.0/30",), None)) == {}
    assert asked == []


async def test_garbage_floods_and_answers_to_nobody_are_dropped(building: Building) -> None:
    await building.device("127.0.7.1", lambda _: [b"\xff\x00<", b"<a>" * 4000, b"x" * 60_000] * 40)
    await building.device("127.0.7.2", lambda _: answer("http://127.0.7.2/x")("urn:uuid:forged"))
    await building.device("127.0.7.3", answer("not a url http://[::bad http://127.0.7.3/ok"))
    devices = await search(Scope.of(("127.0.7.0/29",), None))
    assert set(devices) == {"127.0.7.3"}
    assert devices["127.0.7.3"].xaddrs[0] == "http://127.0.7.3:80/ok"


async def test_tcp_finds_what_udp_does_not_reach() -> None:
    soap = b"<s:Envelope xmlns:s='http://www.w3.org/2003/05/soap-envelope'><s:Fault/></s:Envelope>"

    async def device(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.read(2000):
            head = b"HTTP/1.1 400 Bad\r\nContent-Length: %d\r\n\r\n" % len(soap)
            writer.write(head + soap)
        writer.close()

    async def mute(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    camera = await asyncio.start_server(device, "127.0.9.1", 8899)
    rtsp_only = await asyncio.start_server(mute, "127.0.9.2", 554)
    async with camera, rtsp_only:
        devices = await search(Scope.of(("127.0.9.0/29",), None), with_tcp=True)
    assert devices["127.0.9.1"].xaddrs == ("http://127.0.9.1:8899/onvif/device_service",)
    assert devices["127.0.9.1"].heard == {Heard.TCP}
    assert not devices["127.0.9.2"].onvif
    assert set(devices) == {"127.0.9.1", "127.0.9.2"}


def test_addresses_that_only_the_camera_believes_in_are_rewritten() -> None:
    scope = Scope.of(("10.12.0.0/24",), None)
    named = (
        "http://169.254.3.4/onvif/device_service",
        "https://10.12.0.9/onvif/devices",
        "http://203.0.113.5:8080/evil",
        "http://[fe80::1]/onvif/device_service",
        "ftp://10.12.0.9/x",
    )
    assert reachable("10.12.0.8", named, scope) == (
        "https://10.12.0.9:443/onvif/devices",
        "http://10.12.0.8:80/onvif/device_service",
        "https://10.12.0.8:443/onvif/devices",
        "http://10.12.0.8:8080/evil",
    )


@pytest.mark.parametrize(
    ("subnets", "interface", "words"),
    [
        ((), None, "does not say"),
        (("10.0.0.0/8",), None, "more than"),
        (("10.0.0.300/24",), None, "no IPv4 subnet"),
        ((), "no-such-nic0", "not there"),
    ],
)
def test_a_scope_that_cannot_be_searched_says_why(
    subnets: tuple[str, ...], interface: str | None, words: str
) -> None:
    with pytest.raises(GatewayError, match=words) as caught:
        Scope.of(subnets, interface)
    assert caught.value.kind is ErrorKind.CONFIG_INVALID
    assert caught.value.hint


def test_the_loopback_interface_gives_its_own_network() -> None:
    name = next(name for _, name in socket.if_nameindex() if name == "lo")
    with pytest.raises(GatewayError, match="more than"):
        Scope.of((), name)


@given(st.binary(max_size=2000))
def test_no_datagram_breaks_the_parser(datagram: bytes) -> None:
    parse(datagram)
    parse(b"<d:ProbeMatch xmlns:d='http://schemas.xmlsoap.org/ws/2005/04/discovery'>" + datagram)


@given(st.text(max_size=300), st.lists(st.text(max_size=60), max_size=20))
def test_nothing_outside_the_scope_is_ever_offered(host: str, xaddrs: list[str]) -> None:
    scope = Scope.of(("10.12.0.0/24",), None)
    for url in reachable("10.12.0.8", (*xaddrs, f"http://{host}/x"), scope):
        assert scope.allows_url(url)


def test_both_forms_of_the_probe_are_well_formed() -> None:
    for typed in (True, False):
        assert parse(probe(new_message_id(), typed=typed)) == []
