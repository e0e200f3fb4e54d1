"""Bit by bit through a NAL unit (Rec. ITU-T H.264 section 9.1, H.265 section 9.2)."""


class EndOfBits(ValueError):  # noqa: N818  # it says what there is, an end
    """The data ends before the value does, or a value is out of all bounds."""


def unescaped(nal: bytes) -> bytes:
    """Remove the emulation prevention bytes (00 00 03 -> 00 00)."""
    if b"\0\0\3" not in nal:
        return nal
    parts = bytearray()
    start = 0
    while (at := nal.find(b"\0\0\3", start)) >= 0:
        parts += nal[start : at + 2]
        start = at + 3
    return bytes(parts + nal[start:])


class BitReader:
    """Reads fixed and Exp-Golomb codes; raises :class:`EndOfBits` and nothing else."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self._left = 8 * len(data)

    def bits(self, count: int) -> int:
        """Return the next ``count`` bits as a number."""
        if count > self._left:
            raise EndOfBits("the data ends too early")
        self._left -= count
        return (self._value >> self._left) & ((1 << count) - 1)

    def flag(self) -> bool:
        """Return the next bit."""
        return self.bits(1) == 1

    def ue(self) -> int:
        """Return an unsigned Exp-Golomb number."""
        zeros = 0
        while not self.bits(1):
            zeros += 1
            if zeros > 32:  # noqa: PLR2004  # the longest code there is
                raise EndOfBits("a number is out of bounds")
        return (1 << zeros) - 1 + self.bits(zeros)

    def se(self) -> int:
        """Return a signed Exp-Golomb number."""
        number = self.ue()
        return (number + 1) // 2 if number % 2 else -(number // 2)
