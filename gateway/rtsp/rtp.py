"""One track's RTP packets (RFC 3550): header, order, loss, and the numbers of receiver reports."""

import struct
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable

_HEADER: Final = 12
_VERSION_MASK: Final = 0xC0
_VERSION: Final = 0x80
_PADDING: Final = 0x20
_EXTENSION: Final = 0x10
_LARGEST_GAP: Final = 3000
"""A jump beyond this many packets is a new beginning, no loss (RFC 3550 appendix A.1)."""
_LARGEST_STEP_S: Final = 10
_NOBODY: Final = -1
"""No synchronization source: those are 32 bits."""
_INTERLEAVED: Final = struct.Struct("!HHHHII")
"""``$`` and channel, length (RFC 2326 section 10.12), then the header of an RTP packet, its first
two bytes as one number."""
_NO_MARKER: Final = 0xFF7F


class PacketSink(Protocol):
    """Where a track's packets go, in order, without duplicates."""

    def packet(
        self, payload: memoryview, *, timestamp: int, marker: bool, lost: int, arrival: float
    ) -> None:
        """Take one packet; ``payload`` is valid only during the call.

        ``lost`` packets are missing right before it.
        """

    def restarted(self) -> None:
        """Say that the camera has begun anew: the next timestamps have nothing to do with ours."""


@runtime_checkable
class BurstSink(PacketSink, Protocol):
    """A sink that takes many packets at once, at a fraction of the price."""

    def burst(self, payloads: list[bytes], *, timestamp: int, marker: bool, arrival: float) -> None:
        """Take packets of one timestamp that follow each other; ``marker`` is the last one's.

        None is empty, and none is missing before them.
        """


class Reception:
    """Reads packets of one track and hands their payloads on.

    Packets of another payload type, too short ones and duplicates are dropped and counted.
    ``reordered(data, arrival)``, when given, takes packets that are not the next one (UDP) and
    hands them to :meth:`deliver` later; without it a gap is loss at once (TCP keeps order).
    """

    def __init__(self, sink: PacketSink, *, payload_type: int, clock_rate: int) -> None:
        self._sink = sink
        self._burst_sink = sink if isinstance(sink, BurstSink) else None
        self._payload_type = payload_type
        self._clock_rate = clock_rate
        self._next = -1
        self._first = 0
        self._stray = _NOBODY
        self._timestamp = -1
        self._transit = 0.0
        self.reordered: Callable[[memoryview, float], None] | None = None
        self.ssrc = 0
        self.highest = -1
        self.jitter = 0.0
        self.packets = 0
        self.lost = 0
        self.dropped = 0

    @property
    def started(self) -> bool:
        """A first packet has come."""
        return self._next >= 0

    @property
    def expected(self) -> int:
        """How many packets the camera has sent since its last beginning, by its numbers."""
        return self.highest - self._first + 1 if self.started else 0

    def packet(self, data: memoryview, arrival: float) -> None:
        """Take one RTP packet as it arrived; ``arrival`` in monotonic seconds."""
        if (
            len(data) < _HEADER
            or data[0] & _VERSION_MASK != _VERSION
            or data[1] & 0x7F != self._payload_type
        ):
            self.dropped += 1
            return
        sequence = data[2] << 8 | data[3]
        ssrc = int.from_bytes(data[8:12], "big")
        if sequence == self._next and ssrc == self.ssrc:
            self.deliver(data, 0, arrival)
        else:
            self._unexpected(data, sequence, ssrc, arrival)

    @property
    def takes_bursts(self) -> bool:
        """Whether :meth:`burst` makes sense for this sink."""
        return self._burst_sink is not None

    def burst(self, buffer: memoryview, start: int, end: int, arrival: float) -> int:
        """Take interleaved packets that lie end to end in ``buffer``; return where that ended.

        It ends before the first one that is not whole, of another channel than the one at
        ``start``, or in any way more than simply the next one: those are for :meth:`packet`.
        A frame comes in one piece from most cameras, so that nearly everything goes this way.
        """
        data, size = bytes(buffer[start:end]), end - start
        unpack, ssrc, number = _INTERLEAVED.unpack_from, self.ssrc, self._next
        here = data[0] << 8 | data[1]
        plain = _VERSION << 8 | self._payload_type
        payloads: list[bytes] = []
        at, timestamp = 0, -1
        while size - at > _INTERLEAVED.size:
            where, length, flags, sequence, stamp, source = unpack(data, at)
            stop = at + 4 + length
            if (
                sequence != number or source != ssrc or flags & _NO_MARKER != plain
                or stop > size or length <= _HEADER or where != here
            ):  # fmt: skip
                break
            if stamp != timestamp:
                if payloads:
                    self._deliver_burst(payloads, timestamp, arrival, marker=False)
                    payloads = []
                timestamp = stamp
            payloads.append(data[at + _INTERLEAVED.size : stop])
            number, at = number + 1 & 0xFFFF, stop
            if flags != plain:
                self._deliver_burst(payloads, timestamp, arrival, marker=True)
                payloads = []
        if payloads:
            self._deliver_burst(payloads, timestamp, arrival, marker=False)
        return start + at

    def _deliver_burst(
        self, payloads: list[bytes], timestamp: int, arrival: float, *, marker: bool
    ) -> None:
        count = len(payloads)
        self.highest += count
        self._next = self.highest + 1 & 0xFFFF
        self._stray = _NOBODY
        self.packets += count
        if timestamp != self._timestamp:
            self._measure(timestamp, arrival)
        if self._burst_sink is not None:
            self._burst_sink.burst(payloads, timestamp=timestamp, marker=marker, arrival=arrival)

    def _unexpected(self, data: memoryview, sequence: int, ssrc: int, arrival: float) -> None:
        if self._next < 0:
            self._begin(sequence, ssrc)
        elif ssrc != self.ssrc:
            # One packet of another source is noise, and so are many, each of another; two of the
            # same without one of ours between them are a camera that began anew.
            if ssrc != self._stray:
                self._stray = ssrc
                self.dropped += 1
                return
            self._begin(sequence, ssrc)
            self._sink.restarted()
        else:
            ahead = (sequence - self._next) & 0xFFFF
            if ahead > 0xFFFF - _LARGEST_GAP:
                self.dropped += 1  # a duplicate, or too late
                return
            if ahead <= _LARGEST_GAP:
                if self.reordered is not None:
                    self.reordered(data, arrival)
                else:
                    self.deliver(data, ahead, arrival)
                return
            self._begin(sequence, ssrc)
            self._sink.restarted()
        self.deliver(data, 0, arrival)

    def _begin(self, sequence: int, ssrc: int) -> None:
        self.ssrc, self._next, self._first = ssrc, sequence, sequence
        self.highest = sequence - 1
        self._stray, self._timestamp, self.jitter = _NOBODY, -1, 0.0

    @property
    def next_sequence(self) -> int:
        """The sequence number that is expected; -1 before the first packet."""
        return self._next

    def ahead(self, sequence: int) -> int:
        """Return how many packets are missing before ``sequence``; negative when it is late."""
        distance = (sequence - self._next) & 0xFFFF
        return distance if distance < 0x8000 else distance - 0x10000  # noqa: PLR2004  # half of 16 bit

    def deliver(self, data: memoryview, lost: int, arrival: float) -> None:
        """Hand on the packet that follows ``lost`` missing ones."""
        self.highest += lost + 1
        self._next = (self.highest + 1) & 0xFFFF
        self._stray = _NOBODY
        self.packets += 1
        self.lost += lost
        timestamp = int.from_bytes(data[4:8], "big")
        if timestamp != self._timestamp:
            self._measure(timestamp, arrival)
        start, stop = _HEADER, len(data)
        if data[0] != _VERSION:
            start, stop = _payload_range(data)
        self._sink.packet(
            data[min(start, stop) : stop],
            timestamp=timestamp,
            marker=data[1] > 0x7F,  # noqa: PLR2004  # the top bit
            lost=lost,
            arrival=arrival,
        )

    def _measure(self, timestamp: int, arrival: float) -> None:
        """Interarrival jitter (RFC 3550 section 6.4.1), once per frame instead of per packet."""
        transit = arrival * self._clock_rate - timestamp
        step = abs(transit - self._transit)
        if self._timestamp >= 0 and step < _LARGEST_STEP_S * self._clock_rate:
            self.jitter += (step - self.jitter) / 16
        self._timestamp, self._transit = timestamp, transit


def _payload_range(data: memoryview) -> tuple[int, int]:
    """Where the payload lies behind contributing sources and extension, before the padding."""
    start, stop = _HEADER + 4 * (data[0] & 0x0F), len(data)
    if data[0] & _EXTENSION:
        if start + 4 > stop:
            return stop, stop
        start += 4 + 4 * (data[start + 2] << 8 | data[start + 3])
    if data[0] & _PADDING:
        stop -= data[stop - 1]
    return start, stop
