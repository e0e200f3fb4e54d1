"""An encoded minute: H.264 access units, ready to be sent over RTP again and again."""

from dataclasses import dataclass

_START = b"\x00\x00\x01"
_FU_A = 28
_SPS, _PPS, _IDR = 7, 8, 5


@dataclass(frozen=True, slots=True)
class Picture:
    """One frame: RTP payloads (RFC 6184 packetization-mode 1) in sending order."""

    payloads: tuple[bytes, ...]
    key: bool


class Clip:
    """A closed loop of ``length`` frames; it may be filled while it already plays.

    Each key frame brings SPS and PPS, so that a viewer can begin at any of them.
    """

    def __init__(
        self, *, width: int, height: int, fps: int, length: int, payload_size: int = 1400
    ) -> None:
        self.width, self.height, self.fps = width, height, fps
        self.length = length
        self.sps = self.pps = b""
        self._payload_size = payload_size
        self._pictures: list[Picture | None] = [None] * length

    @property
    def seconds(self) -> float:
        """How long the loop lasts."""
        return self.length / self.fps

    def put(self, frame: int, unit: bytes) -> None:
        """Set one frame from its Annex B access unit."""
        nals = nal_units(unit)
        for nal in nals:
            if nal[0] & 31 == _SPS:
                self.sps = nal
            elif nal[0] & 31 == _PPS:
                self.pps = nal
        self._pictures[frame] = Picture(
            payloads=tuple(part for nal in nals for part in payloads(nal, self._payload_size)),
            key=any(nal[0] & 31 == _IDR for nal in nals),
        )

    def picture(self, number: int) -> Picture | None:
        """Return frame ``number`` of the endless repetition; None when it is not there yet."""
        return self._pictures[number % self.length]

    def key_before(self, number: int) -> int:
        """Return the number of the newest key frame at or before ``number``; else ``number``."""
        for earlier in range(number, number - self.length, -1):
            picture = self.picture(earlier)
            if picture is None:
                break
            if picture.key:
                return earlier
        return number


def nal_units(unit: bytes) -> list[bytes]:
    """Split an Annex B access unit (ITU-T H.264 annex B) at its start codes."""
    nals = [part.rstrip(b"\x00") for part in unit.split(_START)[1:]]
    return [nal for nal in nals if nal]


def payloads(nal: bytes, size: int) -> list[bytes]:
    """Return ``nal`` as one payload, or as FU-A fragments (RFC 6184 section 5.8)."""
    if len(nal) <= size:
        return [nal]
    indicator = bytes([nal[0] & 0xE0 | _FU_A])
    kind, body, step = nal[0] & 31, nal[1:], size - 2
    fragments = []
    for start in range(0, len(body), step):
        header = kind | (0x80 if start == 0 else 0) | (0x40 if start + step >= len(body) else 0)
        fragments.append(indicator + bytes([header]) + body[start : start + step])
    return fragments
