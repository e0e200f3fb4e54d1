"""The two ways of packets to a player: inside the RTSP connection, or over UDP."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from gateway.mediaserver.outlet.burst import Burst
from gateway.mediaserver.outlet.offers import Offer
from gateway.mediaserver.outlet.player import Carrier
from gateway.rtsp.udp import PortPair

MOST_WAITING: Final = 2_000_000
"""Bytes that may wait for a player: a cached group of pictures, and some seconds."""

_MOST_DATAGRAMS: Final = 2_000
_AT_ONCE: Final = 48
_PAUSE_S: Final = 0.004


class Interleaved:
    """RTP and RTCP on two channels of the connection (RFC 2326 section 10.12)."""

    def __init__(self, transport: asyncio.Transport, channels: tuple[int, int]) -> None:
        self._transport = transport
        self._rtp, self._rtcp = channels

    @property
    def full(self) -> bool:
        """Whether the player has not read for so long that no more may wait."""
        return self._transport.get_write_buffer_size() > MOST_WAITING

    def send(self, burst: Burst) -> None:
        """Send a frame in one write."""
        self._transport.write(burst.interleaved(self._rtp))

    def rtcp(self, packet: bytes) -> None:
        """Send one RTCP packet."""
        self._transport.write(Burst([packet], key=True).interleaved(self._rtcp))

    def close(self) -> None:
        """Nothing is held; the connection belongs to the session."""


class Datagrams:
    """RTP and RTCP over a pair of ports; bursts are spread over time, or receivers drop them.

    48 datagrams each 4 ms are about 115 Mbit/s.
    """

    def __init__(self, pair: PortPair, ports: tuple[int, int]) -> None:
        self._pair = pair
        self._rtp, self._rtcp = ports
        self._waiting: deque[bytes] = deque()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def full(self) -> bool:
        """Whether no more datagrams may wait."""
        return len(self._waiting) > _MOST_DATAGRAMS

    def send(self, burst: Burst) -> None:
        """Send a frame behind what waits."""
        self._waiting.extend(burst.packets)
        if self._timer is None:
            self._go_on()

    def rtcp(self, packet: bytes) -> None:
        """Send one RTCP packet."""
        self._pair.send_rtcp(packet, self._rtcp)

    def close(self) -> None:
        """Close the ports."""
        if self._timer is not None:
            self._timer.cancel()
        self._waiting.clear()
        self._pair.close()

    def _go_on(self) -> None:
        waiting = self._waiting
        for _ in range(min(_AT_ONCE, len(waiting))):
            self._pair.send_rtp(waiting.popleft(), self._rtp)
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(_PAUSE_S, self._go_on) if waiting else None


def carry(
    offer: Offer,
    transport: asyncio.Transport,
    own: tuple[int, int],
    heard: Callable[[memoryview, float], None],
) -> tuple[Carrier, str]:
    """Return the way that ``offer`` names, and what to answer (RFC 2326 section 12.39).

    ``own`` are the channels for a player that leaves the choice to us; ``heard`` is told of what
    comes over UDP. Raises INTERNAL when no UDP ports are free.
    """
    if offer.tcp:
        pair = offer.pair or own
        agreed = f"RTP/AVP/TCP;unicast;interleaved={pair[0]}-{pair[1]}"
        return Interleaved(transport, pair), agreed
    client = offer.pair or (0, 0)
    ports = PortPair(
        local=str(transport.get_extra_info("sockname")[0]),
        peer=str(transport.get_extra_info("peername")[0]),
        on_rtp=heard,
        on_rtcp=heard,
    )
    agreed = (
        f"RTP/AVP;unicast;client_port={client[0]}-{client[1]};"
        f"server_port={ports.port}-{ports.port + 1}"
    )
    return Datagrams(ports, client), agreed
