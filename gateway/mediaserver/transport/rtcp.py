"""RTCP (RFC 3550, 3611, 4585): what viewers report, and the reports that they are sent."""

import struct
import time
from dataclasses import dataclass, field
from typing import Final

SENDER_REPORT: Final = 200
RECEIVER_REPORT: Final = 201
SOURCE_DESCRIPTION: Final = 202
BYE: Final = 203
TRANSPORT_FEEDBACK: Final = 205
PAYLOAD_FEEDBACK: Final = 206
EXTENDED_REPORT: Final = 207

_GENERIC_NACK: Final = 1
_PICTURE_LOSS: Final = 1
_FULL_INTRA: Final = 4
_REFERENCE_TIME: Final = 4
_REFERENCE_BYTES: Final = 12
_SINCE_REFERENCE: Final = 5
_NTP_EPOCH: Final = 2_208_988_800
_MOST_NACKS: Final = 512
_LEAST_BYTES: Final = 8
_VERSION: Final = 2


@dataclass(slots=True)
class Feedback:
    """What one compound packet of a viewer says.

    ``nacks`` are sequence numbers that it misses (at most 512), by media SSRC. ``reference`` is
    its SSRC and the middle 32 bits of its NTP clock, sent back by :func:`echo`.
    """

    nacks: list[tuple[int, int]] = field(default_factory=list)
    reference: tuple[int, int] | None = None
    picture_lost: bool = False
    bye: bool = False


def parse(data: bytes) -> Feedback:
    """Read a decrypted compound packet; what is malformed or not needed is passed over."""
    feedback = Feedback()
    position, end = 0, len(data)
    while position + _LEAST_BYTES <= end:
        first, kind, words = struct.unpack_from("!BBH", data, position)
        stop = position + 4 * (words + 1)
        if first >> 6 != _VERSION or stop > end:
            break
        _read(feedback, first & 31, kind, data[position + 4 : stop])
        position = stop
    return feedback


def _read(feedback: Feedback, count: int, kind: int, body: bytes) -> None:
    if kind == TRANSPORT_FEEDBACK and count == _GENERIC_NACK:
        _read_nacks(feedback, body)
    elif kind == PAYLOAD_FEEDBACK and count in (_PICTURE_LOSS, _FULL_INTRA):
        feedback.picture_lost = True
    elif kind == EXTENDED_REPORT:
        _read_reference(feedback, body)
    elif kind == BYE:
        feedback.bye = True


def _read_reference(feedback: Feedback, body: bytes) -> None:
    """Find the receiver reference time among the blocks of an extended report (RFC 3611 4.4)."""
    position = 4
    while position + _REFERENCE_BYTES <= len(body):
        kind, _, words = struct.unpack_from("!BBH", body, position)
        if kind == _REFERENCE_TIME:
            clock: int = struct.unpack_from("!I", body, position + 6)[0]
            feedback.reference = int.from_bytes(body[:4], "big"), clock
            return
        position += 4 * (words + 1)


def _read_nacks(feedback: Feedback, body: bytes) -> None:
    if len(body) < _LEAST_BYTES:
        return
    media: int = struct.unpack_from("!I", body, 4)[0]
    nacks = feedback.nacks
    for position in range(8, len(body) - 3, 4):
        first, mask = struct.unpack_from("!HH", body, position)
        nacks.append((media, first))
        for bit in range(16):
            if mask >> bit & 1:
                nacks.append((media, first + bit + 1 & 0xFFFF))
        if len(nacks) >= _MOST_NACKS:
            del nacks[_MOST_NACKS:]
            return


def sender_report(
    *, ssrc: int, rtp_time: int, packets: int, octets: int, cname: str, wall: float | None = None
) -> bytes:
    """Return a sender report with the source's name (RFC 3550 sections 6.4.1 and 6.5).

    ``rtp_time`` is the RTP time of the moment ``wall`` (seconds since 1970; now when absent).
    """
    ntp = int(((time.time() if wall is None else wall) + _NTP_EPOCH) * (1 << 32))
    report = struct.pack(
        "!BBHIQIII",
        0x80,
        SENDER_REPORT,
        6,
        ssrc,
        ntp & 0xFFFFFFFFFFFFFFFF,
        rtp_time & 0xFFFFFFFF,
        packets & 0xFFFFFFFF,
        octets & 0xFFFFFFFF,
    )
    return report + _description(ssrc, cname)


def echo(*, ssrc: int, reference: tuple[int, int], cname: str) -> bytes:
    """Return a compound packet that sends a receiver's clock back to it (RFC 3611 section 4.5).

    By it the receiver knows the round trip; it is meant to be sent at once (a delay of 0).
    """
    report = struct.pack("!BBHI", 0x80, RECEIVER_REPORT, 1, ssrc)
    since = struct.pack("!BBHIII", _SINCE_REFERENCE, 0, 3, *reference, 0)
    extended = struct.pack("!BBHI", 0x80, EXTENDED_REPORT, 1 + len(since) // 4, ssrc) + since
    return report + _description(ssrc, cname) + extended


def bye(ssrcs: tuple[int, ...], cname: str) -> bytes:
    """Return a compound packet that takes leave of all ``ssrcs`` (one to 31)."""
    report = struct.pack("!BBHI", 0x80, RECEIVER_REPORT, 1, ssrcs[0])
    leave = struct.pack(f"!BBH{len(ssrcs)}I", 0x80 | len(ssrcs), BYE, len(ssrcs), *ssrcs)
    return report + _description(ssrcs[0], cname) + leave


def _description(ssrc: int, cname: str) -> bytes:
    name = cname.encode()[:255]
    item = struct.pack("!IBB", ssrc, 1, len(name)) + name + b"\x00"
    item += bytes(-len(item) % 4)
    return struct.pack("!BBH", 0x81, SOURCE_DESCRIPTION, len(item) // 4) + item
