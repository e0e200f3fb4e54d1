"""Sending many packets with one call: the kernel cuts them apart (UDP_SEGMENT, Linux 4.18)."""

import errno
import socket
import struct
from collections.abc import Iterator, Sequence
from typing import Final

import structlog

from gateway.mediaserver.transport.srtp import Ancillary, Run

UDP_SEGMENT: Final = 103
MOST_SEGMENTS: Final = 44
_SOL_UDP: Final = 17
_RUN_BYTES: Final = 64_000
_MOST_SIZES: Final = 256
_NO_SEGMENTATION: Final = frozenset((errno.EIO, errno.EINVAL, errno.EOPNOTSUPP, errno.ENOPROTOOPT))


class Segmentation:
    """Whether the kernel cuts one large datagram into many.

    Known by trying at the start; a network device that cannot do it shows later, and then it is
    off for the whole process.
    """

    __slots__ = ("_ancillary", "on")

    def __init__(self, *, wanted: bool) -> None:
        self.on = wanted and _probe_segmentation()
        self._ancillary: dict[int, Ancillary] = {}

    def explains(self, error: OSError) -> bool:
        """Tell whether ``error`` comes of segmentation; the first one switches it off."""
        if error.errno not in _NO_SEGMENTATION:
            return False
        if not self.on:
            return True  # a batch that was cut before
        self.on = False
        structlog.get_logger("mediaserver").warning(
            "the network device cannot segment UDP: packets go one by one and cost twice the CPU",
            error=errno.errorcode.get(error.errno or 0, str(error.errno)),
        )
        return True

    def cut(self, sizes: Sequence[int], total: int, work: memoryview) -> tuple[Run, ...]:
        """Cut packets that lie end to end in ``work`` into runs that one send call each takes.

        ``sizes`` are bytes of the encrypted packets, at least one; ``total`` is their sum. In a run
        all are equal, only the last may be shorter.
        """
        first, count = sizes[0], len(sizes)
        if (
            self.on
            and total <= _RUN_BYTES
            and count <= MOST_SEGMENTS
            and sizes.count(first) + (sizes[-1] < first) == count
        ):
            ancillary = self._ancillary.get(first) or self._segments(first)
            return (([work[:total]], ancillary if count > 1 else ()),)
        return self._pieces(sizes, work)

    def _pieces(self, sizes: Sequence[int], work: memoryview) -> tuple[Run, ...]:
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
                    runs.append(self._run(work[start:position], segment))
                start, segment, count = position, size, 0
            position += size
            count = count + 1 if size == segment else MOST_SEGMENTS
        runs.append(self._run(work[start:position], segment))
        return tuple(runs)

    def _run(self, buffer: memoryview, segment: int) -> Run:
        return [buffer], self._segments(segment) if len(buffer) > segment else ()

    def _segments(self, size: int) -> Ancillary:
        """Return the ancillary data that asks for segments of ``size``, always the same."""
        if len(self._ancillary) >= _MOST_SIZES:
            self._ancillary.clear()
        made = self._ancillary[size] = ((_SOL_UDP, UDP_SEGMENT, struct.pack("=H", size)),)
        return made


def packets(data: bytes, ancillary: Sequence[tuple[int, int, bytes]]) -> Iterator[bytes]:
    """Yield the packets of a run one by one, for a way that cannot segment."""
    size: int = struct.unpack("=H", ancillary[0][2])[0] if ancillary else len(data)
    for start in range(0, len(data), size):
        yield data[start : start + size]


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
