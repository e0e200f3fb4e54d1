"""WS-Discovery messages: probes out, answers of untrusted devices in.

WS-Discovery 2005/04 (the version that the ONVIF Core Specification section 7 prescribes) over
SOAP-over-UDP 1.0.
"""

import uuid
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from lxml import etree

LARGEST_ANSWER: Final = 16_384
"""Bytes; a UDP answer that is larger is no camera's."""
_MOST_XADDRS: Final = 8
_LONGEST_TEXT: Final = 200

_SOAP: Final = "http://www.w3.org/2003/05/soap-envelope"
_ADDRESSING: Final = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
_DISCOVERY: Final = "http://schemas.xmlsoap.org/ws/2005/04/discovery"
_NETWORK: Final = "http://www.onvif.org/ver10/network/wsdl"
_SCOPE: Final = "onvif://www.onvif.org/"
_HINTS: Final = ("name", "hardware", "location", "mac")


@dataclass(frozen=True, slots=True)
class ProbeMatch:
    """One device's answer, nothing of it verified.

    ``relates_to`` is the lower-cased id of the probe that it answers, without ``urn:uuid:``.
    """

    relates_to: str
    endpoint: str
    xaddrs: tuple[str, ...]
    scopes: dict[str, str]


def new_message_id() -> str:
    """Return a fresh message id without its ``urn:uuid:`` prefix."""
    return str(uuid.uuid4())


def probe(message_id: str, *, typed: bool) -> bytes:
    """Return a Probe for video transmitters, or for anything at all when not ``typed``.

    Some devices answer only the typed form and some only the empty one, so both are sent.
    """
    types = "<d:Types>dn:NetworkVideoTransmitter</d:Types>" if typed else "<d:Types/>"
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<e:Envelope xmlns:e="{_SOAP}" xmlns:w="{_ADDRESSING}" xmlns:d="{_DISCOVERY}"'
        f' xmlns:dn="{_NETWORK}"><e:Header>'
        f"<w:MessageID>urn:uuid:{message_id}</w:MessageID>"
        "<w:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</w:To>"
        f"<w:Action>{_DISCOVERY}/Probe</w:Action>"
        f"</e:Header><e:Body><d:Probe>{types}</d:Probe></e:Body></e:Envelope>"
    ).encode()


def parse(datagram: bytes) -> list[ProbeMatch]:
    """Return the matches of an answer; an empty list for anything that is none.

    Never raises: whoever is on the network can send us anything.
    """
    if len(datagram) > LARGEST_ANSWER:
        return []
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, recover=True, huge_tree=False, load_dtd=False
    )
    try:
        root = etree.fromstring(datagram, parser)
    except (etree.XMLSyntaxError, ValueError):
        return []
    if root is None:
        return []
    relates_to = _bare_id(_text(root.find(f".//{{{_ADDRESSING}}}RelatesTo")))
    return [_match(element, relates_to) for element in root.iter(f"{{{_DISCOVERY}}}ProbeMatch")]


def _match(element: "etree._Element", relates_to: str) -> ProbeMatch:
    endpoint = _text(element.find(f"{{{_ADDRESSING}}}EndpointReference/{{{_ADDRESSING}}}Address"))
    xaddrs = _text(element.find(f"{{{_DISCOVERY}}}XAddrs"), longest=4096).split()
    scopes = _text(element.find(f"{{{_DISCOVERY}}}Scopes"), longest=4096).split()
    return ProbeMatch(
        relates_to=relates_to,
        endpoint=_bare_id(endpoint),
        xaddrs=tuple(dict.fromkeys(xaddrs[:_MOST_XADDRS])),
        scopes=_hints(scopes),
    )


def _hints(scopes: list[str]) -> dict[str, str]:
    """Return the first value of each scope that helps a person to recognise the device."""
    hints: dict[str, str] = {}
    for scope in scopes:
        key, _, value = scope.removeprefix(_SCOPE).partition("/")
        if scope.startswith(_SCOPE) and key in _HINTS and value:
            hints.setdefault(key, _printable(unquote(value)))
    return hints


def _text(element: "etree._Element | None", *, longest: int = _LONGEST_TEXT) -> str:
    if element is None or element.text is None:
        return ""
    return str(element.text).strip()[:longest]


def _printable(text: str) -> str:
    return "".join(char for char in text if char.isprintable())[:_LONGEST_TEXT]


def _bare_id(text: str) -> str:
    return text.lower().removeprefix("urn:").removeprefix("uuid:")
