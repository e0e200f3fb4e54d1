"""RTP over UDP: a port pair, packets of the camera alone, and their right order.

A socket is emptied in one go at each wake-up of the loop, because a wake-up per packet would cost
more than everything else that is done with it.
"""

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable
from typing import Final

from gateway.model.errors import ErrorKind, GatewayError
from gateway.rtsp.rtp import Reception

MAX_HELD: Final = 512
MAX_WAIT_S: Final = 0.1
_MAX_DATAGRAM: Final = 65536
_BATCH: Final = 64
_PAIR_TRIES: Final = 50
_RECEIVE_BUFFER: Final = 1 << 20


class JitterBuffer:
    """Puts one track's packets into order.

    A packet that is not the next one is kept until the gap is filled, for ``wait_s`` seconds at
    most and ``MAX_HELD`` packets at most; then what is missing counts as lost.
    """

    def __init__(self, reception: Reception, *, wait_s: float = MAX_WAIT_S) -> None:
        self._reception = reception
        self._wait_s = wait_s
        self._held: dict[int, tuple[bytes, float]] = {}
        self._timer: asyncio.TimerHandle | None = None
        reception.reordered = self._hold

    def packet(self, data: memoryview, arrival: float) -> None:
        """Take one datagram."""
        self._reception.packet(data, arrival)
        if self._held:
            self._release(arrival)

    def close(self) -> None:
        """Forget what is kept."""
        self._held.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _hold(self, data: memoryview, arrival: float) -> None:
        sequence = data[2] << 8 | data[3]
        if sequence in self._held:
            self._reception.dropped += 1
            return
        self._held[sequence] = (bytes(data), arrival)
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._wait_s, self._expired)

    def _expired(self) -> None:
        self._timer = None
        if self._held:
            self._release(time.monotonic())
        if self._held:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._wait_s / 2, self._expired)

    def _release(self, now: float) -> None:
        """Hand on what is in order by now, or has waited long enough."""
        reception, held = self._reception, self._held
        while held:
            item = held.pop(reception.next_sequence, None)
            if item is None:
                oldest = next(iter(held.values()))[1]
                if now - oldest < self._wait_s and len(held) < MAX_HELD:
                    return
                item = held.pop(min(held, key=reception.ahead))
            data, arrival = item
            ahead = reception.ahead(data[2] << 8 | data[3])
            if ahead < 0 or int.from_bytes(data[8:12], "big") != reception.ssrc:
                reception.dropped += 1  # left over from before the camera began anew
            else:
                reception.deliver(memoryview(data), ahead, arrival)


class PortPair:
    """An even port for RTP and the next one for RTCP, on one local address (RFC 3550 section 11).

    Datagrams of other hosts than ``peer`` are dropped. ``on_rtp`` and ``on_rtcp`` get a view that
    is valid only during the call, and the arrival in monotonic seconds.
    """

    def __init__(
        self,
        *,
        local: str,
        peer: str,
        on_rtp: Callable[[memoryview, float], None],
        on_rtcp: Callable[[memoryview, float], None],
    ) -> None:
        self._peer = peer
        self._rtp, self._rtcp = _open_pair(local)
        self._buffer = bytearray(_MAX_DATAGRAM)
        self._view = memoryview(self._buffer)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._rtp, self._readable, self._rtp, on_rtp)
        self._loop.add_reader(self._rtcp, self._readable, self._rtcp, on_rtcp)
        self.port: int = self._rtp.getsockname()[1]
        self.foreign = 0

    def send_rtp(self, data: bytes, port: int) -> None:
        """Send one packet of media; what finds no room is lost, as on any network."""
        self._send(self._rtp, data, port)

    def send_rtcp(self, data: bytes, port: int) -> None:
        """Send a report to the camera; a full or broken path is no accident."""
        self._send(self._rtcp, data, port)

    def open_path(self, port: int) -> None:
        """Send an empty packet first, so that a firewall between lets the answers in."""
        self._send(self._rtp, bytes([0x80, 0x7F]) + bytes(10), port)

    def close(self) -> None:
        """Close both sockets."""
        for sock in (self._rtp, self._rtcp):
            self._loop.remove_reader(sock)
            sock.close()

    def _send(self, sock: socket.socket, data: bytes, port: int) -> None:
        with contextlib.suppress(OSError):
            sock.sendto(data, (self._peer, port))

    def _readable(self, sock: socket.socket, take: Callable[[memoryview, float], None]) -> None:
        arrival = time.monotonic()
        for _ in range(_BATCH):
            try:
                count, source = sock.recvfrom_into(self._buffer)
            except OSError:
                return
            if source[0] != self._peer:
                self.foreign += 1
                continue
            take(self._view[:count], arrival)


def _open_pair(local: str) -> tuple[socket.socket, socket.socket]:
    family = socket.AF_INET6 if ":" in local else socket.AF_INET
    for _ in range(_PAIR_TRIES):
        first = _bind(family, local, 0)
        if first is None:
            continue
        port = first.getsockname()[1]
        second = _bind(family, local, port ^ 1)
        if second is None:
            first.close()
            continue
        return (first, second) if port % 2 == 0 else (second, first)
    raise GatewayError(
        ErrorKind.INTERNAL,
        "no free pair of UDP ports for a camera",
        "free UDP ports of this machine",
    )


def _bind(family: int, local: str, port: int) -> socket.socket | None:
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        sock.settimeout(0)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        sock.bind((local, port))
    except OSError:
        sock.close()
        return None
    return sock
