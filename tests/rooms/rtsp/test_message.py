"""Cutting what a camera sends, however it is sent."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.errors import ErrorKind, GatewayError
from gateway.rtsp import message
from gateway.rtsp.message import BUFFER_SIZE, MAX_BODY, MAX_HEADER, Message, Receiver


class Cut:
    """Everything that a receiver has found."""

    def __init__(self) -> None:
        self.packets: list[tuple[int, bytes]] = []
        self.messages: list[Message] = []
        self.receiver = Receiver(self._packet, self.messages.append)
        self.receiver.channels.update({0, 1})

    def _packet(self, channel: int, data: memoryview) -> None:
        self.packets.append((channel, bytes(data)))

    def feed(self, *parts: bytes) -> "Cut":
        for part in parts:
            self.receiver.feed(part)
        return self


def frame(channel: int, data: bytes) -> bytes:
    return b"$" + bytes([channel]) + len(data).to_bytes(2, "big") + data


MIXED = (
    b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 3\r\n\r\nabc"
    + frame(0, b"\x80" + bytes(2000))
    + b"\r\n\r\nrtsp/1.0 401\ncseq:2\n"
    + b"WWW-Authenticate: Basic\nwww-authenticate:Digest x\n  more\n\n"
    + frame(1, b"")
    + b"OPTIONS rtsp://h/ RTSP/1.0\r\nCSeq: 9\r\n\r\n"
    + frame(0, bytes(65535))
    + b"RTSP/1.0 200 OK\r\nCSeq: x\r\n\r\n"
)


def check_mixed(cut: Cut) -> None:
    assert [(channel, len(data)) for channel, data in cut.packets] == [
        (0, 2001),
        (1, 0),
        (0, 65535),
    ]
    first, second, third, last = cut.messages
    assert (first.status, first.reason, first.cseq, first.body) == (200, "OK", 1, b"abc")
    assert (second.status, second.cseq) == (401, 2)
    assert second.headers["www-authenticate"] == ["Basic", "Digest x more"]
    assert (third.method, third.uri, third.cseq) == ("OPTIONS", "rtsp://h/", 9)
    assert last.cseq is None


def test_answers_requests_and_packets_in_one_stream() -> None:
    check_mixed(Cut().feed(MIXED))


def test_the_same_byte_by_byte() -> None:
    check_mixed(Cut().feed(*(bytes([byte]) for byte in MIXED)))


@given(st.lists(st.integers(1, len(MIXED)), max_size=12))
def test_the_same_cut_anywhere(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(MIXED)]
    check_mixed(Cut().feed(*(MIXED[a:b] for a, b in itertools.pairwise(edges))))


def test_junk_between_packets_is_skipped() -> None:
    cut = Cut().feed(
        frame(0, b"one"), b"junk $\xff\0\5 more", frame(0, b"two"), b"RTSP/1.0 200 OK\r\n\r\n"
    )
    assert [data for _, data in cut.packets] == [b"one", b"two"]
    assert len(cut.messages) == 1


def test_endless_junk_is_an_error() -> None:
    with pytest.raises(GatewayError) as caught:
        Cut().feed(*(b"\x01\x02\x03\x04" * 1024 for _ in range(1000)))
    assert caught.value.kind is ErrorKind.CAMERA_BAD_ANSWER


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"RTSP/1.0 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"RTSP/1.0 200 OK\r\nX: " + b"y" * MAX_HEADER,
        b"RTSP/1.0 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nContent-Length: 1e9\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n" % (MAX_BODY + 1),
        b"RTSP/1.0 twohundred OK\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nContent-Type: application/sdp\r\n\r\n" + b"a=x\r\n" * MAX_BODY,
    ],
)
def test_answers_that_are_refused(data: bytes) -> None:
    with pytest.raises(GatewayError) as caught:
        Cut().feed(data)
    assert caught.value.kind is ErrorKind.CAMERA_BAD_ANSWER


def test_an_sdp_without_length_ends_with_silence() -> None:
    cut = Cut().feed(b"RTSP/1.0 200 OK\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n", b"s=-\r\n")
    assert not cut.messages
    assert cut.receiver.waits_for_quiet
    cut.receiver.flush()
    assert cut.messages[0].body == b"v=0\r\ns=-\r\n"
    assert not cut.receiver.waits_for_quiet


def test_an_sdp_without_length_ends_where_an_answer_begins() -> None:
    cut = Cut().feed(
        b"RTSP/1.0 200 OK\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n",
        b"RTSP/1.0 200 OK\r\n\r\n",
    )
    assert [found.body for found in cut.messages] == [b"v=0\r\n", b""]


@given(
    st.lists(
        st.one_of(
            st.binary(max_size=300),
            st.sampled_from(
                [b"$\0", b"$\1\0\4abcd", b"RTSP/1.0 ", b"200 OK\r\n", b"\r\n\r\n", b"OPTIONS x ",
                 b"RTSP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", b"Content-Length: 70000\r\n"]
            ),
        ),
        max_size=20,
    )
)  # fmt: skip
def test_arbitrary_bytes_raise_only_the_documented_error(parts: list[bytes]) -> None:
    cut = Cut()
    try:
        cut.feed(*parts)
        cut.receiver.flush()
    except GatewayError as error:
        assert error.kind is ErrorKind.CAMERA_BAD_ANSWER  # noqa: PT017  # raising is one of two right ends
    assert len(cut.receiver.free()) >= BUFFER_SIZE // 4
    assert sum(len(data) for _, data in cut.packets) <= sum(map(len, parts))


def test_requests_and_answers_as_they_go_out() -> None:
    asked = Message(method="OPTIONS", headers={"cseq": ["7"]})
    assert message.answer(asked, 200, "OK") == b"RTSP/1.0 200 OK\r\nCSeq: 7\r\n\r\n"
    assert message.request("PLAY", "rtsp://h/", {"CSeq": "1"}) == (
        b"PLAY rtsp://h/ RTSP/1.0\r\nCSeq: 1\r\n\r\n"
    )
