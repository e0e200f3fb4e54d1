"""Passive ICE-TCP (RFC 6544): who may connect, how many, and for how long without a proof."""

import asyncio
import contextlib
import ipaddress
import itertools
import socket
import time
from collections.abc import Callable, Sequence
from typing import Final

from gateway.mediaserver.transport.link import Address, OnDatagram
from gateway.mediaserver.transport.tcp import TcpLink

PROOF_SECONDS: Final = 5.0
SILENT_SECONDS: Final = 30.0
"""Longer than browsers take between two checks of a way in reserve (25 s)."""

MOST_UNPROVEN: Final = 256
MOST_UNPROVEN_OF_ONE: Final = 32

_QUEUE: Final = 128
_ACCEPTS_PER_WAKE: Final = 8
"""Fewer than may wait, so that those who came are heard before the next ones push them out."""
_SWEEP_SECONDS: Final = 1.0
_IPV6_NEIGHBOURS: Final = 64


class TcpPort:
    """Listening sockets of one port number, and the connections that came.

    Anybody may connect, so a connection without a proof costs little and goes soon; where there
    are too many of them, the oldest goes first: an honest browser proves itself within a round
    trip. ``closed`` is told of each connection that ends by itself.
    """

    def __init__(self) -> None:
        self._listening: list[socket.socket] = []
        self._links: dict[Address, TcpLink] = {}
        self._unproven: dict[Address, str] = {}
        self._numbers = itertools.count()
        self._receive: OnDatagram | None = None
        self._closed: Callable[[Address], None] | None = None
        self._sweep: asyncio.TimerHandle | None = None
        self.refused = 0

    @property
    def connections(self) -> int:
        """Connections that are open."""
        return len(self._links)

    @property
    def backlog(self) -> int:
        """Bytes that wait for slow readers."""
        return sum(link.backlog for link in self._links.values())

    def open(
        self,
        hosts: Sequence[str],
        number: int,
        receive: OnDatagram,
        closed: Callable[[Address], None],
    ) -> None:
        """Listen on port ``number`` of each of ``hosts``. Raises ``OSError``."""
        try:
            for host in hosts:
                self._listening.append(_listen(host, number))
        except OSError:
            self.close()
            raise
        self._receive, self._closed = receive, closed
        for sock in self._listening:
            self._accept_from(sock)
        self._tidy()

    def close(self) -> None:
        """End all connections and listen no more."""
        for sock in self._listening:
            asyncio.get_running_loop().remove_reader(sock)
            sock.close()
        self._listening = []
        for link in self._links.values():
            link.close()
        self._links = {}
        self._unproven = {}
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None

    def prove(self, address: Address, now: float) -> None:
        """Let the connection of ``address`` stay: an authentic check came on it."""
        link = self._links.get(address)
        if link is not None:
            link.prove(now)
            self._unproven.pop(address, None)

    def drop(self, address: Address) -> None:
        """End the connection of ``address``, if there is one."""
        link = self._links.pop(address, None)
        if link is not None:
            link.close()
            self.refused += self._unproven.pop(address, None) is not None

    def _accept_from(self, sock: socket.socket) -> None:
        asyncio.get_running_loop().add_reader(sock, self._acceptable, sock)

    def _acceptable(self, sock: socket.socket) -> None:
        for _ in range(_ACCEPTS_PER_WAKE):
            try:
                accepted, remote = sock.accept()
            except (BlockingIOError, InterruptedError, ConnectionError):
                return
            except OSError:
                # No files or memory left: trying at once again would only spin until there are.
                loop = asyncio.get_running_loop()
                loop.remove_reader(sock)
                loop.call_later(_SWEEP_SECONDS, self._accept_again, sock)
                return
            try:
                self._admit(accepted, remote[0].partition("%")[0], remote[1])
            except OSError:
                accepted.close()  # gone before it was looked at

    def _accept_again(self, sock: socket.socket) -> None:
        if sock in self._listening:
            self._accept_from(sock)

    def _admit(self, sock: socket.socket, host: str, port: int) -> None:
        assert self._receive is not None  # noqa: S101  # nothing is accepted before open()
        address = (host, port, next(self._numbers))
        link = TcpLink(sock, address, self._receive, self._ended)
        source = _source(host)
        same = [other for other, known in self._unproven.items() if known == source]
        if len(same) >= MOST_UNPROVEN_OF_ONE:
            self.drop(same[0])
        elif len(self._unproven) >= MOST_UNPROVEN:
            self.drop(next(iter(self._unproven)))
        self._links[address] = link
        self._unproven[address] = source

    def _ended(self, link: TcpLink) -> None:
        self.drop(link.address)
        if self._closed is not None and link.proven:
            self._closed(link.address)

    def _tidy(self) -> None:
        self._sweep = asyncio.get_running_loop().call_later(_SWEEP_SECONDS, self._tidy)
        now = time.monotonic()
        for link in list(self._links.values()):
            if now - link.heard > (SILENT_SECONDS if link.proven else PROOF_SECONDS):
                link.close()
                self._ended(link)


def _source(host: str) -> str:
    """Return who ``host`` is for limits: an IPv6 customer has a whole network of addresses."""
    address = ipaddress.ip_address(host)
    if address.version == 4:  # noqa: PLR2004  # IPv4
        return host
    return str(ipaddress.ip_network((host, _IPV6_NEIGHBOURS), strict=False))


def _listen(host: str, number: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.settimeout(0)
        # Connections of an earlier run that still end must not keep the port.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((host, number))
        sock.listen(_QUEUE)
    except OSError:
        with contextlib.suppress(OSError):
            sock.close()
        raise
    return sock
