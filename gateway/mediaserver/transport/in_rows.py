"""A frame as each of many viewers gets it, encrypted in rows: one call can send them all."""

from collections.abc import Sequence
from typing import Any, Final

from gateway.mediaserver.transport.srtp import MAX_BATCH, ROW_LEAD, Batch

_MOST_SIZES: Final = 4
"""Sizes of packets whose pointers are kept; a camera has one, seldom two."""

_Pointers = tuple[tuple[Any, ...], ...]


class InPlaceRows:
    """Rows in the memory ``yard`` (a cffi ``unsigned char[]``); ``protect`` is ``srtp_protect``.

    A row begins with the lengths of its packets, as libsrtp reads and writes them, so that one
    copy brings both. Making a pointer costs as much as encrypting a small packet: all are kept.
    """

    __slots__ = ("_data", "_ffi", "_lengths", "_protect", "_yard", "count", "memory", "stride")

    def __init__(self, ffi: Any, protect: Any, yard: Any, stride: int) -> None:
        self._ffi = ffi
        self._protect = protect
        self._yard = yard
        self._lengths: dict[int, _Pointers] = {}
        self._data: dict[int, _Pointers] = {}
        self.stride = stride
        self.count = len(yard) // stride
        self.memory = memoryview(ffi.buffer(yard))

    def protect(self, keys: Sequence[Any], batch: Batch) -> int:
        """Encrypt ``batch`` for each of ``keys``; returns how many rows are good."""
        count = batch.count
        lengths = self._lengths.get(count) or self._length_pointers(count)
        data = self._data.get(batch.sizes[0]) or self._data_pointers(batch.sizes[0])
        source, size = batch.source, len(batch.source)
        protect, move = self._protect, self._ffi.memmove
        done = 0
        for each, row, sizes in zip(keys, data, lengths, strict=False):
            move(sizes[0], source, size)
            context = each.outbound
            for pointer, length in zip(row, sizes, strict=False):
                # Any status but 0 leaves plain bytes in place: they must never be sent.
                if protect(context, pointer, length):
                    return done
            done += 1
        return done

    def _length_pointers(self, count: int) -> _Pointers:
        """Point at the lengths of ``count`` packets: they end where the packets begin."""
        made = self._lengths[count] = tuple(
            tuple(
                self._ffi.cast("int *", self._yard + start + 4 * number)
                for number in range(MAX_BATCH - count, MAX_BATCH)
            )
            for start in self._starts()
        )
        return made

    def _data_pointers(self, size: int) -> _Pointers:
        """Point at packets of ``size`` bytes that lie end to end."""
        if len(self._data) >= _MOST_SIZES:
            self._data.clear()
        room = min(MAX_BATCH, (self.stride - ROW_LEAD - 1) // size + 1)
        made = self._data[size] = tuple(
            tuple(self._yard + start + ROW_LEAD + number * size for number in range(room))
            for start in self._starts()
        )
        return made

    def _starts(self) -> range:
        return range(0, self.count * self.stride, self.stride)
