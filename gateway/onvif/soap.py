"""Questions in SOAP 1.2 without a WSDL, for what the bundled descriptions do not know.

The services and their elements are those of the ONVIF Media service specifications.
"""

import base64
import hashlib
import os
from datetime import UTC, datetime, timedelta
from typing import Final
from xml.sax.saxutils import escape

from lxml import etree

from gateway.model.site import Credential
from gateway.onvif.failures import bad_answer, denied
from gateway.onvif.transport import CameraTransport

SCHEMA: Final = "http://www.onvif.org/ver10/schema"
_SOAP: Final = "http://www.w3.org/2003/05/soap-envelope"
_WSSE: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
_WSU: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
_DIGEST: Final = (
    "http://docs.oasis-open.org/wss/2004/01/"
    "oasis-200401-wss-username-token-profile-1.0#PasswordDigest"
)
_HEADERS: Final = {"Content-Type": "application/soap+xml; charset=utf-8"}
_OK: Final = 200


class Questions:
    """One service of a device: ``m:`` in a question is its ``namespace``, ``tt:`` the schema's.

    ``skew`` is the camera's clock minus ours.
    """

    def __init__(
        self,
        url: str,
        namespace: str,
        *,
        transport: CameraTransport,
        credential: Credential | None,
        skew: timedelta,
    ) -> None:
        self.namespace = namespace
        self._url = url
        self._transport = transport
        self._credential = credential
        self._skew = skew

    def ask(self, question: str) -> "etree._Element":
        """Return the answer's envelope; blocks, and raises DeviceError."""
        envelope = (
            '<?xml version="1.0" encoding="UTF-8"?>'
            f'<s:Envelope xmlns:s="{_SOAP}" xmlns:m="{self.namespace}" xmlns:tt="{SCHEMA}">'
            f"{self._security()}<s:Body>{question}</s:Body></s:Envelope>"
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
