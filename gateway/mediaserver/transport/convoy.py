"""One system call for many viewers: sendmmsg(2), which Python's sockets do not offer.

Encrypting for some fifty viewers and then sending to all of them costs a twentieth less than one
viewer after the other, with two hundred a tenth: neither the cipher nor the network code pushes
the other out of the cache, and a call from Python is paid once.
"""

import ctypes
import socket
import struct
import sys
from array import array
from collections.abc import Sequence
from typing import Any, Final

from gateway.mediaserver.transport.link import Address
from gateway.mediaserver.transport.segmentation import UDP_SEGMENT
from gateway.mediaserver.transport.srtp import ROW_LEAD, Batch, Protector, Rows

FEWEST: Final = 32
"""Viewers; with fewer the preparations cost more than they save."""

_STRIDES: Final = (14_912, 29_760)
"""Bytes of a row: 12 packets and 24 of the largest. Odd multiples of a cache line, so that not all
rows fall on the same lines of the cache."""

_YARD_BYTES: Final = 50 * _STRIDES[0]
_MOST_MESSAGES: Final = _YARD_BYTES // _STRIDES[0]
_NAME4: Final = struct.Struct("=H2s4s8x")
_NAME6: Final = struct.Struct("=H2sI16sI")


class _Piece(ctypes.Structure):
    """``struct iovec``."""

    _fields_ = (("base", ctypes.c_void_p), ("size", ctypes.c_size_t))


class _Header(ctypes.Structure):
    """``struct msghdr``."""

    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_size", ctypes.c_uint32),
        ("pieces", ctypes.c_void_p),
        ("piece_count", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_size", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class _Message(ctypes.Structure):
    """``struct mmsghdr``."""

    _fields_ = (("header", _Header), ("sent", ctypes.c_uint))


class _Segments(ctypes.Structure):
    """``struct cmsghdr`` with the size of UDP segments (udp(7), UDP_SEGMENT)."""

    _fields_ = (
        ("length", ctypes.c_size_t),
        ("level", ctypes.c_int),
        ("kind", ctypes.c_int),
        ("size", ctypes.c_uint16),
    )


class Convoy:
    """Encrypts a batch for up to ``room`` viewers and hands all of it to the kernel at once."""

    __slots__ = ("_call", "_control", "_forms", "_names", "_rows", "_starts")

    def __init__(self, protector: Protector) -> None:
        self._call = _system_call()
        rows = protector.rows(_STRIDES, _YARD_BYTES) if self._call is not None else ()
        self._rows = tuple(rows)
        self._names = ctypes.create_string_buffer(_MOST_MESSAGES * _NAME6.size)
        self._control = _Segments()
        self._forms: dict[tuple[int, int], tuple[Any, Any]] = {}
        self._starts = tuple(
            ctypes.addressof(ctypes.c_char.from_buffer(each.memory)) + ROW_LEAD for each in rows
        )

    def rows(self, batch: Batch) -> Rows | None:
        """Return where ``batch`` can be encrypted for many, if it is of a kind that can travel so.

        Nearly all are: packets of one size, which the kernel cuts apart.
        """
        if batch.even and len(batch.runs) == 1:
            for rows in self._rows:
                if batch.total <= rows.stride - ROW_LEAD:
                    return rows
        return None

    def send(self, number: int, rows: Rows, batch: Batch, names: Sequence[bytes]) -> int:
        """Send the first rows to ``names``, one each and all of one family, from socket ``number``.

        Returns how many the kernel took; why not more is known when the next is sent alone.
        """
        form = self._forms.get((rows.stride, len(names[0]))) or self._form(rows, len(names[0]))
        messages, sizes = form
        count = len(names)
        ctypes.memmove(self._names, b"".join(names), count * len(names[0]))
        if sizes[0] != batch.total:
            sizes[:] = array("L", (batch.total,)) * len(sizes)
        self._control.size = batch.sizes[0]
        sent: int = self._call(number, messages, count, socket.MSG_DONTWAIT)
        return max(0, sent)

    @staticmethod
    def row(rows: Rows, batch: Batch, number: int) -> memoryview:
        """Return the packets of one row, for the ordinary way."""
        start = number * rows.stride + ROW_LEAD
        return rows.memory[start : start + batch.total]

    def _form(self, rows: Rows, name_size: int) -> tuple[Any, Any]:
        """Fill in what stays the same in all calls with these rows and names of this size."""
        start = self._starts[self._rows.index(rows)]
        pieces = (_Piece * rows.count)()
        messages = (_Message * rows.count)()
        self._control.length = _Segments.size.offset + _Segments.size.size
        self._control.level, self._control.kind = socket.IPPROTO_UDP, UDP_SEGMENT
        for row, message in enumerate(messages):
            pieces[row].base = start + row * rows.stride
            header = message.header
            header.name = ctypes.addressof(self._names) + row * name_size
            header.name_size = name_size
            header.pieces = ctypes.addressof(pieces[row])
            header.piece_count = 1
            header.control = ctypes.addressof(self._control)
            header.control_size = ctypes.sizeof(self._control)
        # Every second word of the pieces is a size; the view keeps the pieces alive.
        sizes = memoryview(pieces).cast("B").cast("L")[1::2]
        made = self._forms[rows.stride, name_size] = messages, sizes
        return made


def packed(address: Address) -> bytes:
    """Return ``address`` of a UDP viewer as the kernel reads it (``struct sockaddr``)."""
    port = address[1].to_bytes(2, "big")
    if ":" not in address[0]:
        host = socket.inet_pton(socket.AF_INET, address[0])
        return _NAME4.pack(socket.AF_INET, port, host)
    host = socket.inet_pton(socket.AF_INET6, address[0])
    scope = address[3] if len(address) > 3 else 0  # noqa: PLR2004  # host, port, flow, scope
    return _NAME6.pack(socket.AF_INET6, port, 0, host, scope)


def _system_call() -> Any:
    """Return sendmmsg(2), or nothing where there is none."""
    if sys.platform != "linux":
        return None
    call = getattr(ctypes.CDLL(None), "sendmmsg", None)
    if call is not None:
        call.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int)
    return call
