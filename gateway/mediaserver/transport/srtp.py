"""SRTP by libsrtp, the public way: what is encrypted for viewers and how."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import pylibsrtp

MAX_BATCH: Final = 44
"""Packets of one batch: 44 of the largest stay below UDP's 64 KB in one send call."""

WORK_BYTES: Final = 65_536
ROW_LEAD: Final = 4 * MAX_BATCH
"""Bytes before the packets of a row, for the protector's own use."""

MAX_RTCP: Final = 1500
RTP_HEADER: Final = 12
REPLAY_WINDOW: Final = 1024
SHORT_WINDOW: Final = 128
"""libsrtp moves its window at every packet: a short one costs a thirtieth less of all CPU."""


Ancillary = tuple[tuple[int, int, bytes], ...]
Run = tuple[list[memoryview], Ancillary]
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
        pylibsrtp.Session(policy(GCM, bytes(GCM.key + GCM.salt), outbound=True))
    except pylibsrtp.Error:
        return (SHA1,)
    return (GCM, SHA1)


def policy(
    profile: Profile, key: bytes, *, outbound: bool, window: int = REPLAY_WINDOW
) -> pylibsrtp.Policy:
    """Return libsrtp's settings for one direction."""
    made = pylibsrtp.Policy(
        key=key,
        ssrc_type=(
            pylibsrtp.Policy.SSRC_ANY_OUTBOUND if outbound else pylibsrtp.Policy.SSRC_ANY_INBOUND
        ),
        srtp_profile=profile.libsrtp,
    )
    # A plain resend repeats a sequence number with identical bytes, which is safe.
    made.allow_repeat_tx = outbound
    made.window_size = window
    return made


class Batch:
    """Some RTP packets laid end to end with room for their tags, ready to protect and send.

    ``sizes`` are bytes of each encrypted packet, ``total`` is their sum; ``octets`` counts RTP
    payload. ``even``: all packets are of one size but the last. ``source`` and ``slots``
    belong to the protector.
    """

    __slots__ = ("count", "even", "octets", "runs", "sizes", "slots", "source", "total")

    def __init__(
        self,
        sizes: Sequence[int],
        total: int,
        octets: int,
        *,
        slots: tuple[Any, ...],
        source: Any = None,
        even: bool = False,
    ) -> None:
        self.sizes = sizes
        self.even = even
        self.total = total
        self.octets = octets
        self.count = len(slots)
        self.slots = slots
        self.source = source
        self.runs: tuple[Run, ...] = ()


class Rows(Protocol):
    """Room for the same batch as several viewers get it, a row of ``stride`` bytes for each.

    The packets of a row lie end to end from ``ROW_LEAD`` on.
    """

    memory: memoryview
    stride: int
    count: int

    def protect(self, keys: Sequence[Any], batch: Batch) -> int:
        """Encrypt an even ``batch`` for each of ``keys``, one row after the other.

        ``batch`` must fit the stride, ``keys`` the count. Returns how many rows are good: it ends
        before the first viewer for whom a packet could not be encrypted.
        """


class Protector(Protocol):
    """Encrypts for viewers; its ``work`` buffer holds the batch protected last."""

    work: memoryview

    def rows(self, strides: Sequence[int], size: int) -> "Sequence[Rows]":
        """Return rows of each stride, all in the same ``size`` bytes; none if they gain nothing."""

    def keys(
        self, profile: Profile, outbound: bytes, inbound: bytes, *, window: int = REPLAY_WINDOW
    ) -> Any:
        """Return the keys of one viewer (master key and salt joined); raises SrtpError.

        ``window``: so many packets back an outbound one may be encrypted again.
        """

    def batch(self, headers: Sequence[bytes], payloads: Sequence[bytes], tag: int) -> Batch:
        """Lay packets out, each a header of 12 bytes and a payload.

        At least one and at most ``MAX_BATCH``; the caller sees to it that they fit ``WORK_BYTES``.
        """

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

    def rows(self, strides: Sequence[int], size: int) -> Sequence[Rows]:
        """Return none: what is copied packet by packet gains nothing from rows."""
        del strides, size
        return ()

    def keys(
        self, profile: Profile, outbound: bytes, inbound: bytes, *, window: int = REPLAY_WINDOW
    ) -> Any:
        """Return both sessions of one viewer."""
        try:
            return (
                pylibsrtp.Session(policy(profile, outbound, outbound=True, window=window)),
                pylibsrtp.Session(policy(profile, inbound, outbound=False)),
            )
        except (pylibsrtp.Error, ValueError) as error:
            raise SrtpError(f"libsrtp refuses the keys: {error}") from error

    def batch(self, headers: Sequence[bytes], payloads: Sequence[bytes], tag: int) -> Batch:
        """Keep the packets with their offsets in ``work``."""
        slots, offset = [], 0
        for header, payload in zip(headers, payloads, strict=True):
            packet = header + payload
            end = offset + len(packet) + tag
            slots.append((packet, offset, end))
            offset = end
        sizes = [end - start for _, start, end in slots]
        return Batch(sizes, offset, sum(map(len, payloads)), slots=tuple(slots))

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
