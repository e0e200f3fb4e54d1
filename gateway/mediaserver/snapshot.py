"""Still pictures: the newest key frame, put together again for a decoder."""

from collections.abc import Iterator
from typing import Final

from gateway.mediaserver.ports import VideoCodec, VideoFrame

START_CODE: Final = b"\x00\x00\x00\x01"
_H264_STAP_A: Final = 24
_H264_FU_A: Final = 28
_H265_AP: Final = 48
_H265_FU: Final = 49


def annexb(codec: VideoCodec, frame: VideoFrame) -> bytes:
    """Return ``frame`` as a byte stream with start codes (ITU-T H.264 and H.265, annex B).

    Takes apart the payload formats of RFC 6184 (single NAL, STAP-A, FU-A) and RFC 7798 (single
    NAL, AP, FU). Raises ValueError for a frame that does not hold together.
    """
    units = _h264_units(frame) if codec is VideoCodec.H264 else _h265_units(frame)
    try:
        stream = b"".join(START_CODE + unit for unit in units)
    except IndexError as error:
        raise ValueError("a payload is too short") from error
    if not stream:
        raise ValueError("the frame is empty")
    return stream


def _h264_units(frame: VideoFrame) -> Iterator[bytes]:
    fragments: list[bytes] = []
    for payload in frame.payloads:
        kind = payload[0] & 0x1F
        if kind == _H264_STAP_A:
            yield from _aggregated(payload[1:])
        elif kind == _H264_FU_A:
            start, end = payload[1] & 0x80, payload[1] & 0x40
            if start:
                fragments = [bytes([payload[0] & 0xE0 | payload[1] & 0x1F])]
            fragments.append(payload[2:])
            if end:
                yield b"".join(fragments)
                fragments = []
        else:
            yield bytes(payload)
    if fragments:
        raise ValueError("a fragmented NAL unit has no end")


def _h265_units(frame: VideoFrame) -> Iterator[bytes]:
    fragments: list[bytes] = []
    for payload in frame.payloads:
        kind = payload[0] >> 1 & 0x3F
        if kind == _H265_AP:
            yield from _aggregated(payload[2:])
        elif kind == _H265_FU:
            start, end = payload[2] & 0x80, payload[2] & 0x40
            if start:
                fragments = [bytes([payload[0] & 0x81 | (payload[2] & 0x3F) << 1, payload[1]])]
            fragments.append(payload[3:])
            if end:
                yield b"".join(fragments)
                fragments = []
        else:
            yield bytes(payload)
    if fragments:
        raise ValueError("a fragmented NAL unit has no end")


def _aggregated(rest: bytes) -> Iterator[bytes]:
    while rest:
        size = int.from_bytes(rest[:2], "big")
        unit = rest[2 : 2 + size]
        if not size or len(unit) != size:
            raise ValueError("an aggregated NAL unit is cut off")
        yield unit
        rest = rest[2 + size :]
