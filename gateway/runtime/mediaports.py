"""The media ports of media servers that share one machine: one each, out of a range."""

import socket
from collections.abc import Collection

from gateway.model.errors import ErrorKind, GatewayError


def choose(
    ports: tuple[int, int], *, taken: Collection[int], wanted: int | None, address: str | None
) -> int:
    """Return ``wanted`` if it is free, else the first port of the range that is.

    ``taken`` belong to our other servers, running or not. Raises CONTAINER_FAILED when none is
    left.
    """
    first, last = ports
    candidates = ([wanted] if wanted is not None else []) + list(range(first, last + 1))
    for port in candidates:
        if first <= port <= last and port not in taken and _free(port, address):
            return port
    raise GatewayError(
        ErrorKind.CONTAINER_FAILED,
        f"no port from {first} to {last} is free for a media server",
        "widen media_servers.media_ports in gateway.yaml",
    )


def _free(port: int, address: str | None) -> bool:
    """Tell whether the port is free for UDP and for TCP (viewers whose network blocks UDP)."""
    family = socket.AF_INET6 if address and ":" in address else socket.AF_INET
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(family, kind) as sock:
            if kind is socket.SOCK_STREAM:
                # Connections of the server that had this port before are no obstacle.
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                sock.bind((address or "", port))
            except OSError:
                return False
    return True
