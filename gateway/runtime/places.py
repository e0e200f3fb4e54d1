"""Where each media server lives: its fixed address in the building's network, its slot of ports.

Written down in one small file of the data folder, so that a server that is made again keeps its
address (port forwardings at the router point to it). The containers' labels say the same; when
the file is lost they are believed.
"""

import ipaddress
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.model.company import Network
from gateway.model.errors import ErrorKind, GatewayError
from gateway.runtime import smallfile

_MOST_SLOTS: Final = 4096


@dataclass(frozen=True, slots=True)
class Place:
    """One server's place; ``slot`` counts from 0 and yields its ports where servers share them."""

    address: str | None = None
    slot: int | None = None


class Places:
    """The file. Wrong content counts as none: the labels and the range are still there."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._places = dict(_read(path))

    def get(self, server_id: str) -> Place:
        """Return what is written down for a server."""
        return self._places.get(server_id, Place())

    def put(self, server_id: str, place: Place) -> None:
        """Write a place down; raises CONTAINER_FAILED when the file cannot be written."""
        if self._places.get(server_id) != place:
            self._places[server_id] = place
            self._write()

    def forget(self, server_id: str) -> None:
        """Free what a removed server had."""
        if self._places.pop(server_id, None) is not None:
            self._write()

    def others(self, server_id: str) -> Mapping[str, Place]:
        """Return the places of all other servers."""
        return {name: place for name, place in self._places.items() if name != server_id}

    def _write(self) -> None:
        smallfile.write_json(
            self._path,
            {
                name: {"address": place.address, "slot": place.slot}
                for name, place in self._places.items()
            },
        )


def choose_address(
    server_id: str, wanted: str | None, network: Network, taken: Mapping[str, str]
) -> str:
    """Return ``wanted``, the address written for a server, else the first free one of the range.

    ``taken`` says whose the others are. Raises CONFIG_INVALID or CONTAINER_FAILED when there is
    none.
    """
    if wanted is not None:
        if wanted in taken:
            raise GatewayError(
                ErrorKind.CONTAINER_FAILED,
                f"the address {wanted} of {server_id} is already that of {taken[wanted]}",
                f"write another media_server.address in {server_id}.yaml",
            )
        return wanted
    if network.ip_range is None:
        raise GatewayError(
            ErrorKind.CONFIG_INVALID,
            f"{server_id} has no address, and there is no range to take one from",
            f"write media_server.address in {server_id}.yaml, or media_servers.network.ip_range",
        )
    address = next(_free(network, taken), None)
    if address is None:
        raise GatewayError(
            ErrorKind.CONTAINER_FAILED,
            f"no address of {network.ip_range} is free for {server_id}",
            "widen media_servers.network.ip_range, outside the DHCP server's addresses",
        )
    return address


def choose_slot(own: int | None, taken: Collection[int]) -> int:
    """Return a server's slot: its own if it is still free, else the first that is."""
    if own is not None and own not in taken:
        return own
    return next(slot for slot in range(_MOST_SLOTS) if slot not in taken)


def _free(network: Network, taken: Mapping[str, str]) -> Iterator[str]:
    pool = ipaddress.ip_network(network.ip_range or "", strict=False)
    subnet = ipaddress.ip_network(network.subnet or pool)
    edges = {subnet.network_address, subnet.broadcast_address}
    for address in pool:
        text = str(address)
        if address not in edges and text != network.gateway and text not in taken:
            yield text


def _read(path: Path) -> Iterator[tuple[str, Place]]:
    for name, one in smallfile.read_json(path).items():
        if isinstance(one, dict):
            address, slot = one.get("address"), one.get("slot")
            yield (
                name,
                Place(
                    address if isinstance(address, str) else None,
                    slot if isinstance(slot, int) else None,
                ),
            )
