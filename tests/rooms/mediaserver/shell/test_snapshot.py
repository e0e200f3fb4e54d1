"""RTP payloads back to a byte stream."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mediaserver.ports import VideoCodec, VideoFrame
from gateway.mediaserver.snapshot import START_CODE, annexb


def frame(*payloads: bytes) -> VideoFrame:
    return VideoFrame(timestamp=0, payloads=payloads, key=True, arrival=0.0)


def sized(unit: bytes) -> bytes:
    return len(unit).to_bytes(2, "big") + unit


SPS, PPS, IDR = b"\x67sps", b"\x68pps", b"\x65" + bytes(range(30))


def test_h264_single_units_aggregates_and_fragments() -> None:
    stap = b"\x78" + sized(SPS) + sized(PPS)
    fragments = [b"\x7c\x85" + IDR[1:11], b"\x7c\x05" + IDR[11:21], b"\x7c\x45" + IDR[21:]]
    whole = annexb(VideoCodec.H264, frame(stap, *fragments, b"\x06sei"))
    assert whole == START_CODE + START_CODE.join([SPS, PPS, IDR, b"\x06sei"])


def test_h265_single_units_aggregates_and_fragments() -> None:
    vps, sps, idr = b"\x40\x01v", b"\x42\x01s", b"\x26\x01" + bytes(range(30))
    aggregate = b"\x60\x01" + sized(vps) + sized(sps)
    header = bytes([49 << 1, 1])
    fragments = [header + b"\x93" + idr[2:12], header + b"\x13" + idr[12:], header + b"\x53"]
    whole = annexb(VideoCodec.H265, frame(aggregate, *fragments, b"\x44\x01p"))
    assert whole == START_CODE + START_CODE.join([vps, sps, idr, b"\x44\x01p"])


@pytest.mark.parametrize(
    "payloads",
    [(), (b"",), (b"\x7c",), (b"\x7c\x85abc",), (b"\x78\x00\x09ab",), (b"\x78\x00\x00",)],
)
def test_what_does_not_hold_together_is_refused(payloads: tuple[bytes, ...]) -> None:
    with pytest.raises(ValueError, match=r"frame|payload|unit"):
        annexb(VideoCodec.H264, frame(*payloads))


@given(st.sampled_from(VideoCodec), st.lists(st.binary(max_size=40), max_size=5))
def test_any_payloads_make_a_stream_or_a_value_error(
    codec: VideoCodec, payloads: list[bytes]
) -> None:
    with contextlib.suppress(ValueError):
        assert annexb(codec, frame(*payloads)).startswith(START_CODE)
