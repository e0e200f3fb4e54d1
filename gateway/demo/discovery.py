"""Answers WS-Discovery probes for the pretend cameras (multicast 239.255.255.250 and directed)."""

import asyncio
import socket
import struct
import uuid
from collections.abc import Callable, Sequence
from typing import Any, Final

import structlog
from lxml import etree

from gateway.demo import soap

GROUP: Final = "239.255.255.250"
PORT: Final = 3702
_MAX_PROBE: Final = 16_384

Plugged = Callable[[], Sequence[tuple[soap.Facts, int]]]
"""The cameras that are plugged in, each with its ONVIF port."""


class Discovery(asyncio.DatagramProtocol):
    """One socket for all cameras of the building; each answers by itself."""

    def __init__(self, plugged: Plugged, host: str) -> None:
        self._plugged, self._host = plugged, host
        self._transport: asyncio.DatagramTransport | None = None

    async def start(self, port: int = PORT) -> int:
        """Listen; return the port. Raises OSError when the port cannot be had."""
        listening = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            # A group member must be bound to the group or to all addresses.
            listening.bind(("", port))
            self._join(listening)
        except OSError:
            listening.close()
            raise
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, sock=listening)
        bound: int = listening.getsockname()[1]
        return bound

    def close(self) -> None:
        """Stop answering."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        """Answer a probe once per camera; anything else is nobody's business here."""
        message_id = _probe(data) if len(data) <= _MAX_PROBE else None
        if message_id is None or self._transport is None:
            return
        host = self._host if self._host not in {"", "0.0.0.0"} else _address_towards(addr[0])  # noqa: S104  # compared, not bound
        for facts, port in self._plugged():
            answer = soap.probe_matches(
                facts,
                relates_to=message_id,
                message_id=f"urn:uuid:{uuid.uuid4()}",
                xaddr=f"http://{host}:{port}/onvif/device_service",
            )
            self._transport.sendto(answer, addr)

    def error_received(self, exc: Exception) -> None:
        """Somebody asked and went away; that is no news."""

    def _join(self, listening: socket.socket) -> None:
        member = struct.pack("4s4s", socket.inet_aton(GROUP), socket.inet_aton(self._host))
        try:
            listening.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
        except OSError as error:
            structlog.get_logger("demo").info(
                "the pretend cameras answer directed probes only, multicast is not possible here",
                error=str(error),
            )


def _probe(data: bytes) -> str | None:
    """Return the message id of a probe that ONVIF cameras answer; None for anything else."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError:
        return None
    probe = root.find("{*}Body/{*}Probe")
    message_id = root.findtext("{*}Header/{*}MessageID")
    if probe is None or not message_id:
        return None
    kinds = (probe.findtext("{*}Types") or "").split()
    names = {kind.rpartition(":")[2] for kind in kinds}
    return message_id if not names or names & {"NetworkVideoTransmitter", "Device"} else None


def _address_towards(peer: str) -> str:
    """Return our address on the way to ``peer``; connecting a UDP socket sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
        way.connect((peer, 9))
        return str(way.getsockname()[0])
