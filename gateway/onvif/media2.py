"""The few calls of Media2 that are needed, as plain SOAP.

onvif-zeep ships no description of ONVIF's Media2 Service (ver20), and only Media2 can express
H.265 profiles.
"""

from typing import Final
from xml.sax.saxutils import escape

from lxml import etree

from gateway.model.device import Profile
from gateway.onvif.profiles import printable
from gateway.onvif.soap import SCHEMA as _SCHEMA
from gateway.onvif.soap import Questions

NAMESPACE: Final = "http://www.onvif.org/ver20/media/wsdl"
_MOST_PROFILES: Final = 256


class Media2:
    """A device's Media2 service."""

    def __init__(self, questions: Questions) -> None:
        self._ask = questions.ask

    def profiles(self) -> list[Profile]:
        """Return the profiles (GetProfiles with explicit types: "All" crashes some cameras)."""
        types = "".join(
            f"<m:Type>{kind}</m:Type>" for kind in ("VideoSource", "VideoEncoder", "AudioEncoder")
        )
        body = self._ask(f"<m:GetProfiles>{types}</m:GetProfiles>")
        found = list(body.iter(f"{{{NAMESPACE}}}Profiles"))[:_MOST_PROFILES]
        return [_profile(element) for element in found]

    def stream_uri(self, token: str) -> str:
        """Return a profile's RTSP address as the camera writes it."""
        body = self._ask(
            "<m:GetStreamUri><m:Protocol>RTSP</m:Protocol>"
            f"<m:ProfileToken>{escape(token)}</m:ProfileToken></m:GetStreamUri>"
        )
        return _text(body.find(f".//{{{NAMESPACE}}}Uri"))


def _profile(element: "etree._Element") -> Profile:
    encoder = element.find(f".//{{{NAMESPACE}}}VideoEncoder")
    codec = _text(_child(encoder, "Encoding")).upper().replace("H.", "H")
    return Profile(
        token=printable(element.get("token")),
        name=printable(_text(element.find(f"{{{NAMESPACE}}}Name"))),
        source=_text(element.find(f".//{{{NAMESPACE}}}VideoSource//{{{_SCHEMA}}}SourceToken"))
        or "0",
        codec=codec or None,
        width=_number(_child(encoder, "Resolution", "Width")),
        height=_number(_child(encoder, "Resolution", "Height")),
        fps=_number(_child(encoder, "RateControl", "FrameRateLimit")),
        gop=_integer(encoder.get("GovLength")) if encoder is not None else 0,
        bitrate=_number(_child(encoder, "RateControl", "BitrateLimit")) * 1000,
        encoder=encoder.get("token") if encoder is not None else None,
        media2=True,
    )


def _child(element: "etree._Element | None", *path: str) -> "etree._Element | None":
    for name in path:
        if element is None:
            return None
        element = element.find(f"{{{_SCHEMA}}}{name}")
    return element


def _text(element: "etree._Element | None") -> str:
    return "" if element is None or element.text is None else str(element.text).strip()[:2048]


def _number(element: "etree._Element | None") -> int:
    return _integer(_text(element))


def _integer(text: str | None) -> int:
    try:
        value = int(float(text or 0))
    except (ValueError, OverflowError):
        return 0
    return value if 0 < value < 1 << 31 else 0
