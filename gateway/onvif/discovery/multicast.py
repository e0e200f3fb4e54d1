"""Probes by UDP: to everybody on an interface, and to each address of the subnets.

SOAP-over-UDP 1.0: a message is repeated after a random 50-250 ms; a device waits up to 500 ms
before it answers, and answers every repetition.
"""

import asyncio
import contextlib
import random
import socket
from collections.abc import Callable
from typing import Final

from gateway.onvif.discovery.messages import (
    LARGEST_ANSWER,
    ProbeMatch,
    new_message_id,
    parse,
    probe,
)
from gateway.onvif.discovery.scope import Scope, interface_address

GROUP: Final = "239.255.255.250"
PORT: Final = 3702
_BURST: Final = 64
_AT_ONCE: Final = 256
_BURST_PAUSE_S: Final = 0.02
_MOST_FROM_ONE: Final = 256
_MOST_PACKETS: Final = 20_000
_RECEIVE_BUFFER: Final = 2 << 20

OnMatch = Callable[[str, ProbeMatch], None]
"""Called with the sender's address and what it said."""


class Prober:
    """One socket that sends probes and hears answers.

    It reads many answers at a time: a busy event loop comes back to it seldom, and a building
    answers all at once.

    Bounded against floods: a sender is heard ``_MOST_FROM_ONE`` times, all of them together
    ``_MOST_PACKETS`` times; answers to probes that we never sent are dropped.
    """

    def __init__(self, scope: Scope, on_match: OnMatch, port: int = PORT) -> None:
        self._scope = scope
        self._port = port
        self._on_match = on_match
        self._ids = (new_message_id(), new_message_id())
        self._messages = (probe(self._ids[0], typed=True), probe(self._ids[1], typed=False))
        self._heard: dict[str, int] = {}
        self._left = _MOST_PACKETS
        self._socket: socket.socket | None = None

    def open(self) -> None:
        """Open the socket on the scope's interface; raises CONFIG_INVALID, OSError."""
        self._socket = _socket(self._scope.interface)
        asyncio.get_running_loop().add_reader(self._socket.fileno(), self._read)

    def close(self) -> None:
        """Hear what is there already, and nothing more."""
        sock, self._socket = self._socket, None
        if sock is not None:
            asyncio.get_running_loop().remove_reader(sock.fileno())
            self._drain(sock, _MOST_PACKETS)
            sock.close()

    async def call_everybody(self, times: int = 4) -> None:
        """Send both forms of the probe to the multicast group ``times`` times."""
        for turn in range(times):
            for message in self._messages:
                self._send(message, GROUP)
            await asyncio.sleep(min(0.5, random.uniform(0.05, 0.25) * 2**turn))  # noqa: S311  # a pause, no secret

    async def call_each(self, times: int = 2) -> None:
        """Send both forms to each host of the subnets, paced, ``times`` times."""
        for _ in range(times):
            for sent, host in enumerate(self._scope.hosts(), 1):
                for message in self._messages:
                    self._send(message, host)
                if sent % _BURST == 0:
                    await asyncio.sleep(_BURST_PAUSE_S)
            await asyncio.sleep(random.uniform(0.05, 0.25))  # noqa: S311  # the RFC's jitter

    def _send(self, message: bytes, host: str) -> None:
        if self._socket is not None:
            # An address that cannot be reached is as silent as one where nobody is.
            with contextlib.suppress(OSError):
                self._socket.sendto(message, (host, self._port))

    def _read(self) -> None:
        if self._socket is not None:
            self._drain(self._socket, _AT_ONCE)

    def _drain(self, sock: socket.socket, most: int) -> None:
        for _ in range(most):
            try:
                data, sender = sock.recvfrom(LARGEST_ANSWER + 1)
            except BlockingIOError:
                return
            except OSError:
                continue  # somebody's "port unreachable"
            self._hear(data, sender)

    def _hear(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        host = str(addr[0])
        if self._left <= 0 or len(data) > LARGEST_ANSWER or not self._scope.allows(host):
            return
        count = self._heard.get(host, 0)
        if count >= _MOST_FROM_ONE:
            return
        self._heard[host] = count + 1
        self._left -= 1
        for match in parse(data):
            if match.relates_to in self._ids:
                self._on_match(host, match)


def _socket(interface: str | None) -> socket.socket:
    """Return a socket that leaves and hears by ``interface`` only."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)  # noqa: FBT003  # the socket module's own signature
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
        if interface is None:
            sock.bind(("", 0))
            return sock
        address = interface_address(interface)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(address))
        sock.bind((address, 0))
    except BaseException:
        sock.close()
        raise
    return sock
