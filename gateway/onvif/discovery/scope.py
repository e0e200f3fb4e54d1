"""Where a site's cameras may be, and which addresses are nobody's business."""

import fcntl
import ipaddress
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from gateway.model.errors import ErrorKind, GatewayError

MOST_HOSTS: Final = 4096
"""A site's subnets together; a building is never larger, a typing mistake is."""

_SIOCGIFADDR: Final = 0x8915
_SIOCGIFNETMASK: Final = 0x891B


@dataclass(frozen=True, slots=True)
class Scope:
    """The networks that a search may contact, and the interface that it leaves by."""

    networks: tuple[ipaddress.IPv4Network, ...]
    interface: str | None = None

    @classmethod
    def of(cls, subnets: tuple[str, ...], interface: str | None) -> "Scope":
        """Make a scope from a site's ``discovery`` settings.

        Without subnets the interface's own network is meant. Raises CONFIG_INVALID for no
        network at all, a malformed one, or more than ``MOST_HOSTS`` addresses together.
        """
        networks = tuple(_network(text) for text in subnets)
        if not networks and interface:
            networks = (_interface_network(interface),)
        if not networks:
            raise GatewayError(
                ErrorKind.CONFIG_INVALID,
                "the site does not say where its cameras are",
                "write discovery.subnets (such as [10.12.0.0/24]) or discovery.interface",
                reason="no_networks",
            )
        if sum(network.num_addresses for network in networks) > MOST_HOSTS:
            raise GatewayError(
                ErrorKind.CONFIG_INVALID,
                f"the site's subnets hold more than {MOST_HOSTS} addresses",
                "write the cameras' own subnets, such as 10.12.0.0/24",
                reason="many_addresses",
            )
        return cls(networks, interface)

    def allows(self, host: str) -> bool:
        """Tell whether ``host`` is an address inside the site's networks."""
        try:
            address = ipaddress.IPv4Address(host)
        except ValueError:
            return False
        return any(address in network for network in self.networks) and not (
            address.is_link_local or address.is_multicast or address.is_unspecified
        )

    def allows_url(self, url: str) -> bool:
        """Tell whether ``url`` is an http(s) or rtsp address inside the site's networks."""
        try:
            parts = urlsplit(url)
            host, _ = parts.hostname, parts.port
        except ValueError:
            return False
        return parts.scheme in {"http", "https", "rtsp", "rtsps"} and self.allows(host or "")

    def hosts(self) -> Iterator[str]:
        """Yield every address that can be a host, each once."""
        seen: set[ipaddress.IPv4Address] = set()
        for network in self.networks:
            for address in network.hosts():
                if address not in seen:
                    seen.add(address)
                    yield str(address)


def _network(text: str) -> ipaddress.IPv4Network:
    try:
        return ipaddress.IPv4Network(text, strict=False)
    except ValueError as error:
        raise GatewayError(
            ErrorKind.CONFIG_INVALID,
            f"'{text}' is no IPv4 subnet",
            "write it as address/length, such as 10.12.0.0/24",
            reason="bad_subnet",
        ) from error


def _interface_network(interface: str) -> ipaddress.IPv4Network:
    address, mask = (
        interface_address(interface, _SIOCGIFADDR),
        interface_address(interface, _SIOCGIFNETMASK),
    )
    return ipaddress.IPv4Network(f"{address}/{mask}", strict=False)


def interface_address(interface: str, request: int = _SIOCGIFADDR) -> str:
    """Return the IPv4 address of a network interface (netdevice(7)).

    Raises CONFIG_INVALID when the interface is not there or has no IPv4 address.
    """
    name = struct.pack("256s", interface.encode()[:15])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            answer = fcntl.ioctl(probe.fileno(), request, name)
        except OSError as error:
            raise GatewayError(
                ErrorKind.CONFIG_INVALID,
                f"the network interface '{interface}' is not there or has no IPv4 address",
                "see 'ip -4 address' and correct discovery.interface",
                reason="no_interface",
            ) from error
    return socket.inet_ntoa(answer[20:24])
