"""The port of a media server: UDP, and TCP of the same number for networks that block UDP."""

from collections.abc import Callable, Sequence
from typing import Final

import structlog

from gateway.mediaserver.transport.link import Address, Link, OnDatagram
from gateway.mediaserver.transport.listener import TcpPort
from gateway.mediaserver.transport.port import UdpPort
from gateway.mediaserver.transport.udp import UdpSocket

_TRIES: Final = 16


class Doors:
    """Both kinds of sockets; ``tcp`` tells whether TCP is open.

    A TCP port that somebody else uses is no reason to send nobody anything: then UDP is all.
    """

    def __init__(self) -> None:
        self._udp = UdpPort()
        self._tcp = TcpPort()
        self.tcp = False

    @property
    def number(self) -> int:
        """The port in use."""
        return self._udp.number

    @property
    def hosts(self) -> list[str]:
        """The addresses asked for that could be bound."""
        return self._udp.hosts

    def counters(self) -> dict[str, float]:
        """Return what is open, what waits for room, and connections refused since the start."""
        return {
            "backlog_bytes": self._udp.backlog + self._tcp.backlog,
            "tcp_connections": self._tcp.connections,
            "tcp_refused": self._tcp.refused,
        }

    def open(
        self,
        hosts: Sequence[str],
        number: int,
        *,
        tcp: bool,
        receive: OnDatagram,
        closed: Callable[[Address], None],
    ) -> None:
        """Open port ``number`` (0: any that is free) on ``hosts``; ``OSError`` for want of UDP.

        ``closed`` is told of TCP connections that end by themselves.
        """
        for left in reversed(range(1 if number else _TRIES)):
            self._udp.open(hosts, number, receive)
            if not tcp:
                return
            try:
                self._tcp.open(self._udp.hosts, self._udp.number, receive, closed)
            except OSError as error:
                if left:
                    self._udp.close()
                    continue
                structlog.get_logger("mediaserver").warning(
                    "the TCP port for media is taken: networks that block UDP cannot watch",
                    port=self._udp.number,
                    error=error.strerror,
                )
            else:
                self.tcp = True
            return

    def close(self) -> None:
        """Close all sockets and connections."""
        self._udp.close()
        self._tcp.close()
        self.tcp = False

    def link(self, came: Link, local: str | None, remote: Address) -> Link:
        """Return what to answer ``remote`` by, who wrote to our address ``local``."""
        if isinstance(came, UdpSocket):
            return self._udp.link(came, local, remote)
        return came

    def prove(self, address: Address, now: float) -> None:
        """Take note of an authentic check from ``address``."""
        self._tcp.prove(address, now)

    def drop(self, address: Address) -> None:
        """End the TCP connection of ``address``; a UDP address needs nothing."""
        self._tcp.drop(address)
