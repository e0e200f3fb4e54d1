"""What a player asks for in SETUP: the ``Transport`` header (RFC 2326 section 12.39)."""

import re
from dataclasses import dataclass
from typing import Final

_MOST_OFFERS: Final = 16
_RANGE: Final = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?")
_LAST_CHANNEL: Final = 255
_LAST_PORT: Final = 65535


@dataclass(frozen=True, slots=True)
class Offer:
    """One way that a player takes a track: two channels, or two UDP ports of its own host.

    ``pair`` is ``None`` for channels that the server may choose.
    """

    tcp: bool
    pair: tuple[int, int] | None


def offers(header: str) -> list[Offer]:
    """Return what we can do of a ``Transport`` header, in the player's order; others are left out.

    ``destination`` is never heeded: packets go to the host that asks for them.
    """
    found = []
    for one in header.split(",")[:_MOST_OFFERS]:
        kind, *rest = (part.strip() for part in one.split(";"))
        fields = {name.lower(): value for name, _, value in (part.partition("=") for part in rest)}
        if "multicast" in fields or fields.get("mode", "play").strip('"').lower() != "play":
            continue
        if kind.upper() == "RTP/AVP/TCP":
            offer = _pair(fields.get("interleaved"), _LAST_CHANNEL, least=0)
            if offer is not None or "interleaved" not in fields:
                found.append(Offer(tcp=True, pair=offer))
        elif kind.upper() in {"RTP/AVP", "RTP/AVP/UDP"}:
            ports = _pair(fields.get("client_port"), _LAST_PORT, least=1)
            if ports is not None:
                found.append(Offer(tcp=False, pair=ports))
    return found


def _pair(text: str | None, last: int, *, least: int) -> tuple[int, int] | None:
    match = _RANGE.fullmatch(text.strip()) if text else None
    if match is None:
        return None
    first = int(match[1])
    second = int(match[2]) if match[2] else first + 1
    fits = all(least <= number <= last for number in (first, second))
    return (first, second) if fits and first != second else None
