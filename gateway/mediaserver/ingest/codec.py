"""What differs between H.264 and H.265 in RTP, so that everything else is written once."""

from collections.abc import Sequence
from typing import Final, Protocol

from gateway.mediaserver.ingest import h264, h265
from gateway.mediaserver.ports import VideoCodec, VideoFormat

START_CODE: Final = b"\0\0\1"
_FIRST_OF_SLICE: Final = 0x80 | h264.SLICE
_MIDDLE_OF_SLICE: Final = bytes([h264.SLICE])
_LAST_OF_SLICE: Final = bytes([0x40 | h264.SLICE])


class NalCodec(Protocol):
    """One codec's NAL units and their RTP payloads.

    ``header`` is the length of a NAL header in bytes; ``parameter_sets`` are the types that must
    stand before a key frame, in order; ``sps`` is the one that tells the picture's size.
    """

    name: VideoCodec
    header: int
    aggregate: int
    fragment: int
    parameter_sets: tuple[int, ...]
    sps: int
    sei: frozenset[int]
    vcl: frozenset[int]
    needless: frozenset[int]

    def kind(self, first: int) -> int:
        """Return a NAL unit's (or payload's) type from its first byte."""

    def is_unit(self, kind: int) -> bool:
        """Tell whether a payload of this type is one NAL unit."""

    def is_random_access(self, kind: int) -> bool:
        """Tell whether decoding may begin at a slice of this type."""

    def fragment_kind(self, header: int) -> int:
        """Return the NAL type that a fragment's header byte names."""

    def unit_header(self, payload: bytes) -> bytes:
        """Rebuild the NAL header from a fragment."""

    def fragment_header(self, nal: bytes) -> tuple[bytes, int]:
        """Return what stands before each fragment of ``nal``, and the type for its last byte."""

    def aggregate_header(self, nals: Sequence[bytes]) -> bytes:
        """Return the payload header of an aggregation of ``nals``."""

    def first_slice(self, head: bytes) -> bool:
        """Tell whether a slice is its picture's first; ``head`` is its beginning."""

    def intra_slice(self, head: bytes) -> bool:
        """Tell whether a slice is sure to need no other picture."""

    def parameter_set_id(self, nal: bytes) -> int:
        """Return the id of a parameter set; -1 when it is broken."""

    def is_recovery_point(self, nal: bytes) -> bool:
        """Tell whether an SEI marks a place where decoding may begin."""

    def is_user_data(self, nal: bytes) -> bool:
        """Tell whether an SEI holds the maker's own data."""

    def is_simple(self, payloads: Sequence[bytes]) -> bool:
        """Tell whether ``payloads`` are sure to be one whole picture that needs another one.

        It may say no of any: this is the short way for what nearly all cameras send.
        """

    def format(self, parameter_sets: Sequence[bytes]) -> VideoFormat:
        """Describe the video by its parameter sets."""


class H264Codec:
    """H.264 (RFC 6184)."""

    name = VideoCodec.H264
    header = 1
    aggregate = h264.STAP_A
    fragment = h264.FU_A
    parameter_sets: tuple[int, ...] = (h264.SPS, h264.PPS)
    sps = h264.SPS
    sei: frozenset[int] = frozenset({h264.SEI})
    vcl: frozenset[int] = h264.VCL
    needless: frozenset[int] = h264.NEEDLESS
    is_recovery_point = staticmethod(h264.is_recovery_point)
    is_user_data = staticmethod(h264.is_user_data)
    parameter_set_id = staticmethod(h264.parameter_set_id)
    kind = staticmethod(h264.nal_type)

    def is_unit(self, kind: int) -> bool:
        """Tell whether a payload of this type is one NAL unit (RFC 6184 table 1)."""
        return 0 < kind < h264.STAP_A

    def is_random_access(self, kind: int) -> bool:
        """Tell whether decoding may begin at a slice of this type."""
        return kind == h264.IDR

    def fragment_kind(self, header: int) -> int:
        """Return the NAL type that a fragment's header byte names."""
        return header & 0x1F

    def unit_header(self, payload: bytes) -> bytes:
        """Rebuild the NAL header from a fragment (RFC 6184 section 5.8)."""
        return bytes([payload[0] & 0xE0 | payload[1] & 0x1F])

    def fragment_header(self, nal: bytes) -> tuple[bytes, int]:
        """Return what stands before each fragment of ``nal``, and the type for its last byte."""
        return bytes([nal[0] & 0xE0 | h264.FU_A]), nal[0] & 0x1F

    def aggregate_header(self, nals: Sequence[bytes]) -> bytes:
        """Return the STAP-A header: the highest importance of its NAL units."""
        return bytes([max(nal[0] & 0x60 for nal in nals) | h264.STAP_A])

    def first_slice(self, head: bytes) -> bool:
        """Tell whether a slice is its picture's first (first_mb_in_slice is 0: one set bit)."""
        return len(head) > 1 and head[1] > 0x7F  # noqa: PLR2004  # the top bit

    def intra_slice(self, head: bytes) -> bool:
        """Tell whether a slice is an I or SI slice."""
        return h264.parse_slice(head).intra

    def is_simple(self, payloads: Sequence[bytes]) -> bool:
        """Tell whether it is one non-IDR slice, in a NAL unit of its own or in FU-A fragments."""
        first, last = payloads[0], payloads[-1]
        if min(map(len, payloads)) < 3 or START_CODE in first:  # noqa: PLR2004  # two of FU-A, one of the slice
            return False
        if first[0] & 0x1F == h264.SLICE:
            return first is last and first[1] > 0x7F  # noqa: PLR2004  # see first_slice
        if first[0] & 0x1F != h264.FU_A or first[1] != _FIRST_OF_SLICE or first[2] <= 0x7F:  # noqa: PLR2004  # see first_slice
            return False
        indicator = first[:1]
        middle = indicator + _MIDDLE_OF_SLICE
        for payload in payloads[1:-1]:
            if payload[:2] != middle:
                return False
        return first is not last and last[:2] == indicator + _LAST_OF_SLICE

    def format(self, parameter_sets: Sequence[bytes]) -> VideoFormat:
        """Describe the video by its first readable SPS."""
        for nal in parameter_sets:
            if (seen := h264.parse_sps(nal)) is not None:
                return VideoFormat(
                    self.name,
                    tuple(parameter_sets),
                    seen.profile_level_id,
                    seen.width,
                    seen.height,
                )
        return VideoFormat(self.name, tuple(parameter_sets))


class H265Codec:
    """H.265 (RFC 7798), without DONL fields (sprop-max-don-diff is 0 for cameras)."""

    name = VideoCodec.H265
    header = 2
    aggregate = h265.AP
    fragment = h265.FU
    parameter_sets: tuple[int, ...] = (h265.VPS, h265.SPS, h265.PPS)
    sps = h265.SPS
    sei: frozenset[int] = frozenset({h265.SEI_PREFIX, h265.SEI_SUFFIX})
    vcl: frozenset[int] = h265.VCL
    needless: frozenset[int] = h265.NEEDLESS
    is_recovery_point = staticmethod(h265.is_recovery_point)
    is_user_data = staticmethod(h265.is_user_data)
    parameter_set_id = staticmethod(h265.parameter_set_id)
    kind = staticmethod(h265.nal_type)
    first_slice = staticmethod(h265.first_slice)

    def is_unit(self, kind: int) -> bool:
        """Tell whether a payload of this type is one NAL unit (RFC 7798 section 4.4)."""
        return kind < h265.AP

    def is_random_access(self, kind: int) -> bool:
        """Tell whether decoding may begin at a slice of this type."""
        return kind in h265.IRAP

    def fragment_kind(self, header: int) -> int:
        """Return the NAL type that a fragment's header byte names."""
        return header & 0x3F

    def unit_header(self, payload: bytes) -> bytes:
        """Rebuild the NAL header from a fragment (RFC 7798 section 4.4.3)."""
        return bytes([payload[0] & 0x81 | (payload[2] & 0x3F) << 1, payload[1]])

    def fragment_header(self, nal: bytes) -> tuple[bytes, int]:
        """Return what stands before each fragment of ``nal``, and the type for its last byte."""
        return bytes([nal[0] & 0x81 | h265.FU << 1, nal[1]]), h265.nal_type(nal[0])

    def aggregate_header(self, nals: Sequence[bytes]) -> bytes:
        """Return the AP header: the lowest layer and temporal id of its NAL units."""
        return bytes([h265.AP << 1, min(nal[1] for nal in nals)])

    def intra_slice(self, head: bytes) -> bool:
        """Tell nothing: a slice's type stands behind values that need the PPS."""
        del head
        return False

    def is_simple(self, payloads: Sequence[bytes]) -> bool:
        """Tell nothing: browsers that play H.265 are few, its frames go the long way."""
        del payloads
        return False

    def format(self, parameter_sets: Sequence[bytes]) -> VideoFormat:
        """Describe the video by its first readable SPS."""
        for nal in parameter_sets:
            if (size := h265.picture_size(nal)) is not None:
                return VideoFormat(self.name, tuple(parameter_sets), None, *size)
        return VideoFormat(self.name, tuple(parameter_sets))


def codec_for(name: str) -> NalCodec | None:
    """Return the codec that an SDP names; None when it cannot be relayed."""
    if name == VideoCodec.H264:
        return H264Codec()
    return H265Codec() if name == VideoCodec.H265 else None
