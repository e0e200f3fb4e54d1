"""How the values of settings are read; each function raises ValueError or KeyError."""

import ipaddress
import socket
from typing import Final

LAST_PORT: Final = 65535


def address(value: str) -> str | None:
    """Return an IP address; that of all addresses counts as none."""
    address = ipaddress.ip_address(value)
    return None if address.is_unspecified else str(address)


def own_address(value: str) -> str:
    """Return an IP address, or this machine's own one in a network."""
    if "/" not in value:
        return str(ipaddress.ip_address(value))
    # A container's address in a network is known when it has started, not when it is configured.
    network = ipaddress.ip_network(value)
    family = socket.AF_INET if network.version == 4 else socket.AF_INET6  # noqa: PLR2004  # IPv4
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect((str(network.network_address + 1), 9))  # asks for the route, sends nothing
        except OSError as error:
            raise ValueError(value) from error
        own = ipaddress.ip_address(sock.getsockname()[0])
    if own not in network:
        raise ValueError(value)
    return str(own)


def port(value: str) -> int:
    """Return a port, 0 included."""
    port = int(value)
    if not 0 <= port <= LAST_PORT:
        raise ValueError(value)
    return port


def positive(value: str) -> int:
    """Return a whole number of at least 1."""
    number = int(value)
    if number < 1:
        raise ValueError(value)
    return number


def milliseconds(value: str) -> float:
    """Return milliseconds as seconds."""
    return positive(value) / 1000


def seconds(value: str) -> float:
    """Return seconds, 0 included."""
    seconds = float(value)
    if not 0 <= seconds < float("inf"):
        raise ValueError(value)
    return seconds


def yes_or_no(value: str) -> bool:
    """Return a truth value."""
    return {"true": True, "false": False}[value.lower()]


def hosts(value: str) -> tuple[str, ...]:
    """Return host names and networks that are set apart by commas."""
    hosts = tuple(host.strip().lower() for host in value.split(",") if host.strip())
    for host in hosts:
        if "/" in host:
            ipaddress.ip_network(host)
    return hosts


def role(value: str) -> str:
    """Return a role in WCS's CDN that this server can have."""
    if value not in {"origin", "edge"}:
        raise ValueError(value)
    return value
