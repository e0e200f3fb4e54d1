"""H.265 as far as a relay must read it (Rec. ITU-T H.265, RFC 7798)."""

from typing import Final

from gateway.mediaserver.ingest.bits import BitReader, EndOfBits, unescaped

VPS: Final = 32
SPS: Final = 33
PPS: Final = 34
SEI_PREFIX: Final = 39
SEI_SUFFIX: Final = 40
VCL: Final = frozenset(range(32))
# BLA, IDR, CRA and the two reserved for their like: decoding may begin there.
IRAP: Final = frozenset(range(16, 24))
# Delimiter, ends, filler.
NEEDLESS: Final = frozenset({35, 36, 37, 38})
AP: Final = 48
FU: Final = 49
MAX_PARAMETER_SET: Final = 2048
_RECOVERY_POINT: Final = 6
_USER_DATA: Final = frozenset({4, 5})
_MAX_SIDE: Final = 16384


def nal_type(first: int) -> int:
    """Return the type from a NAL unit's first byte."""
    return (first >> 1) & 0x3F


def picture_size(sps: bytes) -> tuple[int, int] | None:
    """Return width and height after cropping (section 7.3.2.2.1); None when it is no SPS."""
    if not 16 <= len(sps) <= MAX_PARAMETER_SET or nal_type(sps[0]) != SPS:  # noqa: PLR2004  # headers and general profile
        return None
    try:
        width, height = _picture_size(BitReader(unescaped(sps[2:])))
    except EndOfBits:
        return None
    fits = 0 < width <= _MAX_SIDE and 0 < height <= _MAX_SIDE
    return (width, height) if fits else None


def _picture_size(bits: BitReader) -> tuple[int, int]:
    bits.bits(4)
    sub_layers = bits.bits(3)
    bits.flag()
    _skip_profile_tier_level(bits, sub_layers)
    bits.ue()
    chroma = bits.ue()
    separate = bits.flag() if chroma == 3 else False  # noqa: PLR2004  # 4:4:4
    width, height = bits.ue(), bits.ue()
    if bits.flag():
        left, right, top, bottom = bits.ue(), bits.ue(), bits.ue(), bits.ue()
        unit_x = 2 if chroma in {1, 2} and not separate else 1
        unit_y = 2 if chroma == 1 and not separate else 1
        width -= (left + right) * unit_x
        height -= (top + bottom) * unit_y
    return width, height


def _skip_profile_tier_level(bits: BitReader, sub_layers: int) -> None:
    bits.bits(88 + 8)
    present = [(bits.flag(), bits.flag()) for _ in range(sub_layers)]
    if sub_layers:
        bits.bits(2 * (8 - sub_layers))
    for profile, level in present:
        bits.bits(88 * profile + 8 * level)


def parameter_set_id(nal: bytes) -> int:
    """Return a number that tells sets of one type apart; -1 when it has none."""
    kind = nal_type(nal[0]) if nal else -1
    try:
        if kind == PPS:
            number = BitReader(nal[2:10]).ue()
            return number if number < 64 else -1  # noqa: PLR2004  # the standard's bound
        if kind == VPS:
            return BitReader(nal[2:3]).bits(4)
    except EndOfBits:
        return -1
    return 0 if kind == SPS else -1  # cameras have one SPS; a new one replaces it


def sei_kind(nal: bytes) -> int:
    """Return the payload type of the first message of an SEI; -1 when there is none."""
    kind = 0
    for byte in nal[2:]:
        kind += byte
        if byte != 0xFF:  # noqa: PLR2004  # section 7.3.5
            return kind
    return -1


def is_recovery_point(nal: bytes) -> bool:
    """Tell whether an SEI marks a place where decoding may begin (section D.2.8)."""
    return sei_kind(nal) == _RECOVERY_POINT


def is_user_data(nal: bytes) -> bool:
    """Tell whether an SEI holds the maker's own data, which no browser can use."""
    return sei_kind(nal) in _USER_DATA


def first_slice(nal: bytes) -> bool:
    """Tell whether a slice is its picture's first (section 7.3.6.1)."""
    return len(nal) > 2 and nal[2] >> 7 == 1  # noqa: PLR2004  # behind the two header bytes
