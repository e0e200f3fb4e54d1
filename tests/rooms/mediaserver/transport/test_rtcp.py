"""RTCP: viewers' words, and the reports that they are sent."""

import struct

from aiortc import rtp
from hypothesis import given
from hypothesis import strategies as st

from gateway.mediaserver.transport import rtcp


def test_nacks_with_their_masks() -> None:
    packet = struct.pack("!BBHIIHHHH", 0x81, 205, 4, 1, 99, 65534, 0b101, 20, 0)
    assert rtcp.parse(packet).nacks == [(99, 65534), (99, 65535), (99, 1), (99, 20)]


def test_a_compound_packet() -> None:
    report = bytes(rtp.RtcpRrPacket(ssrc=1, reports=[]))
    lost = bytes(rtp.RtcpPsfbPacket(fmt=rtp.RTCP_PSFB_PLI, ssrc=1, media_ssrc=2))
    feedback = rtcp.parse(report + lost + bytes(rtp.RtcpByePacket(sources=[1])))
    assert feedback.picture_lost
    assert feedback.bye
    assert not feedback.nacks


def test_a_flood_of_nacks_is_cut() -> None:
    body = struct.pack("!HH", 1, 0xFFFF) * 300
    packet = struct.pack("!BBHII", 0x81, 205, 2 + 300, 1, 2) + body
    assert len(rtcp.parse(packet).nacks) == 512


@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    rtcp.parse(data)
    for kind in range(200, 208):
        for count in (1, 4, 15):
            words = (len(data) // 4).to_bytes(2, "big")
            rtcp.parse(bytes((0x80 | count, kind)) + words + data)


def test_another_implementation_reads_the_report() -> None:
    packet = rtcp.sender_report(
        ssrc=7, rtp_time=1 << 33 | 5, packets=3, octets=1 << 32, cname="camera", wall=1.5
    )
    report, description = rtp.RtcpPacket.parse(packet)
    assert isinstance(report, rtp.RtcpSrPacket)
    assert report.sender_info.ntp_timestamp == (2_208_988_801 << 32) + (1 << 31)
    assert (report.sender_info.rtp_timestamp, report.sender_info.packet_count) == (5, 3)
    assert isinstance(description, rtp.RtcpSdesPacket)
    assert description.chunks[0].ssrc == 7


def test_another_implementation_reads_the_goodbye() -> None:
    *_, leave = rtp.RtcpPacket.parse(rtcp.bye((7, 8), "camera"))
    assert isinstance(leave, rtp.RtcpByePacket)
    assert leave.sources == [7, 8]


def test_a_receivers_clock_is_sent_back() -> None:
    other = struct.pack("!BBHI", 1, 0, 1, 0)
    clock = struct.pack("!BBHII", 4, 0, 2, 0x0001_0002, 0x0003_0004)
    packet = struct.pack("!BBHI", 0x80, 207, 6, 99) + other + clock
    assert rtcp.parse(packet).reference == (99, 0x0002_0003)
    assert rtcp.parse(packet[:-4]).reference is None
    back = rtcp.echo(ssrc=7, reference=(99, 0x0002_0003), cname="camera")
    report, description = rtp.RtcpPacket.parse(back[:-24])
    assert isinstance(report, rtp.RtcpRrPacket)
    assert isinstance(description, rtp.RtcpSdesPacket)
    assert back[-24:] == struct.pack("!BBHIBBHIII", 0x80, 207, 5, 7, 5, 0, 3, 99, 0x0002_0003, 0)
