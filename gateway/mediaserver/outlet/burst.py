"""One frame as RTP packets, made once for everybody who takes the stream."""

import secrets
import struct
from collections.abc import Sequence
from typing import Final

from gateway.mediaserver.fanout.timeline import Timeline

_RTP: Final = struct.Struct("!BBHII")
_FRAMING: Final = struct.Struct("!BBH")
_VERSION: Final = 0x80
_MARKER: Final = 0x80
_DOLLAR: Final = 0x24


class Burst:
    """The packets of one frame. ``octets`` are those of the payloads (RFC 3550 section 6.4.1)."""

    __slots__ = ("_framed", "key", "octets", "packets")

    def __init__(self, packets: Sequence[bytes], *, key: bool) -> None:
        self.packets = packets
        self.key = key
        self.octets = sum(map(len, packets)) - _RTP.size * len(packets)
        self._framed: dict[int, bytes] = {}

    def interleaved(self, channel: int) -> bytes:
        """Return all packets as they go inside an RTSP connection (RFC 2326 section 10.12).

        Nearly everybody takes the same channel, so the bytes are made once and shared.
        """
        framed = self._framed.get(channel)
        if framed is None:
            parts: list[bytes] = []
            for packet in self.packets:
                parts += (_FRAMING.pack(_DOLLAR, channel, len(packet)), packet)
            framed = self._framed[channel] = b"".join(parts)
        return framed


class Source:
    """One SSRC: the same sequence numbers and timestamps for all, without a break for ever.

    ``next`` is the next packet's number, counted without end; on the wire are its low 16 bits.
    """

    __slots__ = ("next", "payload_type", "ssrc", "timeline")

    def __init__(self, payload_type: int, rate: int) -> None:
        self.payload_type = payload_type
        self.ssrc = secrets.randbits(32)
        self.next = secrets.randbits(16)
        self.timeline = Timeline(rate)

    def burst(
        self, first: int, timestamp: int, payloads: Sequence[bytes], *, key: bool = True
    ) -> Burst:
        """Make packets from ``first`` on; the last one of a video frame carries the marker."""
        pack, kind, ssrc = _RTP.pack, self.payload_type, self.ssrc
        packets = [
            pack(_VERSION, kind, first + index & 0xFFFF, timestamp, ssrc) + payload
            for index, payload in enumerate(payloads)
        ]
        return Burst(packets, key=key)

    def frame(self, first: int, timestamp: int, payloads: Sequence[bytes], *, key: bool) -> Burst:
        """Make the packets of one picture: the last one carries the marker (RFC 6184)."""
        burst = self.burst(first, timestamp, payloads, key=key)
        last = bytearray(burst.packets[-1])
        last[1] |= _MARKER
        return Burst([*burst.packets[:-1], bytes(last)], key=key)
