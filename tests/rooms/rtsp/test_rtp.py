"""RTP packets in whatever order and state they come."""

import itertools
import random
import struct
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.rtsp.message import Receiver
from gateway.rtsp.rtcp import Reporter
from gateway.rtsp.rtp import Reception
from gateway.rtsp.udp import MAX_HELD, JitterBuffer
from tests.peers.rtsp_peer import interleaved, rtp
from tests.waiting import until


@dataclass
class Taken:
    """A packet sink that remembers."""

    payloads: list[bytes] = field(default_factory=list)
    stamps: list[int] = field(default_factory=list)
    markers: list[bool] = field(default_factory=list)
    lost: int = 0
    restarts: int = 0

    def packet(
        self, payload: memoryview, *, timestamp: int, marker: bool, lost: int, arrival: float
    ) -> None:
        assert arrival >= 0
        self.payloads.append(bytes(payload))
        self.stamps.append(timestamp)
        self.markers.append(marker)
        self.lost += lost

    def restarted(self) -> None:
        self.restarts += 1


class TakenInBursts(Taken):
    """The same for a sink that takes many packets at once."""

    bursts: int = 0

    def burst(self, payloads: list[bytes], *, timestamp: int, marker: bool, arrival: float) -> None:
        self.bursts += 1
        for index, payload in enumerate(payloads, 1):
            last = marker and index == len(payloads)
            self.packet(
                memoryview(payload), timestamp=timestamp, marker=last, lost=0, arrival=arrival
            )


def reception(taken: Taken) -> Reception:
    return Reception(taken, payload_type=96, clock_rate=90000)


def number(index: int) -> bytes:
    return index.to_bytes(4, "big")


def test_packets_in_order_across_the_wrap_of_the_numbers() -> None:
    taken = Taken()
    seen = reception(taken)
    for index in range(10):
        seen.packet(memoryview(rtp(65530 + index, 7, number(index), marker=index == 9)), index)
    assert taken.payloads == [number(index) for index in range(10)]
    assert taken.markers == [False] * 9 + [True]
    assert (seen.packets, seen.lost, seen.expected) == (10, 0, 10)
    assert seen.highest == 65539


def test_gaps_duplicates_and_strangers() -> None:
    taken = Taken()
    seen = reception(taken)
    for sequence in (5, 6, 6, 5, 9, 10):
        seen.packet(memoryview(rtp(sequence, 7, number(sequence))), 0)
    seen.packet(memoryview(rtp(11, 7, b"other type", pt=97)), 0)
    seen.packet(memoryview(b"short"), 0)
    seen.packet(memoryview(bytes(20)), 0)
    assert taken.payloads == [number(index) for index in (5, 6, 9, 10)]
    assert taken.lost == seen.lost == 2
    assert seen.dropped == 5


def test_a_new_source_counts_from_its_second_packet() -> None:
    taken = Taken()
    seen = reception(taken)
    seen.packet(memoryview(rtp(5, 7, b"a")), 0)
    seen.packet(memoryview(rtp(900, 7, b"noise", ssrc=9)), 0)
    seen.packet(memoryview(rtp(6, 7, b"b")), 0)
    assert (taken.payloads, taken.restarts) == ([b"a", b"b"], 0)
    seen.packet(memoryview(rtp(40, 7, b"c", ssrc=8)), 0)
    seen.packet(memoryview(rtp(41, 7, b"d", ssrc=8)), 0)
    assert (taken.payloads, taken.restarts, taken.lost) == ([b"a", b"b", b"d"], 1, 0)


def test_a_flood_of_noise_takes_nothing_from_the_video() -> None:
    taken = Taken()
    seen = reception(taken)
    sources = itertools.count(100)
    for number_of_ours in range(5, 9):
        seen.packet(memoryview(rtp(number_of_ours, 7, b"ours")), 0)
        for _ in range(50):
            seen.packet(memoryview(rtp(900, 7, b"noise", ssrc=next(sources))), 0)
    assert (taken.payloads, taken.restarts, taken.lost) == ([b"ours"] * 4, 0, 0)
    assert seen.dropped == 200


def test_a_jump_is_a_new_beginning_and_no_loss() -> None:
    taken = Taken()
    seen = reception(taken)
    seen.packet(memoryview(rtp(5, 7, b"a")), 0)
    seen.packet(memoryview(rtp(20005, 7, b"b")), 0)
    assert (taken.payloads, taken.restarts, taken.lost) == ([b"a", b"b"], 1, 0)


def test_contributors_extension_and_padding_are_cut_off() -> None:
    packet = bytearray(rtp(1, 7, b"\0" * 8 + b"\xbe\xde\0\1abcd" + b"data" + b"\0\0\3"))
    packet[0] = 0x80 | 0x20 | 0x10 | 2
    taken = Taken()
    reception(taken).packet(memoryview(bytes(packet)), 0)
    assert taken.payloads == [b"data"]


@given(st.lists(st.binary(max_size=60), max_size=20))
def test_arbitrary_packets_raise_nothing(packets: list[bytes]) -> None:
    taken = Taken()
    seen = reception(taken)
    reporter = Reporter(seen, 1)
    for packet in packets:
        seen.packet(memoryview(packet), 1.0)
        seen.packet(memoryview(b"\x80\x60" + packet + bytes(8)), 1.0)
        seen.packet(memoryview(b"\xbf\x60" + packet + bytes(8)), 1.0)
        reporter.received(memoryview(packet), 1.0)
        reporter.received(memoryview(b"\x81\xc8\0\6" + packet), 1.0)
    assert len(reporter.report(2.0)) == 60


def test_a_receiver_report() -> None:
    seen = reception(Taken())
    reporter = Reporter(seen, 0xABCD)
    for sequence in (1, 2, 3, 5):
        seen.packet(memoryview(rtp(sequence, 7, b"x")), 0)
    sender_report = struct.pack("!BBHIIIIII", 0x80, 200, 6, 0x1234, 0x11112222, 0x33334444, 0, 4, 4)
    reporter.received(memoryview(sender_report), 10.0)
    report = struct.unpack_from("!BBHIIIIIII", reporter.report(10.5))
    assert report[:4] == (0x81, 201, 7, 0xABCD)
    assert report[4] == 0x1234
    assert report[5] == (256 // 5) << 24 | 1
    assert report[6] == 5
    assert report[8:] == (0x22223333, 32768)
    again = struct.unpack_from("!BBHIIIIIII", reporter.report(11.0))
    assert again[5] == 1


def test_good_bye_counts_only_for_the_own_source() -> None:
    seen = reception(Taken())
    reporter = Reporter(seen, 1)
    seen.packet(memoryview(rtp(1, 7, b"x", ssrc=77)), 0)
    reporter.received(memoryview(struct.pack("!BBHI", 0x81, 203, 1, 78)), 0)
    assert not reporter.ended
    reporter.received(memoryview(struct.pack("!BBHI", 0x81, 203, 1, 77)), 0)
    assert reporter.ended


async def test_reordered_datagrams_come_out_in_order() -> None:
    taken = Taken()
    seen = reception(taken)
    order = JitterBuffer(seen)
    indices = list(range(200))
    generator = random.Random(7)
    for start in range(1, 200, 5):
        block = indices[start : start + 5]
        generator.shuffle(block)
        indices[start : start + 5] = block
    for index in indices:
        order.packet(memoryview(rtp(65500 + index, 7, number(index))), 1.0)
        order.packet(memoryview(rtp(65500 + index, 7, number(index))), 1.0)
    order.close()
    assert taken.payloads == [number(index) for index in range(200)]
    assert (seen.lost, taken.lost) == (0, 0)


async def test_a_lost_datagram_is_waited_for_and_then_given_up() -> None:
    taken = Taken()
    order = JitterBuffer(reception(taken), wait_s=0.02)
    for index in (0, 1, 3, 4):
        order.packet(memoryview(rtp(index, 7, number(index))), 1e9)
    assert len(taken.payloads) == 2
    order.packet(memoryview(rtp(5, 7, number(5))), 1e9 + 0.05)
    assert taken.payloads == [number(index) for index in (0, 1, 3, 4, 5)]
    assert taken.lost == 1
    order.close()


async def test_the_last_packets_come_out_when_nothing_follows() -> None:
    taken = Taken()
    order = JitterBuffer(reception(taken), wait_s=0.02)
    order.packet(memoryview(rtp(0, 7, b"a")), 0.0)
    order.packet(memoryview(rtp(2, 7, b"b")), 0.0)
    await until(lambda: taken.payloads == [b"a", b"b"], within=2)
    order.close()


async def test_what_is_held_is_bounded() -> None:
    taken = Taken()
    order = JitterBuffer(reception(taken), wait_s=60)
    order.packet(memoryview(rtp(0, 7, b"a")), 0.0)
    for index in range(2, 2000):
        order.packet(memoryview(rtp(index, 7, b"b")), 0.0)
    assert len(order._held) <= MAX_HELD
    assert taken.lost == 1
    assert len(taken.payloads) == 1999
    order.close()


@pytest.mark.parametrize("second", [2, 40000])
async def test_a_new_source_leaves_nothing_behind(second: int) -> None:
    taken = Taken()
    order = JitterBuffer(reception(taken), wait_s=0.02)
    for packet in (rtp(0, 1, b"a"), rtp(5, 1, b"old")):
        order.packet(memoryview(packet), 0.0)
    for index in range(40):
        order.packet(memoryview(rtp(second + index, 1, b"n", ssrc=9)), 0.0)
    await until(lambda: not order._held, within=2)
    assert taken.payloads == [b"a", *[b"n"] * 39]
    order.close()


def receive(taken: Taken, data: bytes, step: int) -> Reception:
    """Let a connection's bytes arrive ``step`` at a time, channel 0 being ours."""
    seen = reception(taken)
    receiver = Receiver(
        lambda channel, view: seen.packet(view, receiver.arrival) if channel == 0 else None,
        lambda _: None,
    )
    receiver.channels.update({0, 1})
    if seen.takes_bursts:
        receiver.takers[0] = seen.burst
    for index, start in enumerate(range(0, len(data), step)):
        receiver.arrival = index / 100
        receiver.feed(data[start : start + step])
    return seen


def test_a_frame_comes_in_one_piece() -> None:
    taken = TakenInBursts()
    packets = [rtp(65530 + i, i // 9, number(i), marker=i % 9 == 8) for i in range(27)]
    seen = receive(taken, b"".join(map(interleaved, packets)), 1 << 16)
    assert taken.payloads == [number(index) for index in range(27)]
    # The very first packet only says where the numbers begin.
    assert (taken.bursts, seen.packets) == (3, 27)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([1, 1, 1, 1, 1, 1, 0, 2, 3, 65000]),
            st.integers(0, 2),
            st.binary(max_size=12),
            st.booleans(),
            st.sampled_from([96, 96, 96, 97]),
            st.sampled_from([1, 1, 1, 2]),
            st.sampled_from([0x80, 0x80, 0x80, 0x81, 0x90, 0xA0, 0x40]),
            st.sampled_from([0, 0, 0, 1]),
        ),
        max_size=50,
    ),
    st.integers(1, 400),
)
def test_bursts_are_what_packets_are_one_by_one(
    packets: list[tuple[int, int, bytes, bool, int, int, int, int]], step: int
) -> None:
    sequence, data = 65500, b""
    for skip, stamp, payload, marker, kind, ssrc, first, channel in packets:
        sequence += skip
        packet = rtp(sequence, stamp, payload, marker=marker, pt=kind, ssrc=ssrc)
        data += interleaved(bytes([first]) + packet[1:], channel)
    plain, bursts = Taken(), TakenInBursts()
    expected, seen = receive(plain, data, step), receive(bursts, data, step)
    for name in ("payloads", "stamps", "markers", "lost", "restarts"):
        assert getattr(bursts, name) == getattr(plain, name)
    for name in ("packets", "lost", "dropped", "highest", "expected", "jitter", "next_sequence"):
        assert getattr(seen, name) == getattr(expected, name)
