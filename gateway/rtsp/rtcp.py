"""RTCP (RFC 3550 section 6): what the camera reports, and the receiver reports it waits for."""

import struct
from dataclasses import dataclass, field
from typing import Final

from gateway.rtsp.rtp import Reception

_SENDER_REPORT: Final = 200
_GOODBYE: Final = 203
_HEADER: Final = struct.Struct("!BBH")
_REPORT: Final = struct.Struct("!BBHIIIIIII")
_DESCRIPTION: Final = struct.Struct("!BBHIBB")
_CNAME: Final = b"camera-gateway"


@dataclass(slots=True)
class Reporter:
    """The receiver's side of one track's RTCP. ``ssrc`` is ours, drawn by the caller."""

    reception: Reception
    ssrc: int
    ended: bool = False
    _last_report: int = field(default=0, init=False)
    _last_arrival: float = field(default=0.0, init=False)
    _expected: int = field(default=0, init=False)
    _lost: int = field(default=0, init=False)

    def received(self, data: memoryview, arrival: float) -> None:
        """Read a compound packet; what is broken is passed over.

        ``ended`` becomes true at a BYE of the track's own source.
        """
        at = 0
        while at + 8 <= len(data):
            first, kind, words = _HEADER.unpack_from(data, at)
            stop = at + 4 * (words + 1)
            if first >> 6 != 2 or stop > len(data):  # noqa: PLR2004  # RTP version 2
                return
            ssrc = int.from_bytes(data[at + 4 : at + 8], "big")
            if kind == _SENDER_REPORT and stop - at >= 28:  # noqa: PLR2004  # with sender info
                # The middle 32 of the 64 bits of NTP time.
                self._last_report = int.from_bytes(data[at + 10 : at + 14], "big")
                self._last_arrival = arrival
            elif kind == _GOODBYE and first & 0x1F and ssrc == self.reception.ssrc:
                self.ended = self.reception.started
            at = stop

    def report(self, now: float) -> bytes:
        """Write a receiver report with our name, as a camera wants it every few seconds."""
        seen = self.reception
        expected, lost = seen.expected, seen.lost
        step, missing = expected - self._expected, max(0, lost - self._lost)
        self._expected, self._lost = expected, lost
        fraction = min(255, (missing << 8) // step) if step > 0 else 0
        since = int((now - self._last_arrival) * 65536) if self._last_report else 0
        report = _REPORT.pack(
            0x81,
            201,
            7,
            self.ssrc,
            seen.ssrc,
            fraction << 24 | min(lost, 0x7FFFFF),
            max(0, seen.highest) & 0xFFFFFFFF,
            int(seen.jitter) & 0xFFFFFFFF,
            self._last_report,
            max(0, since) & 0xFFFFFFFF,
        )
        padding = 4 - (2 + len(_CNAME)) % 4
        words = (8 + 2 + len(_CNAME) + padding) // 4 - 1
        name = _DESCRIPTION.pack(0x81, 202, words, self.ssrc, 1, len(_CNAME))
        return report + name + _CNAME + b"\0" * padding
