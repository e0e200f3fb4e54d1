"""The UDP port of a media server: receiving, and sending many packets with one call."""

import asyncio
import contextlib
import socket
import time
from collections import deque
from collections.abc import Sequence
from typing import Final

from gateway.mediaserver.transport.link import Address, OnDatagram
from gateway.mediaserver.transport.segmentation import packets
from gateway.mediaserver.transport.srtp import Run

_Held = tuple[bytes, tuple[tuple[int, int, bytes], ...], Address, float]

MAX_DATAGRAM: Final = 2048
_DATAGRAMS_PER_WAKE: Final = 64
_BACKLOG_BYTES: Final = 8_000_000
_BACKLOG_SECONDS: Final = 0.5
_ANCILLARY_BYTES: Final = 128
_IP_PKTINFO: Final = 8


class UdpSocket:
    """One socket. Its send buffer keeps the default size on purpose.

    A larger one only moves the queue into the network device, which drops silently; here a full
    buffer is seen, and what waits is held in a bounded queue. ``wildcard``: it is bound to all
    addresses of its family and tells to which one a datagram came.
    """

    __slots__ = (
        "_held",
        "_loop",
        "_receive",
        "_socket",
        "_wildcard",
        "backlog",
        "sendmsg",
        "shared",
    )

    def __init__(self, sock: socket.socket, receive: OnDatagram, *, wildcard: bool = False) -> None:
        self._socket = sock
        self._receive = receive
        self._loop = asyncio.get_running_loop()
        self._held: deque[_Held] = deque()
        self._wildcard = wildcard
        self.backlog = 0
        self.sendmsg = sock.sendmsg
        self.shared = sock.fileno()
        self._loop.add_reader(sock, self._readable)

    @property
    def name(self) -> tuple[str, int]:
        """Host and port that it is bound to."""
        host, port = self._socket.getsockname()[:2]
        return host, port

    @property
    def family(self) -> int:
        """``AF_INET`` or ``AF_INET6``."""
        return self._socket.family

    def close(self) -> None:
        """Stop at once; what waits is lost."""
        self.shared = -1
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        self._held.clear()
        self._socket.close()

    def send(self, data: bytes, address: Address) -> None:
        """Send one datagram now or never: what it carries is asked for again when it is lost."""
        with contextlib.suppress(OSError):
            self._socket.sendto(data, address)

    def hold(self, runs: Sequence[Run], address: Address) -> bool:
        """Keep copies of ``runs`` until the buffer has room; false when too much waits already."""
        now = time.monotonic()
        if not self._held:
            self._loop.add_writer(self._socket, self._writable)
        elif self.backlog > _BACKLOG_BYTES or now - self._held[0][3] > _BACKLOG_SECONDS:
            return False
        for buffers, ancillary in runs:
            data = b"".join(buffers)
            self._held.append((data, ancillary, address, now))
            self.backlog += len(data)
        return True

    def _writable(self) -> None:
        held = self._held
        while held:
            data, ancillary, address, _ = held[0]
            try:
                self._socket.sendmsg((data,), ancillary, 0, address)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                for packet in packets(data, ancillary):
                    self.send(packet, address)
            held.popleft()
            self.backlog -= len(data)
        self._loop.remove_writer(self._socket)

    def _readable(self) -> None:
        for _ in range(_DATAGRAMS_PER_WAKE):
            try:
                if self._wildcard:
                    data, ancillary, _, address = self._socket.recvmsg(
                        MAX_DATAGRAM, _ANCILLARY_BYTES
                    )
                    local = _local(ancillary)
                else:
                    data, address = self._socket.recvfrom(MAX_DATAGRAM)
                    local = None
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                # An ICMP error of an earlier datagram; the socket itself is well.
                continue
            # Port 0 cannot be answered: the error would look like one of segmentation.
            if data and address[1]:
                self._receive(self, data, plain(address), local)


def _local(ancillary: Sequence[tuple[int, int, bytes]]) -> str | None:
    """Return the address that a datagram was sent to (ip(7), RFC 3542 section 6.1)."""
    for level, kind, value in ancillary:
        if level == socket.IPPROTO_IP and kind == _IP_PKTINFO:
            return socket.inet_ntop(socket.AF_INET, value[4:8])
        if level == socket.IPPROTO_IPV6 and kind == socket.IPV6_PKTINFO:
            return socket.inet_ntop(socket.AF_INET6, value[:16])
    return None


def plain(address: Address) -> Address:
    """Return ``address`` without a zone in its host, which would be looked up at every send."""
    if len(address) == 4 and "%" in address[0]:  # noqa: PLR2004  # host, port, flow, zone
        return (address[0].partition("%")[0], *address[1:])
    return address
