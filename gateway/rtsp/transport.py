"""How one track's packets travel: interleaved in the RTSP connection, or over UDP."""

import re
import secrets
from typing import Final, Protocol

from gateway.rtsp.connection import Connection
from gateway.rtsp.rtcp import Reporter
from gateway.rtsp.rtp import PacketSink, Reception
from gateway.rtsp.sdp import Track
from gateway.rtsp.udp import JitterBuffer, PortPair

_CHANNELS: Final = re.compile(r"(?i)interleaved\s*=\s*(\d{1,3})(?:\s*-\s*(\d{1,3}))?")
_SERVER_PORTS: Final = re.compile(r"(?i)server_port\s*=\s*(\d{1,5})(?:\s*-\s*(\d{1,5}))?")
_MAX_PORT: Final = 65535


class Link(Protocol):
    """One track on its way."""

    @property
    def offer(self) -> str:
        """The ``Transport`` header that asks for it."""

    def accepted(self, transport: str) -> bool:
        """Read the camera's ``Transport`` header; False when it is another transport."""

    def started(self) -> None:
        """Get ready; PLAY follows."""

    def packet(self, channel: int, data: memoryview, arrival: float) -> None:
        """Take an interleaved packet if it is this track's."""

    def report(self, now: float) -> None:
        """Send a receiver report."""

    def close(self) -> None:
        """Free what it holds."""


def _parts(track: Track, sink: PacketSink) -> tuple[Reception, Reporter]:
    reception = Reception(sink, payload_type=track.payload_type, clock_rate=track.clock_rate)
    return reception, Reporter(reception, secrets.randbits(32))


class TcpLink:
    """A track inside the RTSP connection (RFC 2326 section 10.12)."""

    def __init__(
        self, connection: Connection, track: Track, sink: PacketSink, *, channel: int
    ) -> None:
        self._connection = connection
        self._reception, self._reporter = _parts(track, sink)
        self._rtp, self._rtcp = channel, channel + 1

    @property
    def offer(self) -> str:
        """The ``Transport`` header that asks for it."""
        return f"RTP/AVP/TCP;unicast;interleaved={self._rtp}-{self._rtcp}"

    def accepted(self, transport: str) -> bool:
        """Take the channels that the camera has chosen, whatever we asked for."""
        found = _CHANNELS.search(transport)
        if found is None and "tcp" not in transport.lower():
            return False
        if found is not None:
            self._rtp = int(found[1]) & 0xFF
            self._rtcp = int(found[2]) & 0xFF if found[2] else (self._rtp + 1) & 0xFF
        self._connection.channels.update({self._rtp, self._rtcp})
        return True

    def started(self) -> None:
        """Take what comes in bursts; other packets come to :meth:`packet`."""
        if self._reception.takes_bursts:
            self._connection.takers[self._rtp] = self._reception.burst

    def packet(self, channel: int, data: memoryview, arrival: float) -> None:
        """Take an interleaved packet if it is this track's.

        Two tracks may be given one channel; then the payload type tells them apart.
        """
        if channel == self._rtp:
            self._reception.packet(data, arrival)
        elif channel == self._rtcp:
            self._reporter.received(data, arrival)
            if self._reporter.ended:
                self._connection.end("the camera has ended the stream")

    def report(self, now: float) -> None:
        """Send a receiver report."""
        if self._reception.started:
            self._connection.send_packet(self._rtcp, self._reporter.report(now))

    def close(self) -> None:
        """Nothing is held; the connection belongs to the client."""


class UdpLink:
    """A track over a pair of UDP ports (RFC 2326 section 12.39)."""

    def __init__(self, connection: Connection, track: Track, sink: PacketSink) -> None:
        self._connection = connection
        reception, self._reporter = _parts(track, sink)
        self._reception = reception
        self._order = JitterBuffer(reception)
        self._ports = PortPair(
            local=connection.local_host,
            peer=connection.peer_host,
            on_rtp=self._order.packet,
            on_rtcp=self._report_received,
        )
        self._server_rtp = self._server_rtcp = 0

    @property
    def offer(self) -> str:
        """The ``Transport`` header that asks for it."""
        return f"RTP/AVP;unicast;client_port={self._ports.port}-{self._ports.port + 1}"

    def accepted(self, transport: str) -> bool:
        """Take the camera's ports."""
        if "tcp" in transport.lower() or "multicast" in transport.lower():
            return False
        if found := _SERVER_PORTS.search(transport):
            rtp = int(found[1])
            rtcp = int(found[2]) if found[2] else rtp + 1
            if 0 < rtp <= _MAX_PORT and 0 < rtcp <= _MAX_PORT:
                self._server_rtp, self._server_rtcp = rtp, rtcp
        return True

    def started(self) -> None:
        """Open the way through a firewall."""
        if self._server_rtp:
            self._ports.open_path(self._server_rtp)

    def packet(self, channel: int, data: memoryview, arrival: float) -> None:
        """Take nothing; UDP packets come another way."""

    def report(self, now: float) -> None:
        """Send a receiver report."""
        if self._reception.started and self._server_rtcp:
            self._ports.send_rtcp(self._reporter.report(now), self._server_rtcp)

    def close(self) -> None:
        """Close the ports."""
        self._order.close()
        self._ports.close()

    def _report_received(self, data: memoryview, arrival: float) -> None:
        self._reporter.received(data, arrival)
        if self._reporter.ended:
            self._connection.end("the camera has ended the stream")
