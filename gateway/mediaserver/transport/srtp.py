"""SRTP by libsrtp: the one module that knows pylibsrtp's private cffi binding.

Encrypting in place (``_binding``) costs a third of ``Session.protect``; a release of pylibsrtp that
moves its private parts only makes this server slower, never silent.
"""

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import pylibsrtp

MAX_BATCH: Final = 44
"""Packets of one batch: 44 of the largest stay below UDP's 64 KB in one send call."""

WORK_BYTES: Final = 65_536
MAX_RTCP: Final = 1500
REPLAY_WINDOW: Final = 1024

Run = tuple[list[memoryview], tuple[tuple[int, int, bytes], ...]]
"""Buffers and ancillary data of one ``sendmsg`` call."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A protection profile (RFC 5764, RFC 7714): key and salt in bytes, authentication tag too."""

    name: str
    libsrtp: int
    key: int
    salt: int
    tag: int


GCM: Final = Profile(
    "SRTP_AEAD_AES_128_GCM", pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 16, 12, 16
)
SHA1: Final = Profile(
    "SRTP_AES128_CM_SHA1_80", pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 16, 14, 10
)


class SrtpError(Exception):
    """The keys cannot be used."""


def profiles(*, gcm: bool = True) -> tuple[Profile, ...]:
    """Return the profiles that this machine's libsrtp can do, the cheapest first."""
    if not gcm:
        return (SHA1,)
    try:
        pylibsrtp.Session(_policy(GCM, bytes(GCM.key + GCM.salt), outbound=True))
    except pylibsrtp.Error:
        return (SHA1,)
    return (GCM, SHA1)


def _policy(profile: Profile, key: bytes, *, outbound: bool) -> pylibsrtp.Policy:
    policy = pylibsrtp.Policy(
        key=key,
        ssrc_type=(
            pylibsrtp.Policy.SSRC_ANY_OUTBOUND if outbound else pylibsrtp.Policy.SSRC_ANY_INBOUND
        ),
        srtp_profile=profile.libsrtp,
    )
    # A plain resend repeats a sequence number with identical bytes, which is safe.
    policy.allow_repeat_tx = outbound
    policy.window_size = REPLAY_WINDOW
    return policy


class Batch:
    """Some RTP packets laid end to end with room for their tags, ready to protect and send.

    ``octets`` counts RTP payload, ``sizes`` are bytes of each encrypted packet; ``source`` and
    ``slots`` belong to the protector.
    """

    __slots__ = ("count", "lengths", "octets", "runs", "sizes", "slots", "source", "total")

    def __init__(
        self, *, source: Any, lengths: Any, slots: tuple[Any, ...], total: int, octets: int
    ) -> None:
        self.source = source
        self.lengths = lengths
        self.slots = slots
        self.total = total
        self.count = len(slots)
        self.octets = octets
        self.sizes: tuple[int, ...] = ()
        self.runs: tuple[Run, ...] = ()


class Protector(Protocol):
    """Encrypts for viewers; its ``work`` buffer holds the batch protected last."""

    work: memoryview

    def keys(self, profile: Profile, outbound: bytes, inbound: bytes) -> Any:
        """Return the keys of one viewer (master key and salt joined); raises SrtpError."""

    def batch(self, packets: Sequence[bytes], tag: int) -> Batch:
        """Lay ``packets`` out; the caller sees to it that they fit ``WORK_BYTES``."""

    def protect(self, keys: Any, batch: Batch) -> bool:
        """Encrypt ``batch`` into ``work``; false when a packet could not be encrypted."""

    def protect_one(self, keys: Any, packet: bytes) -> bytes | None:
        """Return one encrypted RTP packet."""

    def protect_rtcp(self, keys: Any, packet: bytes) -> bytes | None:
        """Return one encrypted RTCP packet."""

    def unprotect_rtcp(self, keys: Any, packet: bytes) -> bytes | None:
        """Return a viewer's RTCP packet, or nothing when it is not authentic."""


class SessionProtector:
    """The public way: one copy in, one copy out for each packet."""

    __slots__ = ("_work", "work")

    def __init__(self) -> None:
        self._work = bytearray(WORK_BYTES)
        self.work = memoryview(self._work)

    def keys(self, profile: Profile, outbound: bytes, inbound: bytes) -> Any:
        """Return both sessions of one viewer."""
        try:
            return (
                pylibsrtp.Session(_policy(profile, outbound, outbound=True)),
                pylibsrtp.Session(_policy(profile, inbound, outbound=False)),
            )
        except (pylibsrtp.Error, ValueError) as error:
            raise SrtpError(f"libsrtp refuses the keys: {error}") from error

    def batch(self, packets: Sequence[bytes], tag: int) -> Batch:
        """Keep the packets with their offsets in ``work``."""
        slots, offset = [], 0
        for packet in packets:
            end = offset + len(packet) + tag
            slots.append((packet, offset, end))
            offset = end
        octets = sum(map(len, packets)) - 12 * len(packets)
        return Batch(source=None, lengths=None, slots=tuple(slots), total=offset, octets=octets)

    def protect(self, keys: Any, batch: Batch) -> bool:
        """Encrypt packet by packet into ``work``."""
        work, protect = self._work, keys[0].protect
        try:
            for packet, start, end in batch.slots:
                work[start:end] = protect(packet)
        except pylibsrtp.Error:
            return False
        return True

    def protect_one(self, keys: Any, packet: bytes) -> bytes | None:
        """Return one encrypted RTP packet."""
        return self._one(keys[0].protect, packet)

    def protect_rtcp(self, keys: Any, packet: bytes) -> bytes | None:
        """Return one encrypted RTCP packet."""
        return self._one(keys[0].protect_rtcp, packet)

    def unprotect_rtcp(self, keys: Any, packet: bytes) -> bytes | None:
        """Return a viewer's RTCP packet, or nothing when it is not authentic."""
        return self._one(keys[1].unprotect_rtcp, packet)

    def _one(self, process: Any, packet: bytes) -> bytes | None:
        try:
            result: bytes = process(packet)
        except (pylibsrtp.Error, ValueError):
            return None
        return result


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
        "_lengths",
        "_lib",
        "_pointers",
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
        self._work = self._ffi.new("unsigned char[]", WORK_BYTES)
        self.work = memoryview(self._ffi.buffer(self._work))
        self._lengths = self._ffi.new("int[]", MAX_BATCH)
        self._pointers = tuple(self._lengths + index for index in range(MAX_BATCH))
        self._rtcp = self._ffi.new("unsigned char[]", 2 * MAX_RTCP)
        self._rtcp_length = self._ffi.new("int *")
        dealloc = self._lib.srtp_dealloc
        self._free = lambda pointer: dealloc(pointer[0])

    def keys(self, profile: Profile, outbound: bytes, inbound: bytes) -> Any:
        """Return both contexts of one viewer."""
        return _Keys(
            self._context(_policy(profile, outbound, outbound=True)),
            self._context(_policy(profile, inbound, outbound=False)),
        )

    def batch(self, packets: Sequence[bytes], tag: int) -> Batch:
        """Join the packets with room for the tags, and point at each one in ``work``."""
        room = bytes(tag)
        lengths = [len(packet) for packet in packets]
        slots, offset = [], 0
        for pointer, length in zip(self._pointers, lengths, strict=False):
            slots.append((self._work + offset, pointer))
            offset += length + tag
        source = room.join((*packets, b""))
        return Batch(
            source=source,
            lengths=self._ffi.new("int[]", lengths),
            slots=tuple(slots),
            total=offset,
            octets=sum(lengths) - 12 * len(lengths),
        )

    def protect(self, keys: Any, batch: Batch) -> bool:
        """Encrypt ``batch`` into ``work``."""
        self._ffi.memmove(self._work, batch.source, batch.total)
        self._ffi.memmove(self._lengths, batch.lengths, 4 * batch.count)
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

    def _context(self, policy: pylibsrtp.Policy) -> Any:
        pointer = self._ffi.new("srtp_t *")
        status = self._lib.srtp_create(pointer, policy._policy)  # noqa: SLF001  # see the top
        if status:
            raise SrtpError(f"libsrtp refuses the keys (status {status})")
        return self._ffi.gc(pointer, self._free)


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
    batch = candidate.batch([packet, packet[:3] + b"\x02" + packet[4:]], SHA1.tag)
    if not candidate.protect(keys, batch):
        return None
    return bytes(candidate.work[: batch.total])
