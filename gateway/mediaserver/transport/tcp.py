"""One viewer's TCP connection, for networks that block UDP (RFC 6544, framed as RFC 4571 says)."""

import asyncio
import socket
import struct
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from gateway.mediaserver.transport.link import Address, Ancillary, OnDatagram
from gateway.mediaserver.transport.segmentation import packets
from gateway.mediaserver.transport.srtp import Run
from gateway.mediaserver.transport.stun import MAX_MESSAGE
from gateway.mediaserver.transport.udp import MAX_DATAGRAM

_READ_BYTES: Final = 16_384
_BACKLOG_BYTES: Final = 1_000_000
_BACKLOG_SECONDS: Final = 1.0
"""Twice UDP's: a connection that repeats a lost packet stands still for a moment and is well."""

_UNSENT_BYTES: Final = 65_536
"""Bytes that the kernel keeps beyond what is under way; more would only be delay."""

_UNACKNOWLEDGED_MS: Final = 30_000
_MOST_UNPROVEN_FRAMES: Final = 4
_TCP_NOTSENT_LOWAT: Final = 25
_LENGTH: Final = struct.Struct("!H")


class TcpLink:
    """An accepted connection. It is ``proven`` by the first authentic check that came on it.

    Until then it may send a few STUN messages and nothing else. ``heard`` is when it was made or
    when the last authentic check came, in monotonic seconds. ``closed`` is called when the other
    side ends it or breaks the rules.
    """

    __slots__ = (
        "_closed",
        "_held",
        "_loop",
        "_open",
        "_receive",
        "_received",
        "_socket",
        "_unproven",
        "address",
        "backlog",
        "heard",
        "proven",
        "shared",
    )

    def __init__(
        self,
        sock: socket.socket,
        address: Address,
        receive: OnDatagram,
        closed: "Callable[[TcpLink], None]",
    ) -> None:
        self.address = address
        self.shared = -1
        self.proven = False
        self.heard = time.monotonic()
        self.backlog = 0
        self._socket = sock
        self._receive = receive
        self._closed = closed
        self._received = bytearray()
        self._held: deque[tuple[bytes, float]] = deque()
        self._unproven = 0
        self._open = True
        self._loop = asyncio.get_running_loop()
        sock.settimeout(0)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNACKNOWLEDGED_MS)
        sock.setsockopt(socket.IPPROTO_TCP, _TCP_NOTSENT_LOWAT, _UNSENT_BYTES)
        self._loop.add_reader(sock, self._readable)

    def close(self) -> None:
        """End the connection at once; what waits is lost."""
        if not self._open:
            return
        self._open = False
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        self._held.clear()
        self._received.clear()
        self.backlog = 0
        self._socket.close()

    def prove(self, now: float) -> None:
        """Take note of an authentic check."""
        self.proven = True
        self.heard = now

    def sendmsg(
        self,
        buffers: Sequence[memoryview],
        ancillary: Ancillary,
        _flags: int,
        _address: Address | None,
        /,
    ) -> int:
        """Send one run; raises ``BlockingIOError`` when an earlier one waits."""
        if self.backlog:
            raise BlockingIOError
        data = _framed(b"".join(buffers), ancillary)
        sent = self._write(data)
        if sent < len(data):
            self._keep(data[sent:])
        return len(data)

    def hold(self, runs: Sequence[Run], _address: Address) -> bool:
        """Keep ``runs``; false when too much waits already, or nothing has moved for too long."""
        late = self._held and time.monotonic() - self._held[0][1] > _BACKLOG_SECONDS
        if late or self.backlog > _BACKLOG_BYTES or not self._open:
            return False
        for buffers, ancillary in runs:
            self._keep(_framed(b"".join(buffers), ancillary))
        return True

    def send(self, data: bytes, _address: Address) -> None:
        """Send one packet, behind what waits if that is not too much."""
        framed = _LENGTH.pack(len(data)) + data
        if self.backlog > _BACKLOG_BYTES or not self._open:
            return
        try:
            sent = 0 if self.backlog else self._write(framed)
        except OSError:
            return  # the reader hears of it too, and closes
        if sent < len(framed):
            self._keep(framed[sent:])

    def _write(self, data: bytes) -> int:
        try:
            return self._socket.send(data)
        except (BlockingIOError, InterruptedError):
            return 0

    def _keep(self, data: bytes) -> None:
        if not self._held:
            self._loop.add_writer(self._socket, self._writable)
        self._held.append((data, time.monotonic()))
        self.backlog += len(data)

    def _writable(self) -> None:
        held = self._held
        while held:
            data, since = held[0]
            try:
                sent = self._socket.send(data)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                self._end()
                return
            self.backlog -= sent
            if sent < len(data):
                held[0] = (data[sent:], since)
                return
            held.popleft()
        self._loop.remove_writer(self._socket)

    def _readable(self) -> None:
        try:
            data = self._socket.recv(_READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data:
            self._end()
            return
        self._received += data
        if not self._take():
            self._end()

    def _take(self) -> bool:
        """Hand on the whole frames received; false when a frame is none that browsers send."""
        received, position = self._received, 0
        try:
            while self._open and len(received) - position >= _LENGTH.size:
                (size,) = _LENGTH.unpack_from(received, position)
                if size > (MAX_DATAGRAM if self.proven else MAX_MESSAGE):
                    return False
                start = position + _LENGTH.size
                if len(received) - start < size:
                    break
                position = start + size
                if size and not self._hand_on(bytes(received[start:position])):
                    return False
        finally:
            del received[:position]  # never the same frame twice, whatever became of it
        return True

    def _hand_on(self, packet: bytes) -> bool:
        if not self.proven:
            self._unproven += 1
            stun = packet[0] <= 3  # noqa: PLR2004  # RFC 7983
            if not stun or self._unproven > _MOST_UNPROVEN_FRAMES:
                return False
        self._receive(self, packet, self.address, None)
        return True

    def _end(self) -> None:
        if self._open:
            self.close()
            self._closed(self)


def _framed(data: bytes, ancillary: Ancillary) -> bytes:
    """Return the packets of a run, each behind its length (RFC 4571 section 2)."""
    parts: list[bytes] = []
    for packet in packets(data, ancillary):
        parts += (_LENGTH.pack(len(packet)), packet)
    return b"".join(parts)
