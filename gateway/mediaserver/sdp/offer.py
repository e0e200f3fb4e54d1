"""Reading a browser's SDP offer; every size is bounded, for anybody may send one."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from gateway.mediaserver.sdp.errors import OfferMalformed

MAX_BYTES: Final = 65_536
MAX_LINES: Final = 2_000
MAX_LINE: Final = 4_096
MAX_MEDIA: Final = 32
MAX_FORMATS: Final = 128

_TOKEN: Final = re.compile(r"[!-~]{1,64}")
_UFRAG: Final = re.compile(r"[A-Za-z0-9+/=_-]{1,256}")
_PASSWORD: Final = re.compile(r"[A-Za-z0-9+/=_-]{4,256}")
_FINGERPRINT: Final = re.compile(
    r"([A-Za-z0-9-]{3,16}) +((?:[0-9A-Fa-f]{2}:){15,63}[0-9A-Fa-f]{2})"
)
_MEDIA: Final = re.compile(
    r"([a-z]{1,16}) ([0-9]{1,5})(?:/[0-9]{1,5})? ([A-Za-z0-9/]{1,32})((?: [!-~]{1,64})+)"
)
_RTPMAP: Final = re.compile(r"([0-9]{1,3}) ([!-.0-~]{1,32})/([0-9]{1,6})(?:/[0-9]{1,2})?")
_NUMBERED: Final = re.compile(r"([0-9]{1,3}|\*) (.+)")
_DIRECTIONS: Final = frozenset(("sendrecv", "sendonly", "recvonly", "inactive"))
_MAX_PAYLOAD_TYPE: Final = 127
_REMEMBERED: Final = 512
"""Lines about codecs, which every browser of one kind repeats in every offer: a start costs
0.3 ms less when they are not read anew. Even the longest ones take 2 MB in all."""


@dataclass(slots=True)
class Codec:
    """One payload type: RTP name as offered, clock rate, format parameters, feedback."""

    payload_type: int
    name: str = ""
    rate: int = 0
    parameters: Mapping[str, str] = field(default_factory=dict)
    parameter_text: str = ""
    feedback: set[str] = field(default_factory=set)


@dataclass(slots=True, eq=False)
class Media:
    """One m-section. ``rejected`` means port 0 without bundle-only."""

    kind: str
    protocol: str
    formats: tuple[str, ...]
    rejected: bool = False
    mid: str | None = None
    direction: str = "sendrecv"
    codecs: dict[int, Codec] = field(default_factory=dict)
    rtcp_mux: bool = False
    rtcp_rsize: bool = False
    bundle_only: bool = False
    ice_ufrag: str | None = None
    ice_password: str | None = None
    fingerprints: dict[str, str] = field(default_factory=dict)
    setup: str | None = None

    @property
    def receives(self) -> bool:
        """Whether the browser is ready to receive it."""
        return not self.rejected and self.direction in ("sendrecv", "recvonly")


@dataclass(slots=True)
class Offer:
    """An offer; ``bundle`` holds the mids of its first BUNDLE group."""

    media: list[Media] = field(default_factory=list)
    bundle: tuple[str, ...] = ()
    direction: str = "sendrecv"
    ice_ufrag: str | None = None
    ice_password: str | None = None
    fingerprints: dict[str, str] = field(default_factory=dict)
    setup: str | None = None

    def ufrag(self, media: Media) -> str | None:
        """Return the browser's ICE user fragment for ``media``."""
        return media.ice_ufrag or self.ice_ufrag

    def password(self, media: Media) -> str | None:
        """Return the browser's ICE password for ``media``."""
        return media.ice_password or self.ice_password

    def certificate_hashes(self, media: Media) -> dict[str, str]:
        """Return fingerprints by hash function for ``media``."""
        return media.fingerprints or self.fingerprints

    def role(self, media: Media) -> str:
        """Return the DTLS role (``a=setup``) for ``media``; an offer's default is ``actpass``."""
        return media.setup or self.setup or "actpass"


def parse_offer(text: str) -> Offer:
    """Read an offer; raises :class:`OfferMalformed`.

    Attributes that are not needed are passed over, so that new browsers are understood.
    """
    offer = Offer()
    section: Offer | Media = offer
    for kind, value in _lines(text):
        if kind == "m":
            if len(offer.media) == MAX_MEDIA:
                raise OfferMalformed(f"it has more than {MAX_MEDIA} m-lines")
            section = _media(value)
            section.direction = offer.direction
            offer.media.append(section)
        else:
            name, _, rest = value.partition(":")
            read = _READERS.get(name)
            if read is not None:
                read(section, name, rest.strip())
    if not offer.media:
        raise OfferMalformed("it has no m-line")
    mids = [media.mid for media in offer.media if media.mid is not None]
    if len(set(mids)) != len(mids):
        raise OfferMalformed("two m-lines have the same mid")
    return offer


def _lines(text: str) -> Iterator[tuple[str, str]]:
    if len(text) > MAX_BYTES:
        raise OfferMalformed(f"it is larger than {MAX_BYTES} bytes")
    lines = text.replace("\r\n", "\n").split("\n")
    if len(lines) > MAX_LINES:
        raise OfferMalformed(f"it has more than {MAX_LINES} lines")
    if lines[0].strip() != "v=0":
        raise OfferMalformed("it does not begin with v=0")
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        if len(line) > MAX_LINE or line[1:2] != "=" or not line.isprintable():
            raise OfferMalformed(f"line {number} is not of the form letter=value")
        if line[0] in "ma":
            yield line[0], line[2:].strip()


def _media(value: str) -> Media:
    match = _MEDIA.fullmatch(value)
    if match is None:
        raise OfferMalformed("an m-line is not of the form kind port protocol formats")
    kind, port, protocol, formats = match.groups()
    listed = tuple(formats.split())
    if len(listed) > MAX_FORMATS:
        raise OfferMalformed(f"an m-line has more than {MAX_FORMATS} formats")
    media = Media(kind=kind, protocol=protocol, formats=listed, rejected=int(port) == 0)
    if kind in ("audio", "video"):
        for item in listed:
            if not item.isascii() or not item.isdigit() or int(item) > _MAX_PAYLOAD_TYPE:
                raise OfferMalformed("a payload type is not a number from 0 to 127")
            media.codecs[int(item)] = Codec(int(item))
        _name_static(media)
    return media


def _name_static(media: Media) -> None:
    """Give G.711 its name: its payload types need no rtpmap (RFC 3551 section 6)."""
    for number, name in ((0, "PCMU"), (8, "PCMA")):
        if media.kind == "audio" and number in media.codecs:
            media.codecs[number].name = name
            media.codecs[number].rate = 8000


def _read_group(section: Offer | Media, name: str, rest: str) -> None:
    del name
    if isinstance(section, Offer) and not section.bundle:
        semantics, *mids = rest.split()[: MAX_MEDIA + 1] or [""]
        section.bundle = tuple(mids) if semantics == "BUNDLE" else ()


def _read_transport(section: Offer | Media, name: str, rest: str) -> None:
    """Read what stands at the session's level or at an m-line's."""
    if name == "ice-ufrag":
        section.ice_ufrag = _match(_UFRAG, rest, "ice-ufrag")
    elif name == "ice-pwd":
        section.ice_password = _match(_PASSWORD, rest, "ice-pwd")
    elif name == "setup":
        section.setup = rest
    else:
        match = _FINGERPRINT.fullmatch(rest)
        if match is None:
            raise OfferMalformed("a=fingerprint cannot be read")
        section.fingerprints[match[1].lower()] = match[2]


def _read_direction(section: Offer | Media, name: str, rest: str) -> None:
    if not rest:
        section.direction = name


def _read_media(section: Offer | Media, name: str, rest: str) -> None:
    if not isinstance(section, Media):
        return
    if name == "mid":
        section.mid = _match(_TOKEN, rest, "mid")
    elif name == "rtcp-mux":
        section.rtcp_mux = True
    elif name == "rtcp-rsize":
        section.rtcp_rsize = True
    else:
        section.bundle_only = True
        section.rejected = False


def _read_rtpmap(section: Offer | Media, name: str, rest: str) -> None:
    del name
    if isinstance(section, Media) and (found := _rtpmap(rest)) is not None:
        number, encoding, rate = found
        for codec in _codecs(section, number):
            codec.name, codec.rate = encoding, rate


def _read_format(section: Offer | Media, name: str, rest: str) -> None:
    del name
    if isinstance(section, Media) and (found := _format(rest)) is not None:
        number, text, parameters = found
        for codec in _codecs(section, number):
            codec.parameter_text, codec.parameters = text, parameters


def _read_feedback(section: Offer | Media, name: str, rest: str) -> None:
    del name
    if isinstance(section, Media) and (found := _feedback(rest)) is not None:
        number, text = found
        for codec in _codecs(section, number):
            codec.feedback.add(text)


_READERS: Final[Mapping[str, Callable[[Offer | Media, str, str], None]]] = {
    "group": _read_group,
    **dict.fromkeys(("ice-ufrag", "ice-pwd", "fingerprint", "setup"), _read_transport),
    **dict.fromkeys(_DIRECTIONS, _read_direction),
    **dict.fromkeys(("mid", "rtcp-mux", "rtcp-rsize", "bundle-only"), _read_media),
    "rtpmap": _read_rtpmap,
    "fmtp": _read_format,
    "rtcp-fb": _read_feedback,
}
"""By attribute; most lines of an offer are about none of these."""


def _codecs(media: Media, number: str) -> Sequence[Codec]:
    if number == "*":
        return list(media.codecs.values())
    codec = media.codecs.get(int(number))
    return [codec] if codec else []


@lru_cache(_REMEMBERED)
def _rtpmap(text: str) -> tuple[str, str, int] | None:
    match = _RTPMAP.fullmatch(text)
    return None if match is None else (match[1], match[2], int(match[3]))


@lru_cache(_REMEMBERED)
def _format(text: str) -> tuple[str, str, Mapping[str, str]] | None:
    match = _NUMBERED.fullmatch(text)
    if match is None:
        return None
    pairs = (item.partition("=") for item in match[2].split(";"))
    parameters = {key.strip().lower(): value.strip() for key, _, value in pairs if key.strip()}
    return match[1], match[2], MappingProxyType(parameters)


@lru_cache(_REMEMBERED)
def _feedback(text: str) -> tuple[str, str] | None:
    match = _NUMBERED.fullmatch(text)
    return None if match is None else (match[1], " ".join(match[2].lower().split()))


def _match(pattern: re.Pattern[str], value: str, what: str) -> str:
    if pattern.fullmatch(value) is None:
        raise OfferMalformed(f"a={what} cannot be read")
    return value
