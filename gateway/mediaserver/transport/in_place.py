"""SRTP in place: the one module that knows pylibsrtp's private cffi binding.

It costs a third of ``Session.protect``; a release of pylibsrtp that moves its private parts only
makes this server slower, never silent.
"""

import importlib
import struct
import sys
from collections.abc import Sequence
from typing import Any, Final

import pylibsrtp

from gateway.mediaserver.transport.in_rows import InPlaceRows
from gateway.mediaserver.transport.srtp import (
    MAX_BATCH,
    MAX_RTCP,
    REPLAY_WINDOW,
    ROW_LEAD,
    RTP_HEADER,
    SHA1,
    WORK_BYTES,
    Batch,
    Profile,
    Protector,
    Rows,
    SessionProtector,
    SrtpError,
    policy,
)

_MOST_GRIDS: Final = 128
_Grid = tuple[tuple[Any, ...], bytes]


class _Keys:
    """libsrtp's two contexts of one viewer; the owners free them with this object."""

    __slots__ = ("_owners", "inbound", "outbound")

    def __init__(self, outbound: Any, inbound: Any) -> None:
        self._owners = (outbound, inbound)
        self.outbound = outbound[0]
        self.inbound = inbound[0]


class InPlaceProtector:
    """The cheap way: one copy of a whole frame, then libsrtp in place on each packet."""

    __slots__ = (
        "_ffi",
        "_free",
        "_grids",
        "_lengths",
        "_lib",
        "_pointers",
        "_policies",
        "_protect",
        "_rtcp",
        "_rtcp_length",
        "_work",
        "work",
    )

    def __init__(self) -> None:
        binding = importlib.import_module("pylibsrtp._binding")
        self._ffi = binding.ffi
        self._lib = binding.lib
        self._protect = self._lib.srtp_protect
        # The packets' lengths stand before the packets, so that one copy brings both.
        self._lengths = self._ffi.new("int[]", (ROW_LEAD + WORK_BYTES) // 4)
        self._pointers = tuple(self._lengths + index for index in range(MAX_BATCH))
        self._work = self._ffi.cast("unsigned char *", self._lengths + MAX_BATCH)
        self.work = memoryview(self._ffi.buffer(self._work, WORK_BYTES))
        self._grids: dict[tuple[int, int, int], _Grid] = {}
        self._policies: dict[tuple[str, bool, int], pylibsrtp.Policy] = {}
        self._rtcp = self._ffi.new("unsigned char[]", 2 * MAX_RTCP)
        self._rtcp_length = self._ffi.new("int *")
        dealloc = self._lib.srtp_dealloc
        self._free = lambda pointer: dealloc(pointer[0])

    def keys(
        self, profile: Profile, outbound: bytes, inbound: bytes, *, window: int = REPLAY_WINDOW
    ) -> Any:
        """Return both contexts of one viewer."""
        return _Keys(
            self._context(self._policy(profile, outbound=True, window=window), outbound),
            self._context(self._policy(profile, outbound=False, window=REPLAY_WINDOW), inbound),
        )

    def batch(self, headers: Sequence[bytes], payloads: Sequence[bytes], tag: int) -> Batch:
        """Join the packets with room for the tags, and point at each one in ``work``."""
        more = RTP_HEADER + tag
        sizes = [len(payload) + more for payload in payloads]
        count, first, last = len(sizes), sizes[0], sizes[-1]
        total = sum(sizes)
        if sizes.count(first) + (last != first) == count:
            # Nearly all frames are cut like that: only the last packet has a size of its own.
            even = True
            slots, lengths = self._grids.get((first, count, tag)) or self._grid(first, count, tag)
        else:
            even = False
            slots, lengths = self._slots(sizes), _packed([size - tag for size in sizes[:-1]])
        parts = [bytes(tag)] * (3 * count + 3)
        parts[0], parts[1] = lengths, (last - tag).to_bytes(4, sys.byteorder)
        parts[2] = bytes(ROW_LEAD - 4 * count)
        parts[3::3] = headers
        parts[4::3] = payloads
        return Batch(
            sizes,
            total,
            total - count * more,
            slots=slots,
            source=b"".join(parts),
            even=even,
        )

    def rows(self, strides: Sequence[int], size: int) -> Sequence[Rows]:
        """Return rows of each stride, all in the same ``size`` bytes."""
        yard = self._ffi.new("unsigned char[]", size)
        return [InPlaceRows(self._ffi, self._protect, yard, stride) for stride in strides]

    def _grid(self, stride: int, count: int, tag: int) -> _Grid:
        """Make the slots, and the lengths but the last, of packets of one size."""
        if len(self._grids) >= _MOST_GRIDS:
            self._grids.clear()
        grid = self._slots([stride] * count), _packed([stride - tag] * (count - 1))
        self._grids[stride, count, tag] = grid
        return grid

    def _slots(self, sizes: Sequence[int]) -> tuple[Any, ...]:
        slots, offset = [], 0
        for pointer, size in zip(self._pointers, sizes, strict=False):
            slots.append((self._work + offset, pointer))
            offset += size
        return tuple(slots)

    def protect(self, keys: Any, batch: Batch) -> bool:
        """Encrypt ``batch`` into ``work``."""
        self._ffi.memmove(self._lengths, batch.source, len(batch.source))
        context, protect = keys.outbound, self._protect
        # A plain loop: it runs for each viewer, and a generator costs a fifth more.
        for pointer, length in batch.slots:  # noqa: SIM110  # see above
            # Any status but 0 leaves plain bytes in place: they must never be sent.
            if protect(context, pointer, length):
                return False
        return True

    def protect_one(self, keys: Any, packet: bytes) -> bytes | None:
        """Return one encrypted RTP packet."""
        return self._one(self._lib.srtp_protect, keys.outbound, packet)

    def protect_rtcp(self, keys: Any, packet: bytes) -> bytes | None:
        """Return one encrypted RTCP packet."""
        return self._one(self._lib.srtp_protect_rtcp, keys.outbound, packet)

    def unprotect_rtcp(self, keys: Any, packet: bytes) -> bytes | None:
        """Return a viewer's RTCP packet, or nothing when it is not authentic."""
        return self._one(self._lib.srtp_unprotect_rtcp, keys.inbound, packet)

    def _one(self, process: Any, context: Any, packet: bytes) -> bytes | None:
        if len(packet) > MAX_RTCP:
            return None
        self._ffi.memmove(self._rtcp, packet, len(packet))
        self._rtcp_length[0] = len(packet)
        if process(context, self._rtcp, self._rtcp_length):
            return None
        result: bytes = self._ffi.buffer(self._rtcp, self._rtcp_length[0])[:]
        return result

    def _policy(self, profile: Profile, *, outbound: bool, window: int) -> pylibsrtp.Policy:
        """Return settings without a key; each viewer has the same few."""
        about = (profile.name, outbound, window)
        made = self._policies.get(about)
        if made is None:
            empty = bytes(profile.key + profile.salt)
            made = policy(profile, empty, outbound=outbound, window=window)
            self._policies[about] = made
        return made

    def _context(self, settings: pylibsrtp.Policy, key: bytes) -> Any:
        pointer = self._ffi.new("srtp_t *")
        settings.key = key
        status = self._lib.srtp_create(pointer, settings._policy)  # noqa: SLF001  # see the top
        settings.key = None
        if status:
            raise SrtpError(f"libsrtp refuses the keys (status {status})")
        return self._ffi.gc(pointer, self._free)


def _packed(lengths: Sequence[int]) -> bytes:
    return struct.pack(f"={len(lengths)}i", *lengths)


def protector(*, in_place: bool = True) -> Protector:
    """Return the cheapest protector that encrypts a packet here as libsrtp's public way does."""
    public = SessionProtector()
    if not in_place:
        return public
    try:
        fast = InPlaceProtector()
        if _encrypt_probe(fast) == _encrypt_probe(public):
            return fast
    except (ImportError, AttributeError, TypeError, SrtpError):
        return public
    return public


def _encrypt_probe(candidate: Protector) -> bytes | None:
    key = bytes(range(SHA1.key + SHA1.salt))
    keys = candidate.keys(SHA1, key, key)
    packet = b"\x80\x60\x00\x01" + bytes(8) + b"probe"
    headers = [packet[:RTP_HEADER], packet[:3] + b"\x02" + packet[4:RTP_HEADER]]
    batch = candidate.batch(headers, [packet[RTP_HEADER:]] * 2, SHA1.tag)
    if not candidate.protect(keys, batch):
        return None
    return bytes(candidate.work[: batch.total])
