"""Packets to frames, through everything that networks and cameras do to them."""

from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mediaserver.ingest import units
from gateway.mediaserver.ingest.codec import H264Codec, H265Codec, NalCodec
from gateway.mediaserver.ingest.parameters import ParameterSets
from gateway.mediaserver.ingest.units import Depacketizer, Unit, fragments
from gateway.mediaserver.ingest.video import VideoAssembler
from gateway.mediaserver.ports import MAX_PAYLOAD, VideoCodec
from tests.peers.rtsp_peer import PPS, SPS
from tests.rooms.mediaserver.ingest.sinks import Recorder, nals_of

IDR = b"\x65\x88" + bytes(range(1, 200))
P = b"\x41\x9a" + bytes(range(1, 100))
P_DISPOSABLE = b"\x01\x9a" + bytes(range(1, 100))
I_SLICE = b"\x41\xb8" + bytes(range(1, 100))
SECOND_SLICE = b"\x41\x4d" + bytes(range(1, 100))
AUD = b"\x09\xf0"
RECOVERY = b"\x06\x06\x01\xc4\x80"
USER_DATA = b"\x06\x05\x04abcd\x80"
FILLER = b"\x0c\xff\xff\x80"
OTHER_SPS = SPS[:3] + b"\x28" + SPS[4:]


def stap(*nals: bytes) -> bytes:
    return b"\x78" + b"".join(len(nal).to_bytes(2, "big") + nal for nal in nals)


class Camera:
    """Feeds an assembler; ``fmtp`` is what the SDP said."""

    def __init__(
        self, codec: NalCodec | None = None, sdp_sets: Sequence[bytes] = (SPS, PPS)
    ) -> None:
        self.codec = codec or H264Codec()
        self.sink = Recorder()
        sets = ParameterSets(self.codec, {})
        for nal in sdp_sets:
            sets.add(nal)
        self.video = VideoAssembler(self.codec, sets, self.sink)
        self.time = 0.0

    def send(
        self, stamp: int, *payloads: bytes, marker: bool = True, lost: int = 0, every: bool = False
    ) -> "Camera":
        """Send one frame; ``lost`` packets are missing before it, ``every`` packet is marked."""
        self.time += 0.04
        for index, payload in enumerate(payloads):
            last = index == len(payloads) - 1
            self.video.packet(
                memoryview(payload),
                timestamp=stamp,
                marker=every or (marker and last),
                lost=lost if index == 0 else 0,
                arrival=self.time,
            )
        return self

    @property
    def frames(self) -> list[tuple[int, bool, list[bytes]]]:
        name = self.codec.name
        return [(frame.timestamp, frame.key, nals_of(name, frame)) for frame in self.sink.frames]


def test_parameter_sets_of_the_sdp_stand_before_each_key_frame() -> None:
    camera = Camera().send(1, IDR).send(2, P).send(3, IDR)
    assert camera.frames == [
        (1, True, [SPS, PPS, IDR]),
        (2, False, [P]),
        (3, True, [SPS, PPS, IDR]),
    ]
    assert len(camera.sink.formats) == 1
    assert camera.sink.formats[0][0].profile_level_id == "4d401f"


def test_parameter_sets_of_the_stream_are_not_doubled() -> None:
    for parts in ((SPS, PPS, IDR), (stap(SPS, PPS), IDR), (stap(AUD, SPS, PPS, IDR),)):
        camera = Camera(sdp_sets=()).send(1, P).send(2, *parts).send(3, P)
        assert camera.frames == [(2, True, [SPS, PPS, IDR]), (3, False, [P])]


def test_nothing_comes_before_a_key_frame_that_can_be_decoded() -> None:
    camera = Camera(sdp_sets=()).send(1, P).send(2, IDR).send(3, P)
    assert not camera.frames
    assert not camera.sink.formats
    assert camera.send(4, SPS, PPS, IDR).frames == [(4, True, [SPS, PPS, IDR])]


def test_new_parameter_sets_in_mid_stream_are_announced_first() -> None:
    camera = Camera().send(1, IDR).send(2, OTHER_SPS, PPS, IDR).send(3, IDR)
    assert [video.profile_level_id for video, _ in camera.sink.formats] == ["4d401f", "4d4028"]
    assert camera.frames[2][2] == [OTHER_SPS, PPS, IDR]


def test_a_new_pps_before_a_p_frame_goes_with_it() -> None:
    other = PPS[:-1] + b"\xc0"
    camera = Camera().send(1, IDR).send(2, other, P)
    assert camera.frames[1] == (2, False, [other, P])


def test_parameter_sets_under_their_own_timestamp_join_the_next_frame() -> None:
    camera = Camera(sdp_sets=()).send(1, SPS).send(2, PPS).send(3, IDR)
    assert camera.frames == [(3, True, [SPS, PPS, IDR])]


def test_frames_without_markers_end_at_the_next_timestamp() -> None:
    camera = Camera().send(1, IDR, marker=False).send(2, P, SECOND_SLICE, marker=False).send(3, P)
    assert camera.frames == [
        (1, True, [SPS, PPS, IDR]),
        (2, False, [P, SECOND_SLICE]),
        (3, False, [P]),
    ]


def test_markers_on_every_slice_are_found_out() -> None:
    camera = Camera().send(1, IDR)
    for stamp in (2, 3, 4):
        camera.send(stamp, P, SECOND_SLICE, every=True)
    camera.send(5, P)
    assert camera.frames[-2:] == [(3, False, [P, SECOND_SLICE]), (4, False, [P, SECOND_SLICE])]


def test_needless_units_are_left_out() -> None:
    camera = Camera().send(1, AUD, USER_DATA, FILLER, IDR, FILLER)
    assert camera.frames == [(1, True, [SPS, PPS, IDR])]


def test_a_small_supplement_stays_and_a_large_one_goes() -> None:
    timing = b"\x06\x01\x02ab\x80"
    camera = Camera().send(1, timing, b"\x06\x01" + bytes(range(1, 255)) * 2, IDR)
    assert camera.frames == [(1, True, [SPS, PPS, timing, IDR])]


def test_cameras_that_never_send_an_idr() -> None:
    for parts in ((SPS, PPS, I_SLICE), (RECOVERY, I_SLICE), (RECOVERY, P)):
        camera = Camera().send(1, P).send(2, *parts).send(3, P)
        assert [(stamp, key) for stamp, key, _ in camera.frames] == [(2, True), (3, False)]
    silent = Camera()
    for stamp in range(150):
        silent.send(stamp, P)
    assert not silent.frames
    assert silent.send(200, I_SLICE).frames[0][:2] == (200, True)


def test_a_recovery_point_is_no_key_frame_where_idrs_come() -> None:
    camera = Camera().send(1, IDR).send(2, RECOVERY, P)
    assert [key for _, key, _ in camera.frames] == [True, False]


@pytest.mark.parametrize("nal", [b"\0\0\0\1" + SPS + b"\0\0\1" + PPS + b"\0\0\0\0\1" + IDR])
def test_start_codes_inside_payloads(nal: bytes) -> None:
    assert Camera(sdp_sets=()).send(1, nal).frames == [(1, True, [SPS, PPS, IDR])]
    whole = SPS + b"\0\0\0\1" + PPS + b"\0\0\0\1" + IDR + bytes(3)
    assert Camera(sdp_sets=()).send(1, whole).frames == [(1, True, [SPS, PPS, IDR])]
    cut = [b"\x7c\x87" + whole[1:40], b"\x7c\x07" + whole[40:100], b"\x7c\x47" + whole[100:]]
    assert Camera(sdp_sets=()).send(1, *cut).frames == [(1, True, [SPS, PPS, IDR])]


def long_nal(header: bytes, size: int) -> bytes:
    return header + bytes(1 + index % 250 for index in range(size))


def cut(nal: bytes, size: int, *, forget_end: bool = False) -> list[bytes]:
    """Fragment as a camera does (FU-A), with its own size."""
    parts = [nal[at : at + size] for at in range(1, len(nal), size)]
    out = []
    for index, part in enumerate(parts):
        last = index == len(parts) - 1 and not forget_end
        flags = (0x80 if index == 0 else 0) | (0x40 if last else 0)
        out.append(bytes([nal[0] & 0xE0 | 28, flags | nal[0] & 31]) + part)
    return out


def test_fragments_that_fit_pass_through_untouched() -> None:
    nal = long_nal(b"\x65\x88", 5000)
    parts = cut(nal, 1000)
    camera = Camera().send(1, *parts)
    assert list(camera.sink.frames[0].payloads)[1:] == parts
    assert camera.frames[0][2] == [SPS, PPS, nal]


@pytest.mark.parametrize("size", [1201, 1398, 9000])
def test_larger_ones_are_cut_anew(size: int) -> None:
    nal = long_nal(b"\x65\x88", 30000)
    parts = cut(nal, size) if size < 9000 else [nal]
    camera = Camera().send(1, *parts)
    sizes = [len(part) for part in camera.sink.frames[0].payloads][1:]
    assert set(sizes[:-1]) == {MAX_PAYLOAD}
    assert camera.frames[0][2] == [SPS, PPS, nal]


def test_a_forgotten_end_bit() -> None:
    nal = long_nal(b"\x65\x88", 3000)
    camera = Camera().send(1, *cut(nal, 1000, forget_end=True)).send(2, P)
    assert camera.frames == [(1, True, [SPS, PPS, nal]), (2, False, [P])]
    assert camera.sink.frames[0].payloads[-1][1] & 0x40


def test_a_fragment_that_is_alone_becomes_a_whole_unit() -> None:
    camera = Camera().send(1, b"\x7c\xc5" + IDR[1:]).send(2, b"\x5c\x81" + P[1:])
    assert [nals for _, _, nals in camera.frames] == [[SPS, PPS, IDR], [P]]
    assert camera.sink.frames[1].payloads == [P]


def test_a_damaged_frame_is_dropped_and_the_next_ones_go_on() -> None:
    parts = cut(long_nal(b"\x41\x9a", 3000), 1000)
    camera = Camera().send(1, IDR)
    camera.send(2, parts[0], marker=False).send(2, parts[2], lost=1)
    camera.send(3, P).send(4, P)
    assert [stamp for stamp, _, _ in camera.frames] == [1, 3, 4]
    assert (camera.video.lost, camera.video.dropped) == (1, 1)


def test_a_lost_beginning_and_a_lost_end() -> None:
    parts = cut(long_nal(b"\x41\x9a", 3000), 1000)
    camera = Camera().send(1, IDR).send(2, *parts[1:], lost=1).send(3, P)
    assert [stamp for stamp, _, _ in camera.frames] == [1, 3]
    camera.send(4, *parts[:2], marker=False).send(5, P, lost=1)
    assert [stamp for stamp, _, _ in camera.frames] == [1, 3, 5]
    camera.send(6, SECOND_SLICE, lost=1).send(7, P)
    assert [stamp for stamp, _, _ in camera.frames] == [1, 3, 5, 7]


def test_a_lost_last_slice() -> None:
    camera = Camera().send(1, IDR).send(2, P, marker=False).send(3, P, lost=1).send(4, P)
    assert [stamp for stamp, _, _ in camera.frames] == [1, 3, 4]


def test_whole_frames_that_are_lost_harm_no_others() -> None:
    camera = Camera().send(1, IDR).send(5, P, lost=9).send(6, P)
    assert [stamp for stamp, _, _ in camera.frames] == [1, 5, 6]


def test_after_a_damaged_key_frame_everything_waits_for_the_next() -> None:
    parts = cut(long_nal(b"\x65\x88", 3000), 1000)
    camera = Camera().send(1, IDR).send(2, P)
    camera.send(3, parts[0], marker=False).send(3, parts[2], lost=1)
    camera.send(4, P).send(5, P).send(6, IDR).send(7, P)
    assert [stamp for stamp, _, _ in camera.frames] == [1, 2, 6, 7]
    assert camera.video.dropped == 3


def test_a_camera_that_begins_anew() -> None:
    camera = Camera().send(1, IDR).send(2, P)
    camera.video.restarted()
    camera.send(900, P).send(901, IDR)
    assert camera.sink.losses == ["the camera has begun anew"]
    assert [stamp for stamp, _, _ in camera.frames] == [1, 2, 901]
    assert len(camera.sink.formats) == 2


def test_packet_types_that_were_not_negotiated_are_ignored() -> None:
    camera = Camera().send(1, *(bytes([0x60 | kind]) + bytes(20) for kind in (25, 26, 27, 29, 30)))
    camera.send(2, IDR)
    assert [stamp for stamp, _, _ in camera.frames] == [2]
    assert camera.video.ignored == 5


H265_VPS = b"\x40\1\x0c\1" + bytes([0xFF] * 8)
H265_SPS = bytes.fromhex(
    "420101016000000300900000030000030078a0028080 2d165953a4932b".replace(" ", "")
)
H265_PPS = b"\x44\1\xc0\x73\xc0\x4c\x90"
H265_IDR = b"\x26\1\xaf" + bytes(range(1, 100))
H265_P = b"\x02\1\xd0" + bytes(range(1, 100))


def test_h265_single_aggregated_and_fragmented() -> None:
    packet = b"\x60\1" + b"".join(
        len(nal).to_bytes(2, "big") + nal for nal in (H265_VPS, H265_SPS, H265_PPS)
    )
    long_idr = H265_IDR + bytes(range(1, 251)) * 20
    body = long_idr[2:]
    parts = [b"\x62\1" + bytes([flags | 19]) + piece for flags, piece in
             ((0x80, body[:1300]), (0, body[1300:2600]), (0x40, body[2600:]))]  # fmt: skip
    camera = Camera(H265Codec(), ()).send(1, packet, *parts).send(2, H265_P)
    sets = [H265_VPS, H265_SPS, H265_PPS]
    assert camera.frames == [(1, True, [*sets, long_idr]), (2, False, [H265_P])]
    assert camera.sink.formats[0][0].codec is VideoCodec.H265
    camera.send(3, H265_IDR)
    assert camera.frames[2][2] == [*sets, H265_IDR]


PACKETS = st.lists(
    st.tuples(
        st.one_of(
            st.binary(max_size=80),
            st.builds(
                lambda head, body: head + body,
                st.sampled_from([b"\x7c\x85", b"\x7c\x05", b"\x7c\x45", b"\x78\0\3", b"\x67",
                                 b"\x68", b"\x65", b"\x41", b"\x06\x06", b"\x62\1\x93",
                                 b"\x62\1\x53", b"\x60\1\0\4", b"\x42\1", b"\0\0\1"]),
                st.binary(max_size=60),
            ),
            st.just(b"\x7c\x05" + bytes(3000)),
        ),
        st.integers(0, 3),
        st.booleans(),
        st.integers(0, 1),
    ),
    max_size=60,
)  # fmt: skip


@given(st.integers(0, 1), PACKETS)
def test_arbitrary_packets_make_valid_frames_or_none(
    which: int, packets: Iterable[tuple[bytes, int, bool, int]]
) -> None:
    camera = Camera(H265Codec() if which else H264Codec(), () if which else (SPS, PPS))
    for payload, stamp, marker, lost in packets:
        camera.send(stamp, payload, marker=marker, lost=lost)
    camera.video.restarted()
    for frame in camera.sink.frames:
        assert frame.payloads
        assert all(0 < len(part) <= MAX_PAYLOAD for part in frame.payloads)


@given(st.integers(0, 1), PACKETS)
def test_bursts_are_what_packets_are_one_by_one(
    which: int, packets: Iterable[tuple[bytes, int, bool, int]]
) -> None:
    packets = [packet for packet in packets if packet[0]]
    codec, sets = H265Codec() if which else H264Codec(), () if which else (SPS, PPS)
    one_by_one, bursts = Camera(codec, sets), Camera(codec, sets)
    waiting: list[bytes] = []
    for index, (payload, stamp, marker, lost) in enumerate(packets):
        one_by_one.send(stamp, payload, marker=marker, lost=lost)
        if lost:
            bursts.send(stamp, payload, marker=marker, lost=lost)
            continue
        waiting.append(payload)
        following = packets[index + 1] if index + 1 < len(packets) else None
        if marker or following is None or following[1] != stamp or following[3]:
            bursts.video.burst(waiting, timestamp=stamp, marker=marker, arrival=0.0)
            waiting = []
    assert [(frame.payloads, frame.key) for frame in bursts.sink.frames] == [
        (frame.payloads, frame.key) for frame in one_by_one.sink.frames
    ]
    for name in ("packets", "lost", "frames", "dropped", "ignored"):
        assert getattr(bursts.video, name) == getattr(one_by_one.video, name)


def test_an_endless_unit_and_an_endless_frame_are_bounded() -> None:
    damaged: list[int] = []
    whole: list[Unit] = []
    depacketizer = Depacketizer(H264Codec(), whole.append, damaged.append)
    depacketizer.push(memoryview(b"\x7c\x85" + bytes(60000)))
    for _ in range(100):
        depacketizer.push(memoryview(b"\x7c\x05" + bytes([1]) * 60000))
    assert damaged
    assert not whole
    assert not depacketizer.open
    depacketizer.push(b"\x7c\x85" + bytes(60000))
    for _ in range(40):
        depacketizer.push_all([b"\x7c\x05" + bytes([1]) * 60000] * 2)
    assert not whole
    assert not depacketizer.open
    camera = Camera().send(1, IDR)
    for _ in range(3000):
        camera.send(2, P, marker=False)
    camera.send(3, P)
    assert [stamp for stamp, _, _ in camera.frames] == [1, 3]


@given(st.integers(1, 8000), st.booleans())
def test_cutting_and_joining_are_inverse(size: int, h265: bool) -> None:  # noqa: FBT001  # hypothesis gives it
    codec: NalCodec = H265Codec() if h265 else H264Codec()
    nal = long_nal(b"\x26\1" if h265 else b"\x65", size + 1)
    found: list[Unit] = []
    depacketizer = Depacketizer(codec, found.append, lambda _: None)
    for part in fragments(codec, nal):
        assert len(part) <= MAX_PAYLOAD
        depacketizer.push(memoryview(part))
    assert [units.join(codec, unit) for unit in found] == [nal]
