"""The latest frames of a camera: for newcomers (from the last key frame) and for resends."""

from bisect import bisect_right
from collections.abc import Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from gateway.mediaserver.fanout.track import GroupKey
    from gateway.mediaserver.transport.srtp import Batch

RESEND_PACKETS: Final = 1000
GOP_PACKETS: Final = 600
GOP_BYTES: Final = 1_500_000

_FIRST = attrgetter("first")


class Frame:
    """One access unit with our numbers: ``number`` of the frame, ``first`` of its packets.

    ``batches`` are kept by group while newcomers may need them.
    """

    __slots__ = ("batches", "first", "key", "number", "payloads", "timestamp")

    def __init__(
        self, *, number: int, first: int, timestamp: int, payloads: Sequence[bytes], key: bool
    ) -> None:
        self.number = number
        self.first = first
        self.timestamp = timestamp
        self.payloads = payloads
        self.key = key
        self.batches: dict[GroupKey, tuple[Batch, ...]] = {}


class History:
    """Frames in order: at least the group of pictures (GOP), and the last 1000 packets."""

    __slots__ = ("_frames", "_gop", "_gop_bytes", "_gop_packets", "_packets")

    def __init__(self) -> None:
        self._frames: list[Frame] = []
        self._packets = 0
        self._gop: int | None = None
        self._gop_packets = 0
        self._gop_bytes = 0

    @property
    def gop(self) -> Frame | None:
        """The key frame with which a newcomer begins, if all since then is cached."""
        return None if self._gop is None else self.frame(self._gop)

    def add(self, frame: Frame) -> None:
        """Take the next frame and let go of what nobody can need."""
        if frame.key:
            self._forget_batches()
            self._gop, self._gop_packets, self._gop_bytes = frame.number, 0, 0
        if self._gop is not None:
            self._gop_packets += len(frame.payloads)
            self._gop_bytes += sum(map(len, frame.payloads))
            if self._gop_packets > GOP_PACKETS or self._gop_bytes > GOP_BYTES:
                self.forget_gop()
        self._frames.append(frame)
        self._packets += len(frame.payloads)
        self._trim()

    def forget_gop(self) -> None:
        """Let newcomers wait for the next key frame."""
        self._gop = None
        self._forget_batches()

    def frame(self, number: int) -> Frame | None:
        """Return the frame called ``number`` if it is still here."""
        if not self._frames:
            return None
        index = number - self._frames[0].number
        return self._frames[index] if 0 <= index < len(self._frames) else None

    def packet(self, number: int) -> tuple[Frame, int] | None:
        """Return the frame that holds packet ``number``, and the packet's place in it."""
        index = bisect_right(self._frames, number, key=_FIRST) - 1
        if index < 0:
            return None
        frame = self._frames[index]
        place = number - frame.first
        return (frame, place) if place < len(frame.payloads) else None

    def _trim(self) -> None:
        spare = 0
        for frame in self._frames:
            if self._packets - len(frame.payloads) < RESEND_PACKETS:
                break
            if self._gop is not None and frame.number >= self._gop:
                break
            self._packets -= len(frame.payloads)
            spare += 1
        if spare:
            del self._frames[:spare]

    def _forget_batches(self) -> None:
        for frame in self._frames:
            if frame.batches:
                frame.batches = {}
