"""Ask the building's network who has an address before a media server takes it (RFC 5227)."""

import asyncio
import contextlib
import socket
import struct
from typing import Final

_ETH_P_ARP: Final = 0x0806
_REQUEST, _REPLY = 1, 2
_PACKET: Final = struct.Struct("!6s6sHHHBBH6s4s6s4s")
_TRIES: Final = 3
_WAIT_S: Final = 0.3


async def owner(interface: str, address: str) -> str | None:
    """Return the hardware address that answers for IPv4 ``address``, ``None`` when nobody does.

    Takes about a second when nobody answers. Where this process may not ask (no CAP_NET_RAW, no
    such interface here because the engine is on another machine) the answer is ``None`` too.
    """
    try:
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ARP))
    except OSError:
        return None
    with sock:
        try:
            sock.settimeout(0)
            sock.bind((interface, _ETH_P_ARP))
            own = sock.getsockname()[4]
            return await _ask(sock, own, socket.inet_aton(address))
        except OSError:
            return None


async def _ask(sock: socket.socket, own: bytes, wanted: bytes) -> str | None:
    loop = asyncio.get_running_loop()
    # A probe names no sender address, so that it disturbs nobody's table (RFC 5227 section 2.1.1).
    probe = _PACKET.pack(
        *(b"\xff" * 6, own, _ETH_P_ARP, 1, 0x0800, 6, 4, _REQUEST),
        *(own, bytes(4), bytes(6), wanted),
    )
    for _ in range(_TRIES):
        sock.send(probe)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_WAIT_S):
                while True:
                    frame = await loop.sock_recv(sock, 128)
                    if len(frame) < _PACKET.size:
                        continue
                    fields = _PACKET.unpack_from(frame)
                    if fields[7] == _REPLY and fields[9] == wanted:
                        return str(fields[8].hex(":"))
    return None
