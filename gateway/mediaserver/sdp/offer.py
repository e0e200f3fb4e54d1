"""Reading a browser's SDP offer; every size is bounded, for anybody may send one."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
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


@dataclass(slots=True)
class Codec:
    """One payload type: RTP name as offered, clock rate, format parameters, feedback."""

    payload_type: int
    name: str = ""
    rate: int = 0
    parameters: dict[str, str] = field(default_factory=dict)
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
        elif kind == "a":
            name, _, rest = value.partition(":")
            _read_common(section, name, rest.strip())
            if isinstance(section, Media):
                _read_media(section, name, rest.strip())
            elif name == "group" and not offer.bundle:
                offer.bundle = _bundle(rest)
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


def _bundle(rest: str) -> tuple[str, ...]:
    semantics, *mids = rest.split()[: MAX_MEDIA + 1] or [""]
    return tuple(mids) if semantics == "BUNDLE" else ()


def _read_common(section: Offer | Media, name: str, rest: str) -> None:
    """Read what stands at the session's level or at an m-line's."""
    if name == "ice-ufrag":
        section.ice_ufrag = _match(_UFRAG, rest, "ice-ufrag")
    elif name == "ice-pwd":
        section.ice_password = _match(_PASSWORD, rest, "ice-pwd")
    elif name == "fingerprint":
        match = _FINGERPRINT.fullmatch(rest)
        if match is None:
            raise OfferMalformed("a=fingerprint cannot be read")
        section.fingerprints[match[1].lower()] = match[2]
    elif name == "setup":
        section.setup = rest
    elif name in _DIRECTIONS and not rest:
        section.direction = name


def _read_media(media: Media, name: str, rest: str) -> None:
    if name == "mid":
        media.mid = _match(_TOKEN, rest, "mid")
    elif name == "rtcp-mux":
        media.rtcp_mux = True
    elif name == "rtcp-rsize":
        media.rtcp_rsize = True
    elif name == "bundle-only":
        media.bundle_only = True
        media.rejected = False
    elif name == "rtpmap":
        _read_rtpmap(media, rest)
    elif name in ("fmtp", "rtcp-fb"):
        match = _NUMBERED.fullmatch(rest)
        for codec in _codecs(media, match[1]) if match else ():
            assert match is not None  # noqa: S101  # the loop is empty otherwise
            if name == "fmtp":
                codec.parameter_text = match[2]
                codec.parameters = _parameters(match[2])
            else:
                codec.feedback.add(" ".join(match[2].lower().split()))


def _read_rtpmap(media: Media, rest: str) -> None:
    match = _RTPMAP.fullmatch(rest)
    if match is None:
        return
    for codec in _codecs(media, match[1]):
        codec.name, codec.rate = match[2], int(match[3])


def _codecs(media: Media, number: str) -> Sequence[Codec]:
    if number == "*":
        return list(media.codecs.values())
    codec = media.codecs.get(int(number))
    return [codec] if codec else []


def _parameters(text: str) -> dict[str, str]:
    pairs = (item.partition("=") for item in text.split(";"))
    return {key.strip().lower(): value.strip() for key, _, value in pairs if key.strip()}


def _match(pattern: re.Pattern[str], value: str, what: str) -> str:
    if pattern.fullmatch(value) is None:
        raise OfferMalformed(f"a={what} cannot be read")
    return value
