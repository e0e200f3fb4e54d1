"""The limit of pure Python: the same as ``floor.c``, by pylibsrtp's binding and ``sendmsg``.

It needs neither a compiler nor Janus, so that a bar can be held anywhere. Run as a process with
the arguments of ``floor.c``.
"""

import socket
import struct
import sys
import time

from pylibsrtp import Policy
from pylibsrtp._binding import ffi, lib

TAG = 16
FRAME_S = 0.04
_SOL_UDP, _UDP_SEGMENT = 17, 103


def main(host: str, packets: int, size: int, cameras: int, ports: list[int]) -> None:
    """Send for ever."""
    stride = size + TAG
    policy = Policy(
        key=bytes(28),
        ssrc_type=Policy.SSRC_ANY_OUTBOUND,
        srtp_profile=Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
    )
    viewers = []
    for port in ports:
        context = ffi.new("srtp_t *")
        if lib.srtp_create(context, policy._policy):
            raise SystemExit("libsrtp refuses the keys")
        viewers.append((context, context[0], (host, port)))
    work = ffi.new("unsigned char[]", packets * stride)
    lengths, sizes = ffi.new("int[]", packets), ffi.new("int[]", [size] * packets)
    slots = [(work + index * stride, lengths + index) for index in range(packets)]
    run = [memoryview(ffi.buffer(work))]
    ancillary = [(_SOL_UDP, _UDP_SEGMENT, struct.pack("=H", stride))]
    out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sendmsg, protect, memmove = out.sendmsg, lib.srtp_protect, ffi.memmove
    due, frame = time.monotonic(), 0
    while True:
        for camera in range(cameras):
            source = frame_bytes(frame, camera, packets, size)
            for _, context, address in viewers[camera::cameras]:
                memmove(work, source, packets * stride)
                memmove(lengths, sizes, 4 * packets)
                for pointer, length in slots:
                    if protect(context, pointer, length):
                        raise SystemExit("libsrtp cannot protect")
                sendmsg(run, ancillary, 0, address)
            due += FRAME_S / cameras
            time.sleep(max(0.0, due - time.monotonic()))
        frame += 1


def frame_bytes(frame: int, camera: int, packets: int, size: int) -> bytes:
    """Return a frame's packets end to end with room for the tags."""
    parts = []
    for number in range(packets):
        kind = 96 | (0x80 if number == packets - 1 else 0)
        sequence = frame * packets + number & 0xFFFF
        head = struct.pack("!BBHII", 0x80, kind, sequence, frame * 3600, 1000 + camera)
        parts.append(head + bytes(size - 12 + TAG))
    return b"".join(parts)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:5]), ports=list(map(int, sys.argv[5:])))
