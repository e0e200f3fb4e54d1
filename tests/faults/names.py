"""A resolver of one name (RFC 1035), which may fall silent."""

import asyncio
import ipaddress
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, cast

_ADDRESS: Final = "127.0.0.153"
_HEAD: Final = struct.Struct(">HHHHHH")
_A: Final = 1


@dataclass
class Names(asyncio.DatagramProtocol):
    """Answers every question after an IPv4 address with ``points_to``, and others with nothing."""

    points_to: str
    name: str = "door.cameras.test"
    address: str = _ADDRESS
    silent: bool = False
    _transport: asyncio.DatagramTransport | None = field(default=None, init=False)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin (asyncio)."""
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answer (asyncio)."""
        if self.silent or self._transport is None:
            return
        number = _HEAD.unpack_from(data)[0]
        end = data.index(b"\0", _HEAD.size) + 5
        question = data[_HEAD.size : end]
        kind = int.from_bytes(question[-4:-2], "big")
        answer = b""
        if kind == _A:
            answer = b"\xc0\x0c" + struct.pack(">HHIH", _A, 1, 0, 4)
            answer += ipaddress.IPv4Address(self.points_to).packed
        head = _HEAD.pack(number, 0x8580, 1, bool(answer), 0, 0)
        self._transport.sendto(head + question + answer, addr)


@asynccontextmanager
async def names(points_to: str) -> AsyncIterator[Names]:
    """Answer on port 53 of a loopback address of its own (root)."""
    loop = asyncio.get_running_loop()
    answers = Names(points_to)
    transport, _ = await loop.create_datagram_endpoint(
        lambda: answers, local_addr=(answers.address, 53)
    )
    try:
        yield answers
    finally:
        transport.close()
