"""Offers as browsers write them, and what they are answered."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.mediaserver.ports import AudioCodec, VideoCodec, VideoFormat
from gateway.mediaserver.sdp.answer import Local, write_answer
from gateway.mediaserver.sdp.choice import choose
from gateway.mediaserver.sdp.errors import NoCommonCodecs, OfferUnusable
from gateway.mediaserver.sdp.offer import parse_offer

OFFERS = Path(__file__).parent / "offers"
BROWSERS = sorted(path.stem for path in OFFERS.glob("*.sdp"))
LOCAL = Local(
    ufrag="here",
    password="herehereherehereherehere",
    fingerprint=":".join(f"{value:02X}" for value in range(32)),
    addresses=("203.0.113.7", "2001:db8::7"),
    port=31001,
    tcp=True,
    stream_id="camera",
    video_ssrc=11,
    rtx_ssrc=12,
    audio_ssrc=13,
)


def h264(profile: str | None = "42e01f") -> VideoFormat:
    return VideoFormat(VideoCodec.H264, profile_level_id=profile)


def read(browser: str) -> str:
    return (OFFERS / f"{browser}.sdp").read_text()


def answer(text: str, video: VideoFormat, audio: AudioCodec | None = None) -> str:
    offer = parse_offer(text)
    return write_answer(offer, choose(offer, video, audio), LOCAL)


def sections(sdp: str) -> list[str]:
    return re.split(r"(?m)^(?=m=)", sdp)[1:]


@pytest.mark.parametrize("browser", BROWSERS)
@pytest.mark.parametrize("audio", [None, AudioCodec.PCMA])
def test_every_browser_is_answered_in_kind(browser: str, audio: AudioCodec | None) -> None:
    asked = parse_offer(read(browser))
    given = parse_offer(answer(read(browser), h264(), audio))
    assert [(m.kind, m.mid) for m in given.media] == [(m.kind, m.mid) for m in asked.media]
    assert set(given.bundle) == {media.mid for media in asked.media}
    for media in given.media:
        assert given.role(media) == "passive"
        assert media.rtcp_mux
        assert given.ufrag(media) == "here"
        assert media.direction == ("sendonly" if media.kind == "video" or audio else "inactive")
    video = next(media for media in given.media if media.kind == "video")
    first, retransmission = video.codecs.values()
    assert first.name == "H264"
    assert first.parameters["packetization-mode"] == "1"
    # Of libwebrtc's kin is asked for reference times, though it does not offer them.
    kin = browser != "gstreamer"
    assert first.feedback == {"nack", "nack pli"} | ({"rrtr"} if kin else set())
    assert retransmission.parameters == {"apt": str(first.payload_type)}


@pytest.mark.parametrize("browser", BROWSERS)
def test_every_m_line_holds_all_candidates_and_one_stream(browser: str) -> None:
    text = answer(read(browser), h264(), AudioCodec.PCMU)
    assert text.count("a=ice-lite") == 1
    for section in sections(text):
        assert re.findall(r"candidate:\d+ 1 udp (\d+) (\S+) 31001 typ host", section) == [
            ("2130706175", "203.0.113.7"),
            ("2130705919", "2001:db8::7"),
        ]
        assert re.findall(
            r"candidate:\d+ 1 tcp (\d+) (\S+) 31001 typ host tcptype passive", section
        ) == [
            ("1520434431", "203.0.113.7"),
            ("1520434175", "2001:db8::7"),
        ]
        assert re.findall(r"candidate:(\d+) ", section) == ["1", "2", "3", "4"]
        assert set(re.findall(r"a=msid:(\S+)", section)) == {"camera"}


def test_without_tcp_only_udp_is_offered() -> None:
    offer = parse_offer(read("chromium"))
    text = write_answer(offer, choose(offer, h264(), None), replace(LOCAL, tcp=False))
    assert "candidate" in text
    assert " tcp " not in text


def test_the_medium_comes_before_its_retransmission() -> None:
    (video,) = (s for s in sections(answer(read("chromium"), h264())) if s.startswith("m=video"))
    assert re.findall(r"a=ssrc:(\d+)", video) == ["11", "11", "12", "12"]
    assert "a=ssrc-group:FID 11 12" in video


@pytest.mark.parametrize(
    ("browser", "profile", "expected"),
    [
        ("chromium", "42e01f", 108),
        ("chromium", "42c01e", 108),
        ("chromium", "420029", 102),
        ("chromium", "4d0029", 116),
        ("chromium", "640028", 116),
        ("chromium", None, 102),
        ("safari", "64001f", 96),
        ("safari", "4d0029", 96),
        ("safari", "42e01f", 98),
        ("firefox", "640029", 105),
        ("firefox", "42e01f", 126),
        ("gstreamer", "4d0029", 96),
        ("chromium", "nonsense", 102),
    ],
)
def test_the_payload_type_fits_the_profile(browser: str, profile: str, expected: int) -> None:
    offer = parse_offer(read(browser))
    assert choose(offer, h264(profile), None).codec.payload_type == expected


def test_h265_goes_to_those_who_ask_for_it() -> None:
    video = VideoFormat(VideoCodec.H265)
    text = answer(read("safari"), video)
    assert "a=rtpmap:104 H265/90000" in text
    assert "a=fmtp:104 level-id=93" in text
    with pytest.raises(NoCommonCodecs) as refused:
        answer(read("chromium"), video)
    assert refused.value.info == "No common codecs"
    assert "H.264" in refused.value.detail


def test_sound_needs_both_sides() -> None:
    assert "m=audio 31001 UDP/TLS/RTP/SAVPF 8\r\n" in answer(
        read("chromium"), h264(), AudioCodec.PCMA
    )
    deaf = read("chromium").replace("PCMA", "X-PCMA")
    audio = next(s for s in sections(answer(deaf, h264(), AudioCodec.PCMA)) if "m=audio" in s)
    assert "a=inactive" in audio
    assert "a=rtpmap:111 opus/48000/2" in audio


def test_what_is_not_wanted_is_refused_in_place() -> None:
    text = read("gstreamer") + (
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:data\r\n"
    )
    assert sections(answer(text, h264()))[1].startswith(
        "m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n"
    )
    without_bundle = read("chromium").replace("a=group:BUNDLE 0 1\n", "")
    given = sections(answer(without_bundle, h264(), AudioCodec.PCMA))
    assert given[0].startswith("m=audio 0 ")
    assert given[1].startswith("m=video 31001 ")


@pytest.mark.parametrize(
    ("old", "new", "info"),
    [
        ("a=ice-ufrag:gstr\n", "", "Failed by ICE error"),
        ("a=setup:actpass", "a=setup:passive", "Failed by DTLS error"),
        ("UDP/TLS/RTP/SAVPF", "RTP/AVP", "Failed by DTLS error"),
        ("sha-256", "sha-1", "Failed by DTLS fingerprint error"),
        ("a=recvonly", "a=sendonly", "Failed by error"),
        ("H264/90000", "VP8/90000", "No common codecs"),
        ("packetization-mode=1", "packetization-mode=0", "No common codecs"),
    ],
)
def test_an_unusable_offer_says_which_layer_is_to_blame(old: str, new: str, info: str) -> None:
    text = read("gstreamer")
    assert old in text
    with pytest.raises(OfferUnusable) as refused:
        answer(text.replace(old, new), h264())
    assert refused.value.info == info
    assert refused.value.detail.endswith(".") or refused.value.detail.endswith(").")


def test_without_retransmission_nothing_of_it_is_answered() -> None:
    text = answer(read("gstreamer").replace("apt=96", "apt=95"), h264())
    assert "rtx" not in text
    assert "FID" not in text
    assert re.findall(r"a=ssrc:(\d+)", text) == ["11", "11"]
