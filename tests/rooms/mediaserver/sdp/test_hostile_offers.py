"""Anybody may send an offer: the only ways out are an answer and PlayRefused."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.mediaserver.ports import AudioCodec, PlayRefused
from gateway.mediaserver.sdp.errors import OfferMalformed
from gateway.mediaserver.sdp.offer import MAX_BYTES, parse_offer
from tests.rooms.mediaserver.sdp.test_offers import BROWSERS, answer, h264, read

LINES = sorted({line for browser in BROWSERS for line in read(browser).splitlines()})


def try_it(text: str) -> None:
    refused: PlayRefused | None = None
    given = ""
    try:
        given = answer(text, h264(), AudioCodec.PCMA)
    except PlayRefused as error:
        refused = error
    if refused is None:
        parse_offer(given)
    else:
        assert refused.info
        assert refused.detail


@pytest.mark.parametrize(
    "text",
    [
        "",
        "v=0",
        "v=1\nm=video 9 UDP/TLS/RTP/SAVPF 96",
        "hello",
        "v=0\nm=video",
        "v=0\nm=video 9 UDP/TLS/RTP/SAVPF 900",
        "v=0\nm=video 9 UDP/TLS/RTP/SAVPF ٣",
        "v=0\n" + "m=video 9 UDP/TLS/RTP/SAVPF 96\n" * 33,
        "v=0\nm=video 9 UDP/TLS/RTP/SAVPF 96\na=mid:1\nm=audio 9 UDP/TLS/RTP/SAVPF 0\na=mid:1",
        "v=0\nm=video 9 UDP/TLS/RTP/SAVPF 96\na=fingerprint:sha-256 zz",
        "v=0\nm=video 9 UDP/TLS/RTP/SAVPF 96\na=ice-ufrag:a\x00b",
        "v=0\nm=video 9 UDP/TLS/RTP/SAVPF 96\na=mid:a b",
        "v=0\n" + "a=x\n" * 3000,
        "v=0\na=" + "x" * 5000,
        "v=0\n" + "a=" + "x" * MAX_BYTES,
    ],
)
def test_what_is_no_offer_is_called_malformed(text: str) -> None:
    with pytest.raises(OfferMalformed) as refused:
        answer(text, h264())
    assert refused.value.info == "Failed by error"
    assert refused.value.detail.startswith("This is no SDP offer: ")


@given(st.text(max_size=400))
@settings(deadline=None)
def test_any_text(text: str) -> None:
    try_it(text)
    try_it("v=0\n" + text)


@given(st.lists(st.sampled_from(LINES), max_size=60))
def test_any_order_of_true_lines(lines: list[str]) -> None:
    try_it("\r\n".join(("v=0", *lines)))


@given(st.sampled_from(BROWSERS), st.data())
def test_a_true_offer_with_damage(browser: str, data: st.DataObject) -> None:
    text = read(browser)
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        stop = data.draw(st.integers(start, min(len(text), start + 200)))
        text = text[:start] + data.draw(st.text(max_size=8)) + text[stop:]
    try_it(text)


def test_an_answer_never_repeats_a_line_break_of_the_offer() -> None:
    text = read("gstreamer").replace("a=mid:video0", "a=mid:video0\ra=evil")
    with pytest.raises(OfferMalformed):
        answer(text, h264())
