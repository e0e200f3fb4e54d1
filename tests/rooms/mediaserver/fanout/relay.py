"""A network that loses packets, between one browser and the engine."""

import asyncio
import contextlib
import random
import re
import socket
import time
from typing import Final, Self

_SO_RCVBUFFORCE: Final = 33
_WAITING_BYTES: Final = 4_000_000
"""What may wait for the relay on a busy machine: it shall lose only what it says."""


class _Side(asyncio.DatagramProtocol):
    def __init__(self, relay: "LossyRelay") -> None:
        self.relay = relay

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.relay.carry(data, addr)


class LossyRelay:
    """Forwards UDP between a browser and ``port``; loses a part of the media on its way.

    ``longest_silence`` is the longest time without any media from the server, in seconds: what
    it says of a busy machine is no loss of the network's.
    """

    def __init__(self, port: int, *, loss: float, seed: int = 7) -> None:
        self._server = ("127.0.0.1", port)
        self._browser: tuple[str, int] | None = None
        self._loss = loss
        self._random = random.Random(seed)
        self.lost = 0
        self.longest_silence = 0.0
        self._last = float("inf")
        self.port = 0

    async def __aenter__(self) -> Self:
        self._transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: _Side(self), local_addr=("127.0.0.1", 0)
        )
        sock = self._transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _WAITING_BYTES)
        with contextlib.suppress(PermissionError):
            sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _WAITING_BYTES)
        self.port = sock.getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._transport.close()

    def through(self, answer: str) -> str:
        """Return ``answer`` with this relay for its candidate."""
        return re.sub(r"(127\.0\.0\.1) \d+ typ", rf"\1 {self.port} typ", answer)

    def carry(self, data: bytes, source: tuple[str, int]) -> None:
        """Take one datagram from either side."""
        if source != self._server:
            self._browser = source
            self._transport.sendto(data, self._server)
        elif self._browser is not None:
            media = data[0] >= 128 and not 192 <= data[1] <= 223
            if media:
                self._hear(time.monotonic())
            if media and self._random.random() < self._loss:
                self.lost += 1
            else:
                self._transport.sendto(data, self._browser)

    def _hear(self, now: float) -> None:
        self.longest_silence = max(self.longest_silence, now - self._last)
        self._last = now
