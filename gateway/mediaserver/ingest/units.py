"""RTP payloads to NAL units and back (RFC 6184 section 5, RFC 7798 section 4.4)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.mediaserver.ingest.codec import START_CODE, NalCodec
from gateway.mediaserver.ports import MAX_PAYLOAD

MAX_UNIT: Final = 4 << 20
"""Bytes of one NAL unit; a 4K key frame stays below."""
_MAX_FRAGMENTS: Final = 8192
_HEAD: Final = 24
_FIRST: Final = 0x80
_LAST: Final = 0x40
_ENDS: Final = _FIRST | _LAST


@dataclass(slots=True)
class Unit:
    """One NAL unit as it arrived.

    ``payloads`` are the RTP payloads that carry it; ``fragmented`` says that they are fragments;
    ``head`` is the beginning of the NAL unit itself.
    """

    kind: int
    payloads: list[bytes]
    head: bytes
    fragmented: bool = False


class Depacketizer:
    """Takes one track's payloads in order and hands on whole NAL units.

    ``on_unit(unit)`` gets each; ``on_damage(kind)`` is told when one is incomplete (kind -1: not
    known which). Never raises, whatever arrives. Interleaved modes and other packet types that
    were not negotiated are ignored.
    """

    def __init__(
        self,
        codec: NalCodec,
        on_unit: Callable[[Unit], None],
        on_damage: Callable[[int], None],
    ) -> None:
        self._codec = codec
        self._on_unit = on_unit
        self._on_damage = on_damage
        self._open: Unit | None = None
        self._size = 0
        self._annexb = False
        self._annexb_seen = False
        self.ignored = 0

    @property
    def open(self) -> bool:
        """A fragmented unit waits for its end."""
        return self._open is not None

    @property
    def start_codes(self) -> bool:
        """The camera has put start codes into packets, where none belong."""
        return self._annexb_seen

    def push_all(self, payloads: Sequence[bytes]) -> None:
        """Take the payloads of packets that follow each other; none is empty.

        Nearly all of them are in the middle of a fragmented unit: those only join the others.
        """
        at = self._codec.header
        middle: list[bytes] | None = None
        indicator = -1
        for payload in payloads:
            size = len(payload)
            if (
                middle is not None
                and payload[0] == indicator
                and size > at + 1
                and not payload[at] & _ENDS
            ):
                middle.append(payload)
                self._size += size
                continue
            self.push(payload)
            # Where start codes may be inside, each fragment has to be searched for them.
            unit = None if self._annexb_seen else self._open
            middle = None if unit is None else unit.payloads
            indicator = payload[0]
        if middle is not None and self._too_long(middle):
            self.gap()

    def push(self, payload: bytes | memoryview) -> None:
        """Take the payload of one packet."""
        codec = self._codec
        if len(payload) <= codec.header:
            self.ignored += 1
            return
        kind = codec.kind(payload[0])
        if kind == codec.fragment:
            self._fragment(bytes(payload))
            return
        if self._open is not None:
            self.close()
        data = bytes(payload)
        if kind == codec.aggregate:
            self._aggregate(data)
        elif START_CODE in data:
            self._annexb_seen = True
            self._annexb_units(data)
        elif codec.is_unit(kind):
            self._on_unit(Unit(kind, [data], data[:_HEAD]))
        else:
            self.ignored += 1

    def gap(self) -> None:
        """Packets are missing: what is open will never be whole."""
        if self._open is not None:
            kind, self._open = self._open.kind, None
            self._on_damage(kind)

    def close(self) -> None:
        """End an open unit: nothing is missing, the camera has forgotten the end bit."""
        unit, self._open = self._open, None
        if unit is None:
            return
        codec, last = self._codec, unit.payloads[-1]
        if self._annexb:
            self._annexb_units(join(codec, unit))
            return
        if len(unit.payloads) == 1:
            # One fragment with both ends is forbidden (RFC 6184 section 5.8), yet cameras send it.
            self._unit(join(codec, unit))
            return
        if not last[codec.header] & _LAST:
            at = codec.header
            unit.payloads[-1] = last[:at] + bytes([last[at] | _LAST]) + last[at + 1 :]
        self._on_unit(unit)

    def _fragment(self, data: bytes) -> None:
        codec = self._codec
        at = codec.header
        if len(data) <= at + 1:
            self.ignored += 1
            return
        header = data[at]
        if header & _FIRST:
            self.close()
            head = codec.unit_header(data) + data[at + 1 : at + 1 + _HEAD]
            self._open = Unit(codec.fragment_kind(header), [data], head, fragmented=True)
            self._size, self._annexb = len(data), START_CODE in data
            self._annexb_seen = self._annexb_seen or self._annexb
        elif self._open is None:
            self._on_damage(codec.fragment_kind(header))
            return
        else:
            self._open.payloads.append(data)
            self._size += len(data)
            if self._too_long(self._open.payloads):
                self.gap()
                return
            # A camera that puts start codes into packets has one in front of its first picture:
            # only then is the search through everything worth its price.
            if self._annexb_seen and not self._annexb:
                self._annexb = START_CODE in data
        if header & _LAST:
            self.close()

    def _too_long(self, payloads: Sequence[bytes]) -> bool:
        return self._size > MAX_UNIT or len(payloads) > _MAX_FRAGMENTS

    def _aggregate(self, data: bytes) -> None:
        at = self._codec.header
        while at + 2 <= len(data):
            size = data[at] << 8 | data[at + 1]
            nal = data[at + 2 : at + 2 + size]
            at += 2 + size
            if at > len(data) or len(nal) <= self._codec.header:
                self.ignored += 1
                return
            self._unit(nal)

    def _annexb_units(self, data: bytes) -> None:
        """Cut at start codes (Rec. H.264 annex B), which no NAL unit can hold inside."""
        for part in data.split(START_CODE):
            nal = part.rstrip(b"\0")
            if len(nal) > self._codec.header:
                self._unit(nal)

    def _unit(self, nal: bytes) -> None:
        kind = self._codec.kind(nal[0])
        if self._codec.is_unit(kind):
            self._on_unit(Unit(kind, [nal], nal[:_HEAD]))
        else:
            self.ignored += 1


def join(codec: NalCodec, unit: Unit) -> bytes:
    """Return the NAL unit itself."""
    if not unit.fragmented:
        return unit.payloads[0]
    skip = codec.header + 1
    return codec.unit_header(unit.payloads[0]) + b"".join(part[skip:] for part in unit.payloads)


def payloads(codec: NalCodec, unit: Unit) -> list[bytes]:
    """Return RTP payloads of at most ``MAX_PAYLOAD`` bytes: the camera's own where they fit."""
    if max(map(len, unit.payloads)) <= MAX_PAYLOAD:
        return unit.payloads
    return fragments(codec, join(codec, unit))


def fragments(codec: NalCodec, nal: bytes) -> list[bytes]:
    """Cut one NAL unit into RTP payloads; all but the last are of one size."""
    if len(nal) <= MAX_PAYLOAD:
        return [nal]
    prefix, kind = codec.fragment_header(nal)
    room = MAX_PAYLOAD - len(prefix) - 1
    starts = range(codec.header, len(nal), room)
    middle = prefix + bytes([kind])
    parts = [middle + nal[at : at + room] for at in starts]
    parts[0] = prefix + bytes([kind | _FIRST]) + parts[0][len(middle) :]
    parts[-1] = prefix + bytes([kind | _LAST]) + parts[-1][len(middle) :]
    return parts


def aggregate(codec: NalCodec, nals: Sequence[bytes]) -> list[bytes]:
    """Put small NAL units into as few payloads as their order allows."""
    out: list[bytes] = []
    group: list[bytes] = []
    size = 0
    for nal in nals:
        if group and size + 2 + len(nal) > MAX_PAYLOAD:
            out += _group(codec, group)
            group = []
        if not group:
            size = codec.header
        group.append(nal)
        size += 2 + len(nal)
    return out + _group(codec, group)


def _group(codec: NalCodec, group: Sequence[bytes]) -> list[bytes]:
    if len(group) < 2:  # noqa: PLR2004  # one alone needs no aggregation
        return [part for nal in group for part in fragments(codec, nal)]
    body = b"".join(len(nal).to_bytes(2, "big") + nal for nal in group)
    return [codec.aggregate_header(group) + body]
