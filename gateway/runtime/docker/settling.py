"""Giving a server its place: the address that it keeps, and its slot where ports are shared."""

import asyncio
import contextlib
import ipaddress
import socket
from collections.abc import Mapping, Sequence
from typing import Final

import structlog

from gateway.model.company import Network
from gateway.model.server import ServerSpec
from gateway.runtime import arp
from gateway.runtime.docker import names
from gateway.runtime.docker.listing import Listing, Seen
from gateway.runtime.network import LAN_DRIVERS
from gateway.runtime.places import Place, Places, choose_address, choose_slot

_FAR: Final = "192.0.2.254"
"""A documentation address (RFC 5737): nothing is sent, only the route is asked for."""


class Settling:
    """Chooses places and writes them down; ``away`` is the engine's host if it is another machine.

    That machine's network cannot be asked from here who has an address.
    """

    def __init__(
        self, network: Network, places: Places, listing: Listing, *, away: str | None = None
    ) -> None:
        self._away = away
        self._network = network
        self._places = places
        self._listing = listing
        self._choosing = asyncio.Lock()

    async def settle(self, spec: ServerSpec, old: Sequence[Seen]) -> Place:
        """Return a server's place; ``old`` are its own containers.

        Raises CONTAINER_FAILED when its address is taken or none is left, CONFIG_INVALID when
        there is no range to take one from.
        """
        mine = _of(old[0]) if old else Place()
        if self._network.driver in LAN_DRIVERS:
            return await self._address(spec, mine)
        async with self._choosing:
            others = await self._others(spec.id)
            known = self._places.get(spec.id)
            slot = known.slot if known.slot is not None else mine.slot
            taken = {one.slot for one in others.values() if one.slot is not None}
            place = Place(address=spec.address, slot=choose_slot(slot, taken))
            self._places.put(spec.id, place)
        return place

    def announced(self, spec: ServerSpec, place: Place) -> str | None:
        """Return the address that browsers are told."""
        address = spec.external_address or place.address
        if address or self._network.driver in LAN_DRIVERS:
            return address
        return _own_address() if self._away is None else _literal(self._away)

    async def _others(self, server_id: str) -> Mapping[str, Place]:
        there = [one for one in await self._listing.all() if one.server != server_id]
        return {one.server: _of(one) for one in there} | dict(self._places.others(server_id))

    async def _address(self, spec: ServerSpec, mine: Place) -> Place:
        """Choose an address, write it down, and only then ask the network whether it is free.

        So servers that are made at the same moment do not choose the same one, and none waits for
        the question of another.
        """
        foreign: dict[str, str] = {}
        while True:
            async with self._choosing:
                before = self._places.get(spec.id)
                address = await self._choose(spec, before.address or mine.address, foreign)
                place = Place(address=address)
                self._places.put(spec.id, place)
            if address in (mine.address, before.address):
                return place
            here = self._away is None
            owner = await arp.owner(self._network.parent or "", address) if here else None
            if owner is None:
                return place
            self._places.put(spec.id, before)
            foreign[address] = f"another device of the network ({owner})"
            structlog.get_logger("runtime").warning(
                "an address for media servers is used by another device",
                address=address,
                device=owner,
            )

    async def _choose(self, spec: ServerSpec, kept: str | None, foreign: Mapping[str, str]) -> str:
        others = await self._others(spec.id)
        taken = {one.address: name for name, one in others.items() if one.address} | dict(foreign)
        if spec.address is None and kept is not None and kept not in taken and self._fits(kept):
            return kept
        return choose_address(spec.id, spec.address, self._network, taken)

    def _fits(self, address: str) -> bool:
        reserved = self._network.ip_range or self._network.subnet
        return reserved is None or ipaddress.ip_address(address) in ipaddress.ip_network(
            reserved, strict=False
        )


def _of(seen: Seen) -> Place:
    slot = seen.labels.get(names.SLOT, "")
    return Place(seen.labels.get(names.ADDRESS) or None, int(slot) if slot.isdecimal() else None)


def _literal(host: str) -> str | None:
    """Return ``host`` if it is an address: looking a name up would hold the event loop."""
    with contextlib.suppress(ValueError):
        return str(ipaddress.ip_address(host))
    return None


def _own_address() -> str | None:
    """Return the address that this machine's default route leaves from."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect((_FAR, 9))
        return str(sock.getsockname()[0])
    return None
