"""One source (SSRC) of a camera: the same numbers for all its viewers, prepared once."""

import secrets
import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from gateway.mediaserver.fanout.timeline import Timeline
from gateway.mediaserver.transport.convoy import Convoy
from gateway.mediaserver.transport.segmentation import Segmentation
from gateway.mediaserver.transport.srtp import MAX_BATCH, Batch, Protector

if TYPE_CHECKING:
    from gateway.mediaserver.fanout.viewer import Viewer

RTP: Final = struct.Struct("!BBHII")
HEADER: Final = struct.Struct("!HHII")
"""An RTP header whose first two bytes are one number: fewer values to pack for each packet."""
MARKER: Final = 0x80
SLICE: Final = 24
"""Packets of a large frame that go to all viewers before the next ones go."""

_VERSION: Final = 0x80
_FIRST_TWO: Final = _VERSION << 8
_NEAR_ROLL_OVER: Final = 60_000
_FAR_FROM_ROLL_OVER: Final = 32_768


class GroupKey(NamedTuple):
    """What makes the packets of two viewers the same before encryption."""

    payload_type: int
    tag: int
    offset: int


class Group:
    """Viewers that are sent the same bytes; ``packets`` and ``octets`` are what each was sent.

    Counting for the group instead of for each viewer keeps the hot path short.
    """

    __slots__ = ("key", "octets", "packets", "viewers")

    def __init__(self, key: GroupKey) -> None:
        self.key = key
        self.viewers: list[Viewer] = []
        self.packets = 0
        self.octets = 0

    def count(self, batches: Sequence[Batch]) -> None:
        """Count what was sent to all."""
        for batch in batches:
            self.packets += batch.count
            self.octets += batch.octets


class Track:
    """Sequence numbers and timestamps of one SSRC, and the groups of its viewers.

    ``next`` is the next sequence number, counted without end; on the wire are its low 16 bits,
    shifted by the group's offset.
    """

    __slots__ = ("groups", "next", "ssrc", "timeline")

    def __init__(self, rate: int) -> None:
        self.ssrc = secrets.randbits(31) | 1
        self.timeline = Timeline(rate)
        # The low half, so that no viewer begins right before the numbers roll over.
        self.next = secrets.randbelow(_FAR_FROM_ROLL_OVER)
        self.groups: dict[GroupKey, Group] = {}

    def offset_for(self, first: int) -> int:
        """Return the offset for a viewer whose first packet has the number ``first``.

        A viewer that loses its first packets guesses the roll-over counter (RFC 3711 section
        3.3.1); just before 65535 it would guess wrong for ever.
        """
        return _FAR_FROM_ROLL_OVER if first & 0xFFFF > _NEAR_ROLL_OVER else 0

    def group(self, key: GroupKey) -> Group:
        """Return the group of ``key``."""
        group = self.groups.get(key)
        if group is None:
            group = self.groups[key] = Group(key)
        return group

    def leave(self, group: Group, viewer: "Viewer") -> None:
        """Take ``viewer`` out of ``group``, if it is there; an empty group goes."""
        if viewer in group.viewers:
            # A new list: somebody may be walking along the old one.
            group.viewers = [other for other in group.viewers if other is not viewer]
        if not group.viewers and self.groups.get(group.key) is group:
            del self.groups[group.key]

    def packet(
        self, key: GroupKey, *, number: int, timestamp: int, payload: bytes, marker: bool
    ) -> bytes:
        """Return one RTP packet as it is before encryption."""
        second = key.payload_type | MARKER if marker else key.payload_type
        header = RTP.pack(_VERSION, second, number + key.offset & 0xFFFF, timestamp, self.ssrc)
        return header + payload

    def headers(
        self, key: GroupKey, *, first: int, timestamp: int, count: int, marker: bool
    ) -> list[bytes]:
        """Return the RTP headers of one frame's packets; ``marker`` marks the last one."""
        start, kind = first + key.offset, _FIRST_TWO | key.payload_type
        pack, ssrc = HEADER.pack, self.ssrc
        headers = [
            pack(kind, number & 0xFFFF, timestamp, ssrc) for number in range(start, start + count)
        ]
        if marker:
            headers[-1] = pack(kind | MARKER, start + count - 1 & 0xFFFF, timestamp, ssrc)
        return headers


class Press:
    """Prepares batches: knows how to protect and how the kernel takes them.

    ``convoy`` is the way of a batch to many viewers.
    """

    __slots__ = ("convoy", "protector", "segmentation")

    def __init__(self, protector: Protector, segmentation: Segmentation) -> None:
        self.convoy = Convoy(protector)
        self.protector = protector
        self.segmentation = segmentation

    def batches(
        self, headers: Sequence[bytes], payloads: Sequence[bytes], tag: int
    ) -> tuple[Batch, ...]:
        """Lay packets out in slices, ready to protect and send."""
        if len(payloads) <= SLICE:
            batch = self.protector.batch(headers, payloads, tag)
            batch.runs = self.segmentation.cut(batch.sizes, batch.total, self.protector.work)
            return (batch,)
        return tuple(
            batch
            for start in range(0, len(payloads), SLICE)
            for batch in self.batches(
                headers[start : start + SLICE], payloads[start : start + SLICE], tag
            )
        )

    def cut(self, batch: Batch) -> None:
        """Cut ``batch`` into send calls as the kernel takes them now."""
        batch.runs = self.segmentation.cut(batch.sizes, batch.total, self.protector.work)


assert SLICE <= MAX_BATCH  # noqa: S101  # a slice must fit the protector's buffers
