"""Network addresses as text: which they are, and in which networks they lie."""

import ipaddress
from collections.abc import Iterable
from functools import lru_cache

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


def within(address: str | None, networks: Iterable[str]) -> bool:
    """Tell whether an address lies in one of the networks."""
    found = address_of(address or "")
    return found is not None and any(
        found.version == network.version and found in network
        for network in (_network(item) for item in networks)
    )


def address_of(text: str) -> IpAddress | None:
    """Return an address, in brackets or not, with a zone or not; ``None`` for anything else."""
    text = text.partition("%")[0]
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


@lru_cache(maxsize=512)
def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    return ipaddress.ip_network(text)
