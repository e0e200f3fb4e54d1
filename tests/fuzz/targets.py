"""What is fuzzed: one function for each parser that strangers reach.

A target takes bytes and returns; an exception that the parser does not promise is a finding. Where
a parser gathers something, the target checks that it stays bounded.
"""

import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from requests import Response

from gateway.config.composer import parse as parse_yaml
from gateway.config.document import DocumentError
from gateway.mediaserver import messages
from gateway.mediaserver.ingest import h264, h265
from gateway.mediaserver.ingest.codec import H264Codec, H265Codec, NalCodec
from gateway.mediaserver.ingest.parameters import ParameterSets
from gateway.mediaserver.ingest.video import MAX_FRAME, VideoAssembler
from gateway.mediaserver.outlet.offers import offers
from gateway.mediaserver.ports import (
    MAX_PAYLOAD,
    AudioCodec,
    AudioPacket,
    PlayRefused,
    VideoCodec,
    VideoFormat,
    VideoFrame,
)
from gateway.mediaserver.sdp.answer import Local, write_answer
from gateway.mediaserver.sdp.choice import choose
from gateway.mediaserver.sdp.offer import parse_offer
from gateway.mediaserver.transport import rtcp, stun
from gateway.model.errors import GatewayError
from gateway.onvif.discovery.messages import parse as parse_discovery
from gateway.onvif.failures import DeviceError
from gateway.onvif.media2 import NAMESPACE, Media2
from gateway.onvif.soap import Questions
from gateway.rtsp import auth, sdp
from gateway.rtsp.message import BUFFER_SIZE, MAX_BODY, Receiver
from gateway.rtsp.rtcp import Reporter
from gateway.rtsp.rtp import Reception
from gateway.wcs import envelope, stats

_VIDEO: Final = VideoFormat(VideoCodec.H264, (b"\x67\x42\xe0\x1f", b"\x68\xce"), "42e01f", 640, 360)
_LOCAL: Final = Local(
    ufrag="here",
    password="secretsecretsecretsecret",  # a made-up one
    fingerprint="sha-256 " + ":".join(["AB"] * 32),
    addresses=["192.0.2.1", "2001:db8::1"],
    port=5000,
    tcp=True,
    stream_id="s",
    video_ssrc=1,
    rtx_ssrc=2,
    audio_ssrc=3,
)


class _Bin:
    """A sink that only checks what it gets."""

    def format(self, video: VideoFormat, audio: AudioCodec | None) -> None:
        assert video.codec in VideoCodec
        assert audio is None or audio in AudioCodec

    def frame(self, frame: VideoFrame) -> None:
        assert frame.payloads
        assert all(0 < len(payload) <= MAX_PAYLOAD for payload in frame.payloads)
        assert sum(map(len, frame.payloads)) <= 2 * MAX_FRAME

    def audio(self, packet: AudioPacket) -> None:
        assert packet.payload

    def lost(self, reason: str) -> None:
        assert reason


def _pieces(data: bytes) -> Iterator[bytes]:
    """Cut the input into parts: a length of two bytes before each."""
    while len(data) > 2:
        (size,) = struct.unpack_from("!H", data)
        yield data[2 : 2 + size]
        data = data[2 + size :]


def rtsp_message(data: bytes) -> None:
    """Take whatever a camera sends over its RTSP connection, in pieces."""
    sizes: list[int] = []
    receiver = Receiver(
        lambda _, view: sizes.append(len(view)), lambda one: sizes.append(len(one.body))
    )
    receiver.channels.update({0, 1})
    with suppress(GatewayError):
        for piece in _pieces(data):
            receiver.feed(piece)
            assert len(receiver.free()) > 0
        receiver.flush()
    assert all(size <= max(MAX_BODY, BUFFER_SIZE) for size in sizes)


def rtsp_sdp(data: bytes) -> None:
    """Take a camera's description."""
    with suppress(GatewayError):
        found = sdp.parse(data, "rtsp://10.0.0.1/stream")
        assert len(found.tracks) <= sdp.MAX_TRACKS
        for track in found.tracks:
            assert "@" not in _authority(track.control)


def _authority(address: str) -> str:
    try:
        return urlsplit(address).netloc
    except ValueError:
        return ""


def rtsp_login(data: bytes) -> None:
    """Take a camera's challenge, and a player's Transport header."""
    text = data.decode("latin-1")
    auth.challenges(text.split("\n"))
    assert len(offers(text)) <= 16


def rtp(data: bytes) -> None:
    """Take RTP packets of a camera, whole frames of H.264 and H.265 and their end."""
    for codec, kind in ((H264Codec(), 96), (H265Codec(), 97)):
        _receive(codec, kind, data)


def _receive(codec: NalCodec, kind: int, data: bytes) -> None:
    video = VideoAssembler(codec, ParameterSets(codec, {}), _Bin())
    reception = Reception(video, payload_type=kind, clock_rate=90000)
    for number, piece in enumerate(_pieces(data)):
        # A header that fits, so that the input is spent on what lies behind it.
        head = struct.pack(
            "!BBHII", 0x80, kind | (piece[:1] > b"\x7f") << 7, number, number // 3, 7
        )
        reception.packet(memoryview(head + piece[1:]), number / 25)
        reception.packet(memoryview(piece), number / 25)
    for channel in (b"$\0", b"$\2"):
        raw = memoryview(channel + data)
        if reception.takes_bursts and len(raw) > 4:
            reception.burst(raw, 0, len(raw), 99.0)


def parameter_sets(data: bytes) -> None:
    """Take parameter sets and slice headers of both codecs."""
    h264.parse_sps(data)
    h264.parse_slice(data)
    h264.parameter_set_id(data)
    h264.sei_kind(data)
    h265.picture_size(data)
    h265.parameter_set_id(data)
    h265.first_slice(data)


def camera_rtcp(data: bytes) -> None:
    """Take RTCP of a camera."""
    reception = Reception(
        VideoAssembler(H264Codec(), ParameterSets(H264Codec(), {}), _Bin()),
        payload_type=96,
        clock_rate=90000,
    )
    reporter = Reporter(reception, 7)
    reporter.received(memoryview(data), 1.0)
    assert reporter.report(2.0)


def viewer_rtcp(data: bytes) -> None:
    """Take RTCP of a viewer, after decryption."""
    found = rtcp.parse(data)
    assert found is not None


def viewer_stun(data: bytes) -> None:
    """Take STUN of anybody: nothing is done with what is not authentic."""
    with suppress(stun.StunError):
        request = stun.parse_request(data)
        assert not request.authentic(b"a password that nobody knows")


def offer(data: bytes) -> None:
    """Take a browser's offer; an answer is again an offer that can be read."""
    with suppress(PlayRefused):
        asked = parse_offer(data.decode("utf-8", "replace"))
        given = write_answer(asked, choose(asked, _VIDEO, AudioCodec.PCMA), _LOCAL)
        parse_offer(given)


class _Told:
    """A camera that answers every question with the same bytes."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def post(self, _address: str, _message: bytes, _headers: Mapping[str, str]) -> Response:
        answer = Response()
        answer.status_code = 200
        answer._content = self._content  # the library's own way for made-up answers
        return answer


def soap(data: bytes) -> None:
    """Take a camera's answers over SOAP, and its words to WS-Discovery."""
    assert len(parse_discovery(data)) <= 256
    questions = Questions(
        "http://10.0.0.1/onvif/media2",
        NAMESPACE,
        transport=_Told(data),  # type: ignore[arg-type]  # what stands at the other end
        credential=None,
        skew=timedelta(),
    )
    with suppress(DeviceError):
        Media2(questions).profiles()
        Media2(questions).stream_uri("t")


def wcs_json(data: bytes) -> None:
    """Take signalling in both directions, and the numbers of a media server."""
    text = data.decode("utf-8", "replace")
    with suppress(ValueError):
        _, body = messages.unpack(text)
        messages.subject(body)
    with suppress(ValueError):
        _, listed = envelope.unpack(text)
        envelope.first(listed)
    stats.parse(text)


def yaml(data: bytes) -> None:
    """Take a building's file."""
    with suppress(DocumentError):
        parse_yaml(data)


TARGETS: Final[Mapping[str, Callable[[bytes], None]]] = {
    target.__name__: target
    for target in (
        rtsp_message,
        rtsp_sdp,
        rtsp_login,
        rtp,
        parameter_sets,
        camera_rtcp,
        viewer_rtcp,
        viewer_stun,
        offer,
        soap,
        wcs_json,
        yaml,
    )
}
