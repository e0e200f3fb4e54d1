"""Parameter sets of encoders and of liars."""

import base64
from fractions import Fraction

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mediaserver.ingest import h264, h265
from gateway.mediaserver.ingest.bits import BitReader, EndOfBits, unescaped
from gateway.mediaserver.ingest.codec import H264Codec, H265Codec, codec_for
from gateway.mediaserver.ingest.parameters import ParameterSets
from gateway.mediaserver.ports import VideoCodec
from tests.peers.rtsp_peer import PPS, SPS


def encoded(name: str, width: int, height: int, **options: str) -> list[bytes]:
    """Encode one picture and return its NAL units."""
    context = av.CodecContext.create(name, "w")
    context.width, context.height, context.pix_fmt = width, height, "yuv420p"
    context.time_base = Fraction(1, 25)
    context.options = options
    frame = av.VideoFrame(width, height, "yuv420p")
    packets = [*context.encode(frame), *context.encode(None)]
    stream = b"".join(map(bytes, packets))
    return [part.rstrip(b"\0") for part in stream.split(b"\0\0\1") if part.rstrip(b"\0")]


@pytest.mark.parametrize(
    ("size", "profile"),
    [
        ((1280, 720), "high"),
        ((1920, 1080), "main"),
        ((322, 182), "baseline"),
        ((2688, 1520), "high"),
        ((352, 288), "high"),
    ],
)
def test_the_size_in_an_h264_sps(size: tuple[int, int], profile: str) -> None:
    nals = encoded("libx264", *size, profile=profile)
    sps = next(nal for nal in nals if nal[0] & 31 == 7)
    seen = h264.parse_sps(sps)
    assert seen is not None
    assert (seen.width, seen.height) == size
    assert seen.profile_level_id == sps[1:4].hex()


def test_interlaced_h264() -> None:
    nals = encoded("libx264", 1920, 1080, **{"x264-params": "interlaced=1"})
    seen = h264.parse_sps(next(nal for nal in nals if nal[0] & 31 == 7))
    assert seen is not None
    assert (seen.width, seen.height) == (1920, 1080)


@pytest.mark.parametrize("size", [(1280, 720), (322, 182)])
def test_the_size_in_an_h265_sps(size: tuple[int, int]) -> None:
    nals = encoded("libx265", *size, **{"x265-params": "log-level=none:pools=1"})
    sps = next(nal for nal in nals if nal[0] >> 1 == 33)
    assert h265.picture_size(sps) == size


@given(st.binary(max_size=200))
def test_hostile_sps_are_read_or_refused(data: bytes) -> None:
    for nal in (data, b"\x67" + data, b"\x67\x64\0\x28" + data):
        seen = h264.parse_sps(nal)
        assert seen is None or (0 < seen.width <= 16384 and 0 < seen.height <= 16384)
        h264.parse_slice(nal)
        h264.parameter_set_id(nal)
        h264.sei_kind(nal)
    for nal in (data, b"\x42\1" + data, b"\x44\1" + data, b"\x40\1" + data):
        size = h265.picture_size(nal)
        assert size is None or (0 < size[0] <= 16384 and 0 < size[1] <= 16384)
        h265.parameter_set_id(nal)
        h265.sei_kind(nal)


@given(st.binary(max_size=50), st.lists(st.sampled_from(["ue", "se", "flag"]), max_size=60))
def test_the_bit_reader_raises_only_its_own_error(data: bytes, reads: list[str]) -> None:
    bits = BitReader(data)
    try:
        for read in reads:
            getattr(bits, read)()
    except EndOfBits:
        return


def test_exp_golomb_and_emulation_prevention() -> None:
    bits = BitReader(bytes([0b1_010_011_0, 0b0100_0010, 0b1_0000000]))
    assert [bits.ue() for _ in range(4)] == [0, 1, 2, 3]
    assert bits.se() == -2
    assert unescaped(b"\0\0\3\1\0\0\3\0\0\3") == b"\0\0\1\0\0\0\0"
    assert unescaped(b"plain") == b"plain"


def test_sprops_as_cameras_write_them() -> None:
    sps, pps = base64.b64encode(SPS).decode(), base64.b64encode(PPS).decode()
    start = base64.b64encode(b"\0\0\0\1" + PPS).decode()
    for text in (f"{sps},{pps}", f"{sps.rstrip('=')} , {pps.rstrip('=')}", f"{sps},{start},,%%"):
        sets = ParameterSets(H264Codec(), {"sprop-parameter-sets": text})
        assert sets.complete
        assert sets.nals() == [SPS, PPS]
        assert sets.format().profile_level_id == "4d401f"
    assert not ParameterSets(H264Codec(), {"sprop-parameter-sets": sps}).complete
    assert not ParameterSets(H264Codec(), {}).complete


def test_a_set_of_the_same_id_replaces_the_older_one() -> None:
    sets = ParameterSets(H264Codec(), {})
    assert sets.add(SPS)
    assert not sets.add(SPS)
    assert sets.add(SPS[:-1] + b"\x41")
    assert len(sets.nals()) == 1


@given(st.lists(st.binary(min_size=1, max_size=20), max_size=400))
def test_what_is_kept_is_bounded(nals: list[bytes]) -> None:
    for codec, headers in ((H264Codec(), b"\x67\x68"), (H265Codec(), b"\x40\x42\x44")):
        sets = ParameterSets(codec, {})
        for nal in nals:
            for header in headers:
                sets.add(bytes([header]) + nal)
        assert len(sets.nals()) <= 24
        sets.format()


def test_codecs_by_name() -> None:
    h264_codec, h265_codec = codec_for("H264"), codec_for("H265")
    assert h264_codec is not None
    assert h264_codec.name is VideoCodec.H264
    assert h265_codec is not None
    assert h265_codec.name is VideoCodec.H265
    assert codec_for("JPEG") is None
