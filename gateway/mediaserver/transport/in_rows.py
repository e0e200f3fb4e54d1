"""A frame as each of many viewers gets it, encrypted in rows: one call can send them all."""

from collections.abc import Sequence
from typing import Any, Final

from gateway.mediaserver.transport.srtp import MAX_BATCH, ROW_LEAD, Batch

_MOST_SIZES: Final = 4
"""Sizes of packets whose pointers are kept; a camera has one, seldom two."""

_Slot = tuple[Any, Any]
"""A packet and its length."""

_Grid = tuple[tuple[Any, tuple[_Slot, ...]], ...]
"""For each row where it begins, and its packets."""


class InPlaceRows:
    """Rows in the memory ``yard`` (a cffi ``unsigned char[]``); ``protect`` is ``srtp_protect``.

    A row begins with the lengths of its packets, as libsrtp reads and writes them, so that one
    copy brings both. Making a pointer costs as much as encrypting a small packet: all are kept.
    """

    __slots__ = ("_ffi", "_grids", "_protect", "_slots", "_yard", "count", "memory", "stride")

    def __init__(self, ffi: Any, protect: Any, yard: Any, stride: int) -> None:
        self._ffi = ffi
        self._protect = protect
        self._yard = yard
        self._slots: dict[int, _Grid] = {}
        self._grids: dict[tuple[int, int], _Grid] = {}
        self.stride = stride
        self.count = len(yard) // stride
        self.memory = memoryview(ffi.buffer(yard))

    def protect(self, keys: Sequence[Any], batch: Batch) -> int:
        """Encrypt ``batch`` for each of ``keys``; returns how many rows are good."""
        first, count = batch.sizes[0], batch.count
        grid = self._grids.get((first, count)) or self._grid(first, count)
        source, size = batch.source, len(batch.source)
        protect, move = self._protect, self._ffi.memmove
        done = 0
        for each, (start, slots) in zip(keys, grid, strict=False):
            move(start, source, size)
            context = each.outbound
            for pointer, length in slots:
                # Any status but 0 leaves plain bytes in place: they must never be sent.
                if protect(context, pointer, length):
                    return done
            done += 1
        return done

    def _grid(self, size: int, count: int) -> _Grid:
        """Point at ``count`` packets of ``size`` bytes in each row."""
        if size not in self._slots:
            if len(self._slots) >= _MOST_SIZES:
                self._slots.clear()
                self._grids.clear()
            self._slots[size] = self._pointers(size)
        made = tuple((start, slots[:count]) for start, slots in self._slots[size])
        self._grids[size, count] = made
        return made

    def _pointers(self, size: int) -> _Grid:
        """Point at as many packets of ``size`` bytes as begin in a row, and at their lengths."""
        room = min(MAX_BATCH, (self.stride - ROW_LEAD - 1) // size + 1)
        starts = [self._yard + row * self.stride for row in range(self.count)]
        return tuple(
            (
                start,
                tuple(
                    (start + ROW_LEAD + number * size, self._ffi.cast("int *", start + 4 * number))
                    for number in range(room)
                ),
            )
            for start in starts
        )
