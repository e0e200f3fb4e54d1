"""H.264 as far as a relay must read it (Rec. ITU-T H.264, RFC 6184)."""

from dataclasses import dataclass
from typing import Final

from gateway.mediaserver.ingest.bits import BitReader, EndOfBits, unescaped

SLICE: Final = 1
IDR: Final = 5
SEI: Final = 6
SPS: Final = 7
PPS: Final = 8
VCL: Final = frozenset(range(1, 6))
# Delimiters, ends and filler: no decoder needs them, and they may not stand before an SPS.
NEEDLESS: Final = frozenset({9, 10, 11, 12})
STAP_A: Final = 24
FU_A: Final = 28
MAX_PARAMETER_SET: Final = 1024
_CHROMA_PROFILES: Final = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 134, 135, 138, 139})
_I_SLICES: Final = frozenset({2, 4, 7, 9})
_RECOVERY_POINT: Final = 6
_USER_DATA: Final = frozenset({4, 5})
_MAX_SIDE: Final = 16384
_SLICE_HEADER: Final = 16


@dataclass(frozen=True, slots=True)
class SequenceParameters:
    """What an SPS says: pixels after cropping, and RFC 6184's six hex digits."""

    profile_level_id: str
    width: int
    height: int


def nal_type(first: int) -> int:
    """Return the type from a NAL unit's first byte."""
    return first & 0x1F


def parse_sps(nal: bytes) -> SequenceParameters | None:
    """Read a sequence parameter set (section 7.3.2.1.1); None when it is no valid one."""
    if not 4 <= len(nal) <= MAX_PARAMETER_SET or nal[0] & 0x1F != SPS:  # noqa: PLR2004  # header, profile, flags, level
        return None
    try:
        width, height = _picture_size(BitReader(unescaped(nal[1:])))
    except EndOfBits:
        return None
    if not (0 < width <= _MAX_SIDE and 0 < height <= _MAX_SIDE):
        return None
    return SequenceParameters(nal[1:4].hex(), width, height)


def _picture_size(bits: BitReader) -> tuple[int, int]:
    profile = bits.bits(8)
    bits.bits(16)
    bits.ue()
    chroma, separate = _chroma(bits) if profile in _CHROMA_PROFILES else (1, False)
    bits.ue()
    _skip_picture_order(bits)
    bits.ue()
    bits.flag()
    width = (bits.ue() + 1) * 16
    height = (bits.ue() + 1) * 16
    frames_only = bits.flag()
    if not frames_only:
        height *= 2
        bits.flag()
    bits.flag()
    if bits.flag():
        left, right, top, bottom = bits.ue(), bits.ue(), bits.ue(), bits.ue()
        planar = chroma == 0 or separate
        unit_x = 1 if planar or chroma == 3 else 2  # noqa: PLR2004  # 4:4:4
        unit_y = (1 if planar or chroma != 1 else 2) * (1 if frames_only else 2)
        width -= (left + right) * unit_x
        height -= (top + bottom) * unit_y
    return width, height


def _chroma(bits: BitReader) -> tuple[int, bool]:
    chroma = bits.ue()
    separate = bits.flag() if chroma == 3 else False  # noqa: PLR2004  # 4:4:4
    bits.ue()
    bits.ue()
    bits.flag()
    if bits.flag():
        for index in range(8 if chroma != 3 else 12):  # noqa: PLR2004  # 4:4:4
            if bits.flag():
                _skip_scaling_list(bits, 16 if index < 6 else 64)  # noqa: PLR2004  # 4x4 before 8x8
    return chroma, separate


def _skip_scaling_list(bits: BitReader, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.se()) & 0xFF
        last = following or last


def _skip_picture_order(bits: BitReader) -> None:
    kind = bits.ue()
    if kind == 0:
        bits.ue()
    elif kind == 1:
        bits.flag()
        bits.se()
        bits.se()
        count = bits.ue()
        if count > 255:  # noqa: PLR2004  # the standard's bound
            raise EndOfBits("too many reference frames in a cycle")
        for _ in range(count):
            bits.se()


def parameter_set_id(nal: bytes) -> int:
    """Return the id of an SPS or PPS; -1 when it has none."""
    try:
        if nal[0] & 0x1F == SPS:
            number = BitReader(nal[4:12]).ue()
            return number if number < 32 else -1  # noqa: PLR2004  # the standard's bound
        number = BitReader(nal[1:9]).ue()
    except (EndOfBits, IndexError):
        return -1
    return number if number < 256 else -1  # noqa: PLR2004  # the standard's bound


@dataclass(frozen=True, slots=True)
class SliceStart:
    """The first two values of a slice header (section 7.3.3)."""

    first: bool
    intra: bool


def parse_slice(nal: bytes) -> SliceStart:
    """Read the beginning of a slice (with its NAL header); broken ones are P slices in between."""
    try:
        bits = BitReader(unescaped(bytes(nal[1:_SLICE_HEADER])))
        first = bits.ue() == 0
        return SliceStart(first, bits.ue() in _I_SLICES)
    except EndOfBits:
        return SliceStart(first=False, intra=False)


def sei_kind(nal: bytes) -> int:
    """Return the payload type of the first message of an SEI; -1 when there is none."""
    kind = 0
    for byte in nal[1:]:
        kind += byte
        if byte != 0xFF:  # noqa: PLR2004  # section 7.3.2.3.1
            return kind
    return -1


def is_recovery_point(nal: bytes) -> bool:
    """Tell whether an SEI marks a place where decoding may begin (section D.2.8)."""
    return sei_kind(nal) == _RECOVERY_POINT


def is_user_data(nal: bytes) -> bool:
    """Tell whether an SEI holds the maker's own data, which no browser can use."""
    return sei_kind(nal) in _USER_DATA
