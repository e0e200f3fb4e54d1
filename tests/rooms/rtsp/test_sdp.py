"""What cameras say they send."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.errors import ErrorKind, GatewayError
from gateway.rtsp.sdp import Kind, parse, resolve

BASE = "rtsp://10.0.0.1/live"
FULL = b"""v=0
o=- 1 1 IN IP4 10.0.0.1
s=Media
a=control:*
m=video 0 RTP/AVP 96
a=rtpmap:96 H264/90000
a=fmtp:96 packetization-mode=1; Profile-Level-Id=4d401f;sprop-parameter-sets=Z00=,aO4=
a=control:trackID=1
m=audio 0 RTP/AVP 8
a=control:rtsp://u:p@10.0.0.1/live/audio
m=audio 0 RTP/AVP 97
a=rtpmap:97 MPEG4-GENERIC/16000/2
m=application 0 RTP/AVP 107
a=rtpmap:107 vnd.onvif.metadata/90000
m=video 0 RTP/AVP 26
"""


def test_tracks_of_a_full_description() -> None:
    described = parse(FULL, BASE)
    assert described.control == BASE
    video, pcma, aac, metadata, jpeg = described.tracks
    assert (video.codec, video.payload_type, video.clock_rate) == ("H264", 96, 90000)
    assert video.fmtp["profile-level-id"] == "4d401f"
    assert video.fmtp["sprop-parameter-sets"] == "Z00=,aO4="
    assert video.control == "rtsp://10.0.0.1/live/trackID=1"
    assert (pcma.codec, pcma.clock_rate, pcma.channels) == ("PCMA", 8000, 1)
    assert pcma.control == "rtsp://10.0.0.1/live/audio"
    assert (aac.codec, aac.clock_rate, aac.channels) == ("MPEG4-GENERIC", 16000, 2)
    assert metadata.kind is Kind.OTHER
    assert (jpeg.codec, jpeg.kind) == ("JPEG", Kind.VIDEO)
    assert described.first(Kind.VIDEO) == video
    assert described.first(Kind.VIDEO, frozenset({"JPEG"})) == jpeg
    assert described.first(Kind.AUDIO, frozenset({"OPUS"})) is None


@pytest.mark.parametrize(
    ("base", "control", "url"),
    [
        (BASE, "", BASE),
        (BASE, "*", BASE),
        (BASE, "track1", BASE + "/track1"),
        (BASE + "/", "track1", BASE + "/track1"),
        (BASE, "/other/track1", "rtsp://10.0.0.1/other/track1"),
        (BASE, "?ctype=video", BASE + "?ctype=video"),
        (BASE + "?a=1&b=2", "trackID=1", BASE + "?a=1&b=2/trackID=1"),
        (BASE, "rtsp://10.9.9.9:8554/x", "rtsp://10.9.9.9:8554/x"),
        (BASE, "RTSP://user:p@10.9.9.9/x", "RTSP://10.9.9.9/x"),
        (BASE, "a b\r\nX: y", BASE + "/abX:y"),
    ],
)
def test_control_addresses(base: str, control: str, url: str) -> None:
    assert resolve(base, control) == url


def test_a_session_control_is_what_tracks_stand_on() -> None:
    described = parse(
        b"a=control:rtsp://10.0.0.1/session/\nm=video 0 RTP/AVP 96\na=control:t1\n", BASE
    )
    assert described.control == "rtsp://10.0.0.1/session/"
    assert described.tracks[0].control == "rtsp://10.0.0.1/session/t1"


def test_a_description_without_media_is_an_error() -> None:
    with pytest.raises(GatewayError) as caught:
        parse(b"v=0\r\ns=nothing\r\n", BASE)
    assert caught.value.kind is ErrorKind.CAMERA_BAD_ANSWER


@given(
    st.lists(
        st.one_of(
            st.binary(max_size=60),
            st.builds(
                lambda start, text: (start + text).encode("utf-8", "replace"),
                st.sampled_from(["m=video ", "a=rtpmap:96 ", "a=fmtp:96 ", "a=control:", "m="]),
                st.text(max_size=40),
            ),
        ),
        max_size=30,
    )
)
def test_hostile_descriptions_raise_only_the_documented_error(lines: list[bytes]) -> None:
    try:
        described = parse(b"\r\n".join([b"m=video 0 RTP/AVP 96", *lines]), BASE)
    except GatewayError as error:
        assert error.kind is ErrorKind.CAMERA_BAD_ANSWER  # noqa: PT017  # raising is one of two right ends
        return
    for track in described.tracks:
        assert track.clock_rate > 0
        assert not any(ord(char) < 33 for char in track.control)
