"""The one UDP port of a media server, on all its addresses."""

import contextlib
import errno
import ipaddress
import socket
from collections.abc import Sequence
from typing import Final

from gateway.mediaserver.transport.link import Address, OnDatagram
from gateway.mediaserver.transport.udp import UdpSocket

MOST_LINKS: Final = 16
_TRIES: Final = 16
_IP_MTU_DISCOVER: Final = 10
_IPV6_MTU_DISCOVER: Final = 23
_PMTUDISC_INTERFACE: Final = 4
_IP_PKTINFO: Final = 8


class UdpPort:
    """Sockets of one port number.

    A machine may have several addresses. A browser that checks one of them wants the answers from
    that one, so where the kernel would answer from another, a socket of that address is opened.
    """

    def __init__(self) -> None:
        self._receive: OnDatagram | None = None
        self._sockets: list[UdpSocket] = []
        self._links: dict[str, UdpSocket] = {}
        self.number = 0

    @property
    def hosts(self) -> list[str]:
        """The addresses asked for that could be bound."""
        return [sock.name[0] for sock in self._sockets]

    @property
    def backlog(self) -> int:
        """Bytes that wait for room in the send buffers."""
        return sum(sock.backlog for sock in (*self._sockets, *self._links.values()))

    def open(self, hosts: Sequence[str], number: int, receive: OnDatagram) -> None:
        """Bind one socket to each of ``hosts``, all on port ``number`` (0: any that is free).

        A machine without IPv6 goes without it when another host could be bound. Raises ``OSError``.
        """
        for left in reversed(range(1 if number else _TRIES)):
            bound: list[socket.socket] = []
            try:
                _bind_all(hosts, number, bound)
            except OSError:
                for sock in bound:
                    sock.close()
                if not left:
                    raise
            else:
                self._receive = receive
                self._sockets = [
                    UdpSocket(sock, receive, wildcard=_is_wildcard(sock)) for sock in bound
                ]
                self.number = self._sockets[0].name[1]
                return

    def close(self) -> None:
        """Close all sockets."""
        for sock in (*self._sockets, *self._links.values()):
            sock.close()
        self._sockets = []
        self._links = {}

    def link(self, came: UdpSocket, local: str | None, remote: Address) -> UdpSocket:
        """Return the socket to answer ``remote`` from, who wrote to our address ``local``."""
        if local is None or self._receive is None or ipaddress.ip_address(local).is_link_local:
            return came
        known = self._links.get(local)
        if known is not None:
            return known
        if len(self._links) >= MOST_LINKS or _would_answer_from(came, remote) == local:
            return came
        sock = _socket(came.family)
        try:
            # The wildcard socket got this option after its bind: nobody else can share the port.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((local, self.number))
        except OSError:
            sock.close()
            return came
        self._links[local] = link = UdpSocket(sock, self._receive)
        return link


def _is_wildcard(sock: socket.socket) -> bool:
    return ipaddress.ip_address(sock.getsockname()[0]).is_unspecified


def _would_answer_from(came: UdpSocket, remote: Address) -> str | None:
    with contextlib.suppress(OSError), socket.socket(came.family, socket.SOCK_DGRAM) as probe:
        probe.connect(remote)
        return str(probe.getsockname()[0])
    return None


def _socket(family: int) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.settimeout(0)
    # Packets fit every path; a forged "too big" message must not make the kernel refuse them.
    with contextlib.suppress(OSError):
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_MTU_DISCOVER, _PMTUDISC_INTERFACE)
        else:
            sock.setsockopt(socket.IPPROTO_IP, _IP_MTU_DISCOVER, _PMTUDISC_INTERFACE)
    return sock


def _bind_all(hosts: Sequence[str], port: int, bound: list[socket.socket]) -> None:
    for host in hosts:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        missing = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
        try:
            sock = _bind(family, host, port)
        except OSError as error:
            if family == socket.AF_INET6 and bound and error.errno in missing:
                continue
            raise
        bound.append(sock)
        port = sock.getsockname()[1]


def _bind(family: int, host: str, port: int) -> socket.socket:
    sock = _socket(family)
    try:
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        else:
            sock.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
        sock.bind((host, port))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    except OSError:
        sock.close()
        raise
    return sock
