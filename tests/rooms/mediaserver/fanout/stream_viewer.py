"""A viewer of few parts that comes by TCP (RFC 6544, RFC 4571)."""

import asyncio
import socket
import struct

from tests.rooms.mediaserver.fanout.lean import LeanViewer


def framed(*packets: bytes) -> bytes:
    """Return packets, each behind its length."""
    return b"".join(struct.pack("!H", len(packet)) + packet for packet in packets)


class StreamViewer(LeanViewer):
    """One viewer on one TCP connection. ``hung_up``: the server has closed it."""

    hung_up = False

    def begin(self) -> None:
        """Connect, check and send the first flight of DTLS."""
        self.connect()
        super().begin()

    def connect(self, *, receive_buffer: int = 0) -> None:
        """Open a connection; an earlier one is closed."""
        self.close()
        self.hung_up = False
        self._received = b""
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        self._socket = socket.socket(family)
        if receive_buffer:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self._socket.connect(self.server)
        self._socket.settimeout(0)
        self.read_on()

    def read_on(self) -> None:
        """Read what comes, again."""
        asyncio.get_running_loop().add_reader(self._socket, self._readable)

    def stand_still(self) -> None:
        """Read nothing."""
        asyncio.get_running_loop().remove_reader(self._socket)

    def reset(self) -> None:
        """Break the connection off."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def send(self, data: bytes) -> None:
        """Send one packet, framed."""
        self.send_raw(framed(data))

    def send_raw(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._socket.sendall(data)

    def _readable(self) -> None:
        try:
            data = self._socket.recv(65_536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.hung_up = True
            self.close()
            return
        self._received += data
        while len(self._received) >= 2:
            stop = 2 + int.from_bytes(self._received[:2], "big")
            if len(self._received) < stop:
                return
            packet, self._received = self._received[2:stop], self._received[stop:]
            self._arrived(packet)
