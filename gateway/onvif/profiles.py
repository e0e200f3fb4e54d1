"""From a device's profiles to its pictures: the best and the lightest profile of each (pure)."""

import html
import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from gateway.model.device import Profile, VideoSource

_NARROWEST_SUB: Final = 320
_SPACE: Final = re.compile(r"[\x00-\x20\x7f]+")


def choose(profiles: Iterable[Profile]) -> tuple[VideoSource, ...]:
    """Group profiles by video source; main has most pixels, sub is the smallest usable one.

    H.264 comes before other codecs for the sub stream, since every browser plays it.
    """
    by_source: dict[str, list[Profile]] = {}
    for profile in profiles:
        if profile.rtsp:
            by_source.setdefault(profile.source, []).append(profile)
    return tuple(_source(token, group) for token, group in by_source.items())


def _source(token: str, group: Sequence[Profile]) -> VideoSource:
    main = max(group, key=lambda profile: (profile.width * profile.height, profile.fps))
    lighter = [
        profile
        for profile in group
        if profile.rtsp != main.rtsp
        and profile.width * profile.height < main.width * main.height
        and (profile.width >= _NARROWEST_SUB or profile.width == 0)
    ]
    sub = min(
        lighter,
        key=lambda profile: (profile.codec != "H264", profile.width * profile.height, profile.fps),
        default=None,
    )
    return VideoSource(token, main, sub)


def merge(media1: Sequence[Profile], media2: Sequence[Profile]) -> tuple[Profile, ...]:
    """Prefer Media2's profiles: Media1 cannot express H.265 and some cameras lie there."""
    tokens = {profile.token for profile in media2}
    return (*media2, *(profile for profile in media1 if profile.token not in tokens))


def clean_rtsp(uri: str, address: str) -> str | None:
    """Return a camera's stream URI as it is usable from here, without user and password.

    Cameras escape twice, add blanks, name addresses that only they see, and put the password in.
    The host becomes ``address``, at which the camera has answered; its port is kept.
    """
    text = _SPACE.sub("", html.unescape(html.unescape(uri)))
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme.lower() not in {"rtsp", "rtsps"}:
        return None
    host = f"[{address}]" if _is_ipv6(address) else address
    netloc = host if port in {None, 554} else f"{host}:{port}"
    return urlunsplit(("rtsp", netloc, parts.path or "/", parts.query, ""))


def _is_ipv6(address: str) -> bool:
    try:
        return isinstance(ipaddress.ip_address(address), ipaddress.IPv6Address)
    except ValueError:
        return False


def with_uri(profile: Profile, uri: str, address: str) -> Profile:
    """Return the profile with its stream's address."""
    return replace(profile, rtsp=clean_rtsp(uri, address))


def from_media1(found: Any) -> Profile:
    """Read one profile of Media1 (ONVIF Media Service ver10, GetProfiles)."""
    encoder = getattr(found, "VideoEncoderConfiguration", None)
    codec = _text(getattr(encoder, "Encoding", None)).upper() or None
    detail = getattr(encoder, "H264", None) or getattr(encoder, "MPEG4", None)
    limits = getattr(encoder, "RateControl", None)
    resolution = getattr(encoder, "Resolution", None)
    source = getattr(found, "VideoSourceConfiguration", None)
    return Profile(
        token=_text(getattr(found, "token", None)),
        name=_text(getattr(found, "Name", None)),
        source=_text(getattr(source, "SourceToken", None)) or "0",
        codec=codec,
        width=_number(getattr(resolution, "Width", None)),
        height=_number(getattr(resolution, "Height", None)),
        fps=_number(getattr(limits, "FrameRateLimit", None)),
        gop=_number(getattr(detail, "GovLength", None)),
        bitrate=_number(getattr(limits, "BitrateLimit", None)) * 1000,
        encoder=_text(getattr(encoder, "token", None)) or None,
    )


def _number(value: Any) -> int:
    return int(value) if isinstance(value, int | float) and 0 < value < 1 << 31 else 0


def _text(value: Any) -> str:
    return "".join(char for char in str(value or "") if char.isprintable()).strip()[:200]


def printable(value: Any) -> str:
    """Return a camera's text without control characters, at most 200 characters."""
    return _text(value)
