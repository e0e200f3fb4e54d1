"""What a search of a building's network has seen: hints until the device itself was asked."""

from dataclasses import dataclass, field
from enum import StrEnum


class Heard(StrEnum):
    """How a device made itself known."""

    MULTICAST = "multicast"
    DIRECTED = "directed"
    TCP = "tcp"


@dataclass(frozen=True, slots=True)
class FoundDevice:
    """One address of a site's network at which a camera may be.

    ``address`` is the address that answered. ``xaddrs`` are device-service URLs to try, in order,
    all of them inside the site's networks. ``scopes`` are the device's own words (name, hardware,
    location): hints for people, never an identity. ``onvif`` is False where only an RTSP port
    answers: a camera whose ONVIF is switched off.
    """

    address: str
    xaddrs: tuple[str, ...] = ()
    endpoint: str = ""
    scopes: dict[str, str] = field(default_factory=dict, hash=False)
    heard: frozenset[Heard] = frozenset()
    onvif: bool = True
    mac: str | None = None
