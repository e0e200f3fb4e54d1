"""The UDP port of a media server: receiving, and sending many packets with one call."""

import asyncio
import contextlib
import errno
import socket
import struct
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from gateway.mediaserver.transport.srtp import Run

Address = tuple[str, int] | tuple[str, int, int, int]
"""What ``sendmsg`` takes; an IPv6 zone stands in the fourth place only, never in the host."""

_Held = tuple[bytes, tuple[tuple[int, int, bytes], ...], Address, float]

OnDatagram = Callable[["UdpSocket", bytes, Address], None]

UDP_SEGMENT: Final = 103
MAX_DATAGRAM: Final = 2048
MOST_SEGMENTS: Final = 44
_SOL_UDP: Final = 17
_RUN_BYTES: Final = 64_000
_DATAGRAMS_PER_WAKE: Final = 64
_BACKLOG_BYTES: Final = 8_000_000
_BACKLOG_SECONDS: Final = 0.5
_NO_SEGMENTATION: Final = frozenset((errno.EIO, errno.EINVAL, errno.EOPNOTSUPP, errno.ENOPROTOOPT))


class UdpSocket:
    """One socket. Its send buffer keeps the default size on purpose.

    A larger one only moves the queue into the network device, which drops silently; here a full
    buffer is seen, and what waits is held in a bounded queue.
    """

    __slots__ = ("_held", "_loop", "_receive", "_socket", "backlog", "sendmsg")

    def __init__(self, sock: socket.socket, receive: OnDatagram) -> None:
        self._socket = sock
        self._receive = receive
        self._loop = asyncio.get_running_loop()
        self._held: deque[_Held] = deque()
        self.backlog = 0
        self.sendmsg = sock.sendmsg
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
                self.send_singly(data, ancillary, address)
            held.popleft()
            self.backlog -= len(data)
        self._loop.remove_writer(self._socket)

    def send_singly(
        self, data: bytes, ancillary: Sequence[tuple[int, int, bytes]], address: Address
    ) -> None:
        """Send the packets of a run one by one, for a way that cannot segment."""
        size: int = struct.unpack("=H", ancillary[0][2])[0] if ancillary else len(data)
        for start in range(0, len(data), size):
            self.send(data[start : start + size], address)

    def _readable(self) -> None:
        for _ in range(_DATAGRAMS_PER_WAKE):
            try:
                data, address = self._socket.recvfrom(MAX_DATAGRAM)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                # An ICMP error of an earlier datagram; the socket itself is well.
                continue
            if data:
                self._receive(self, data, plain(address))


def plain(address: Address) -> Address:
    """Return ``address`` without a zone in its host, which would be looked up at every send."""
    if len(address) == 4 and "%" in address[0]:  # noqa: PLR2004  # host, port, flow, zone
        return (address[0].partition("%")[0], *address[1:])
    return address


class Segmentation:
    """Whether the kernel cuts one large datagram into many (UDP_SEGMENT, Linux 4.18).

    Known by trying at the start; a network device that cannot do it shows later, and then it is
    off for the whole process.
    """

    __slots__ = ("on",)

    def __init__(self, *, wanted: bool) -> None:
        self.on = wanted and _probe_segmentation()

    def explains(self, error: OSError) -> bool:
        """Tell whether ``error`` comes of segmentation; if so, switch it off."""
        if not self.on or error.errno not in _NO_SEGMENTATION:
            return False
        self.on = False
        structlog.get_logger("mediaserver").warning(
            "the network device cannot segment UDP: packets go one by one and cost twice the CPU",
            error=errno.errorcode.get(error.errno or 0, str(error.errno)),
        )
        return True

    def cut(self, sizes: Sequence[int], work: memoryview) -> tuple[Run, ...]:
        """Cut packets that lie end to end in ``work`` into runs that one send call each takes.

        ``sizes`` are bytes of the encrypted packets, at least one. In a run all are equal, only
        the last may be shorter.
        """
        runs: list[Run] = []
        start = position = 0
        segment = count = 0
        for size in sizes:
            fits = (
                self.on
                and 0 < count < MOST_SEGMENTS
                and size <= segment
                and position + size - start <= _RUN_BYTES
            )
            if not fits:
                if count:
                    runs.append(_run(work, start, position, segment, count))
                start, segment, count = position, size, 0
            position += size
            count = count + 1 if size == segment else MOST_SEGMENTS
        runs.append(_run(work, start, position, segment, count))
        return tuple(runs)


def _run(work: memoryview, start: int, stop: int, segment: int, count: int) -> Run:
    buffers = [work[start:stop]]
    if count == 1:
        return buffers, ()
    return buffers, ((_SOL_UDP, UDP_SEGMENT, struct.pack("=H", segment)),)


def _probe_segmentation() -> bool:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(1)
        ancillary = [(_SOL_UDP, UDP_SEGMENT, struct.pack("=H", 4))]
        try:
            sender.sendmsg([b"onetwo"], ancillary, 0, receiver.getsockname())
            return receiver.recv(64) == b"onet"
        except OSError:
            return False


def open_sockets(hosts: Sequence[str], port: int, receive: OnDatagram) -> list[UdpSocket]:
    """Bind one socket to each of ``hosts``, all on one port (0: any that is free for all).

    A machine without IPv6 goes without it when another host could be bound. Raises ``OSError``.
    """
    for last_try in (False,) * 15 + (True,):
        bound: list[socket.socket] = []
        try:
            _bind_all(hosts, port, bound)
        except OSError:
            for sock in bound:
                sock.close()
            if port or last_try:
                raise
            continue
        return [UdpSocket(sock, receive) for sock in bound]
    raise AssertionError("the last try returns or raises")


def _bind_all(hosts: Sequence[str], port: int, bound: list[socket.socket]) -> None:
    for host in hosts:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            sock = socket.socket(family, socket.SOCK_DGRAM)
        except OSError:
            if bound and family == socket.AF_INET6:
                continue
            raise
        bound.append(sock)
        sock.setblocking(False)  # noqa: FBT003  # the standard library's own
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        try:
            sock.bind((host, port))
        except OSError as error:
            missing = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
            if family == socket.AF_INET6 and len(bound) > 1 and error.errno in missing:
                bound.pop().close()
                continue
            raise
        port = sock.getsockname()[1]
