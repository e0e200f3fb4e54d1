"""What a camera says it sends: the answer to DESCRIBE (RFC 8866, RFC 2326 appendix C).

Only what is needed to set a track up and to read its packets; lines that mean nothing to us, or
that are broken, are passed over.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from gateway.model.errors import ErrorKind, GatewayError
from gateway.rtsp.address import join

MAX_TRACKS: Final = 16
_ABSOLUTE: Final = re.compile(r"(?i)^rtsp[stu]?://")
_USERINFO: Final = re.compile(r"(?i)^(rtsp[stu]?://)[^/?#]*@")
_FORBIDDEN: Final = re.compile(r"[\x00-\x20\x7f]")
# RFC 3551 section 6: payload types that need no rtpmap.
_STATIC: Final = MappingProxyType(
    {0: ("PCMU", 8000), 8: ("PCMA", 8000), 9: ("G722", 8000), 14: ("MPA", 90000),
     26: ("JPEG", 90000), 32: ("MPV", 90000), 33: ("MP2T", 90000)}
)  # fmt: skip


class Kind(StrEnum):
    """What a track carries."""

    VIDEO = "video"
    AUDIO = "audio"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Track:
    """One media of a camera.

    ``codec`` is the encoding name in capitals (``H264``, ``PCMA``, ``MPEG4-GENERIC``), empty when
    unknown; ``fmtp`` has lower-case keys; ``control`` is the URL of its SETUP.
    """

    kind: Kind
    codec: str
    payload_type: int
    clock_rate: int
    control: str
    channels: int = 1
    fmtp: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SessionDescription:
    """All tracks, and the URL that PLAY and TEARDOWN name."""

    tracks: tuple[Track, ...]
    control: str

    def first(self, kind: Kind, codecs: frozenset[str] | None = None) -> Track | None:
        """Return the first track of a kind (and of one of ``codecs``)."""
        for track in self.tracks:
            if track.kind is kind and (codecs is None or track.codec in codecs):
                return track
        return None


@dataclass(slots=True)
class _Media:
    kind: Kind
    payload_type: int
    rtpmap: str = ""
    fmtp: str = ""
    control: str = ""


def parse(body: bytes, base: str) -> SessionDescription:
    """Read an SDP; ``base`` is what relative control addresses stand on.

    Raises CAMERA_BAD_ANSWER when it names no media at all.
    """
    session_control, medias = _scan(body.decode("utf-8", "replace"))
    if not medias:
        raise GatewayError(
            ErrorKind.CAMERA_BAD_ANSWER,
            "the camera's description (SDP) names no media",
            "check the stream path of the address",
        )
    aggregate = resolve(base, session_control)
    tracks = tuple(_track(media, aggregate if session_control else base) for media in medias)
    return SessionDescription(tracks, aggregate)


def _scan(text: str) -> tuple[str, list[_Media]]:
    session_control = ""
    medias: list[_Media] = []
    for raw in text.splitlines():
        line = raw.strip()
        if line.startswith("m=") and len(medias) < MAX_TRACKS:
            medias.append(_media(line[2:]))
        elif line.startswith("a=control:"):
            if medias:
                medias[-1].control = line[10:].strip()
            else:
                session_control = line[10:].strip()
        elif medias and line.startswith(("a=rtpmap:", "a=fmtp:")):
            _attribute(medias[-1], line)
    return session_control, medias


def _media(text: str) -> _Media:
    words = text.split()
    kind = words[0].lower() if words else ""
    number = words[3] if len(words) > 3 else ""  # noqa: PLR2004  # media port proto format
    valid = number.isascii() and number.isdigit() and len(number) < 4  # noqa: PLR2004  # 0..127
    return _Media(
        Kind(kind) if kind in {Kind.VIDEO, Kind.AUDIO} else Kind.OTHER,
        int(number) & 0x7F if valid else -1,
    )


def _attribute(media: _Media, line: str) -> None:
    name, _, rest = line[2:].partition(":")
    number, _, value = rest.strip().partition(" ")
    if number != str(media.payload_type):
        return
    if name == "rtpmap":
        media.rtpmap = media.rtpmap or value.strip()
    else:
        media.fmtp = media.fmtp or value.strip()


def _track(media: _Media, base: str) -> Track:
    codec, clock_rate = _STATIC.get(media.payload_type, ("", 0))
    channels = 1
    if media.rtpmap:
        parts = media.rtpmap.split("/")
        codec = parts[0].strip().upper()
        clock_rate = _number(parts[1]) if len(parts) > 1 else clock_rate
        channels = _number(parts[2]) or 1 if len(parts) > 2 else 1  # noqa: PLR2004  # name/clock/channels
    return Track(
        kind=media.kind,
        codec="H265" if codec == "HEVC" else codec,
        payload_type=media.payload_type,
        clock_rate=clock_rate or (90000 if media.kind is Kind.VIDEO else 8000),
        control=resolve(base, media.control),
        channels=channels,
        fmtp=MappingProxyType(_parameters(media.fmtp)),
    )


def _number(text: str) -> int:
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 8 else 0  # noqa: PLR2004  # no clock is faster


def _parameters(text: str) -> dict[str, str]:
    values: dict[str, str] = {}
    for part in text.split(";"):
        name, equals, value = part.partition("=")
        if equals and name.strip():
            values.setdefault(name.strip().lower(), value.strip())
    return values


def resolve(base: str, control: str) -> str:
    """Return the URL of a control attribute.

    RFC 2326 appendix C.1.1 wants RFC 1808 joining, which would cut the last path segment off;
    cameras mean "base, slash, control", and a base may end in a query. So relative texts are
    appended, absolute paths replace the path, absolute URLs stand for themselves. Users and
    passwords are left out, wherever a camera has written them.
    """
    return _USERINFO.sub(r"\1", _joined(base, _FORBIDDEN.sub("", control)))


def _joined(base: str, control: str) -> str:
    if control in {"", "*"}:
        return base
    if _ABSOLUTE.match(control):
        return control
    if control.startswith("/"):
        return join(base, "/")[:-1] + control
    if control.startswith("?") or base.endswith("/"):
        return base + control
    return f"{base}/{control}"
