"""The few calls of Media2 that are needed, as plain SOAP.

onvif-zeep ships no description of ONVIF's Media2 Service (ver20), and only Media2 can express
H.265 profiles.
"""

import base64
import hashlib
import os
from datetime import UTC, datetime, timedelta
from typing import Final
from xml.sax.saxutils import escape

from lxml import etree

from gateway.model.device import Profile
from gateway.model.site import Credential
from gateway.onvif.failures import bad_answer, denied
from gateway.onvif.profiles import printable
from gateway.onvif.transport import CameraTransport

NAMESPACE: Final = "http://www.onvif.org/ver20/media/wsdl"
_SCHEMA: Final = "http://www.onvif.org/ver10/schema"
_SOAP: Final = "http://www.w3.org/2003/05/soap-envelope"
_WSSE: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
_WSU: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
_DIGEST: Final = (
    "http://docs.oasis-open.org/wss/2004/01/"
    "oasis-200401-wss-username-token-profile-1.0#PasswordDigest"
)
_HEADERS: Final = {"Content-Type": "application/soap+xml; charset=utf-8"}
_OK: Final = 200
_MOST_PROFILES: Final = 256


class Media2:
    """A device's Media2 service at ``url``; ``skew`` is the camera's clock minus ours."""

    def __init__(
        self,
        url: str,
        transport: CameraTransport,
        credential: Credential | None,
        skew: timedelta,
    ) -> None:
        self._url = url
        self._transport = transport
        self._credential = credential
        self._skew = skew

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

    def _ask(self, question: str) -> "etree._Element":
        envelope = (
            '<?xml version="1.0" encoding="UTF-8"?>'
            f'<s:Envelope xmlns:s="{_SOAP}" xmlns:m="{NAMESPACE}">{self._security()}'
            f"<s:Body>{question}</s:Body></s:Envelope>"
        )
        answer = self._transport.post(self._url, envelope.encode(), dict(_HEADERS))
        parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True)
        try:
            root = etree.fromstring(answer.content, parser)
        except (etree.XMLSyntaxError, ValueError) as error:
            raise bad_answer() from error
        if root is None:
            raise bad_answer()
        if root.find(f".//{{{_SOAP}}}Fault") is not None or answer.status_code != _OK:
            raise denied() if b"NotAuthorized" in answer.content else bad_answer()
        return root

    def _security(self) -> str:
        """Return the WS-UsernameToken header (OASIS UsernameToken Profile 1.0, digest)."""
        if self._credential is None:
            return ""
        created = (datetime.now(UTC) + self._skew).strftime("%Y-%m-%dT%H:%M:%SZ")
        nonce = os.urandom(16)
        password = self._credential.password.reveal().encode()
        digest = hashlib.sha1(nonce + created.encode() + password).digest()  # noqa: S324  # the profile's own digest
        return (
            f'<s:Header><w:Security xmlns:w="{_WSSE}" xmlns:u="{_WSU}"><w:UsernameToken>'
            f"<w:Username>{escape(self._credential.username)}</w:Username>"
            f'<w:Password Type="{_DIGEST}">{base64.b64encode(digest).decode()}</w:Password>'
            f"<w:Nonce>{base64.b64encode(nonce).decode()}</w:Nonce>"
            f"<u:Created>{created}</u:Created></w:UsernameToken></w:Security></s:Header>"
        )


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
