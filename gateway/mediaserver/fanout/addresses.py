"""Which addresses browsers are told to reach this server at."""

import contextlib
import ipaddress
import socket
from collections.abc import Sequence
from typing import Final

# Documentation addresses (RFC 5737, RFC 3849): nothing is sent, only the route is asked for.
_FAR: Final = ((socket.AF_INET, "192.0.2.254"), (socket.AF_INET6, "2001:db8::fe"))


def to_announce(announced: Sequence[str], bound: Sequence[str]) -> tuple[str, ...]:
    """Return ``announced``, then the ``bound`` addresses, with the machine's own for wildcards.

    Raises ``ValueError`` for an announced address that is none.
    """
    found = [str(ipaddress.ip_address(item)) for item in announced]
    for host in bound:
        address = ipaddress.ip_address(host)
        if address.is_unspecified:
            found += _machine(address.version) or _loopback(address.version)
        else:
            found.append(str(address))
    return tuple(dict.fromkeys(found))


def _machine(version: int) -> list[str]:
    """Return the address that the machine's default route leaves from."""
    family, far = _FAR[0 if version == 4 else 1]  # noqa: PLR2004  # IPv4
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.connect((far, 9))
        return [str(sock.getsockname()[0])]
    return []


def _loopback(version: int) -> list[str]:
    return ["127.0.0.1"] if version == 4 else []  # noqa: PLR2004  # IPv4
