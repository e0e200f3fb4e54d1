"""How much one client may ask of the gateway, in bounded memory."""

import ipaddress
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from gateway.kit.clock import Clock

LOOPBACK: Final = "loopback"
"""The one name of every client that comes over loopback."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The gateway's limits; times in seconds.

    ``burst`` and ``per_second`` bound how fast one client address may start and stop plays,
    ``plays_per_client`` and ``streams_per_client`` how many plays and event streams it may hold
    (a whole building may share one address). A reverse proxy on the same machine makes all
    clients look like loopback, and forwarded addresses are not trusted, so loopback is bound only
    by the totals unless ``limit_loopback`` is set.
    """

    burst: int = 120
    per_second: float = 10.0
    plays_per_client: int = 200
    plays_total: int = 20_000
    starting_total: int = 500
    waiting_per_client: int = 50
    waiting_per_site: int = 1_000
    streams_per_client: int = 200
    streams_total: int = 5_000
    clients_remembered: int = 10_000
    limit_loopback: bool = False
    offer_bytes: int = 64 * 1024
    body_s: float = 10.0
    play_s: float = 20.0
    write_s: float = 20.0
    heartbeat_s: float = 15.0


class Pace:
    """A token bucket per client; the client seen longest ago is forgotten first."""

    def __init__(self, limits: Limits, clock: Clock) -> None:
        self._limits = limits
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, client: str) -> float:
        """Take one token of ``client``; return 0, or the seconds until there is one again."""
        if unlimited(client, self._limits):
            return 0.0
        now = self._clock.monotonic()
        tokens, at = self._buckets.pop(client, (float(self._limits.burst), now))
        tokens = min(self._limits.burst, tokens + (now - at) * self._limits.per_second)
        allowed = tokens >= 1
        self._buckets[client] = (tokens - 1 if allowed else tokens, now)
        while len(self._buckets) > self._limits.clients_remembered:
            self._buckets.popitem(last=False)
        return 0.0 if allowed else (1 - tokens) / self._limits.per_second


def unlimited(client: str, limits: Limits) -> bool:
    """Tell whether the per-client limits leave ``client`` alone."""
    return client == LOOPBACK and not limits.limit_loopback


def client_of(request: web.BaseRequest) -> str:
    """Name the client of a request: its IPv4 address or IPv6 /64 network.

    An IPv6 subscriber owns a whole /64, so single addresses of it would not bound anything.
    """
    try:
        address = ipaddress.ip_address((request.remote or "").partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is None:
            network = ipaddress.IPv6Network((address, 64), strict=False)
            return LOOPBACK if address.is_loopback else str(network)
        address = address.ipv4_mapped
    return LOOPBACK if address.is_loopback else str(address)
