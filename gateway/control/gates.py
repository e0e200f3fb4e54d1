"""What may happen at the same moment in the whole fleet.

After a power cut everything comes back at once: media servers, and behind them all cameras. Whoever
comes waits here for a place, so that the machine, its switches and the cameras' uplinks get a
queue instead of a herd.
"""

import asyncio
import ipaddress
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from gateway.control.answering import Fellows
from gateway.control.upgrades import Turns
from gateway.kit.secret import Secret

DIAL_S: Final = 0.25
"""A media server answers before it has dialled a camera: so long the place stays taken."""

_HEAVY: Final = 8
_ASKED: Final = 32
_DOUBTED: Final = 64
_PULLS: Final = 64
_PULLS_PER_NETWORK: Final = 8
_V4_NETWORK: Final = 24
_V6_NETWORK: Final = 64


@dataclass(slots=True)
class _Places:
    """The places of one network; ``users`` hold or await one."""

    free: asyncio.Semaphore
    users: int = 0


@dataclass(slots=True)
class Gates:
    """Bounds for the fleet.

    ``heavy``: sites that make or start a media server; more only slow one another down.
    ``asked``: media servers that are asked how they are. ``doubted``: the same for those that have
    not answered last time, so that those that hang keep nobody waiting. ``fellows``: whether a
    silent one may be replaced. ``upgrades``: media servers that another version makes anew.
    """

    heavy: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_HEAVY))
    asked: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_ASKED))
    doubted: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_DOUBTED))
    fellows: Fellows = field(default_factory=Fellows)
    upgrades: Turns = field(default_factory=Turns)
    _pulls: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_PULLS))
    _networks: dict[str, _Places] = field(default_factory=dict, init=False)

    @asynccontextmanager
    async def pull(self, uri: Secret) -> AsyncIterator[None]:
        """Take a place to have a camera dialled: one of the fleet's, and one of its network's."""
        network = network_of(uri)
        places = self._networks.get(network)
        if places is None:
            places = self._networks[network] = _Places(asyncio.Semaphore(_PULLS_PER_NETWORK))
        places.users += 1
        try:
            # The network's first: nobody holds a place of the fleet while waiting for it.
            async with places.free, self._pulls:
                yield
        finally:
            places.users -= 1
            if not places.users:
                del self._networks[network]


def network_of(uri: Secret) -> str:
    """Return the network of a camera's address: its /24 or /64, or the host as it is named."""
    try:
        host = urlsplit(uri.reveal()).hostname or ""
    except ValueError:
        return ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    length = _V4_NETWORK if address.version == 4 else _V6_NETWORK  # noqa: PLR2004  # IPv4
    return str(ipaddress.ip_network(f"{address}/{length}", strict=False))
