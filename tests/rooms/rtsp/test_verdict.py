"""The verdict: a table of what cameras send, and laws that hold for all of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.probe import Playable, StreamFacts
from gateway.rtsp.verdict import judge_camera, judge_stream

GOOD = StreamFacts(codec="H264", profile="Main", width=1280, height=720, fps=25, gop_s=2.0)
SUB = StreamFacts(codec="H264", profile="Baseline", width=640, height=360, fps=15, gop_s=2.0)


@pytest.mark.parametrize(
    ("facts", "playable", "codes", "setting"),
    [
        (GOOD, Playable.EVERYWHERE, [], ""),
        (StreamFacts(), Playable.UNKNOWN, ["no_picture"], "cable"),
        (
            StreamFacts(codec="H265", fps=25, width=1920, height=1080),
            Playable.SOMEWHERE,
            ["h265"],
            "set the main stream to H.264, GOP 50, no B-frames",
        ),
        (
            StreamFacts(codec="JPEG", fps=10),
            Playable.NOWHERE,
            ["mjpeg"],
            "set the main stream to H.264, GOP 20, no B-frames",
        ),
        (StreamFacts(codec="MPEG4"), Playable.NOWHERE, ["codec"], "GOP 50"),
        (
            StreamFacts(codec="H264", profile="High", b_frames=True, fps=25),
            Playable.SOMEWHERE,
            ["b_frames"],
            "switch B-frames off for the main stream",
        ),
        (
            StreamFacts(codec="H264", fps=20, gop_s=10.0),
            Playable.EVERYWHERE,
            ["long_gop"],
            "set the GOP (I-frame interval) of the main stream to 40",
        ),
        (StreamFacts(codec="H264", gop_s=4.0), Playable.EVERYWHERE, [], ""),
        (
            StreamFacts(codec="H264", gop_s=8.0, gop_varies=True, fps=25),
            Playable.EVERYWHERE,
            ["smart_codec", "long_gop"],
            "smart codec",
        ),
        (
            StreamFacts(codec="H264", single_session=True),
            Playable.EVERYWHERE,
            ["one_session"],
            "recorder",
        ),
        (StreamFacts(codec="H264", audio="MPEG4-GENERIC"), Playable.EVERYWHERE, ["audio"], "G.711"),
        (StreamFacts(codec="H264", audio="PCMA"), Playable.EVERYWHERE, [], ""),
    ],
)
def test_the_verdict_of_a_stream(
    facts: StreamFacts, playable: Playable, codes: list[str], setting: str
) -> None:
    verdict = judge_stream(facts)
    assert verdict.playable is playable
    assert [reason.code for reason in verdict.reasons] == codes
    if setting:
        assert setting in verdict.reasons[0].setting


def test_the_wall_gets_the_sub_stream_and_the_full_screen_the_main_one() -> None:
    verdict = judge_camera(GOOD, SUB)
    assert (verdict.wall, verdict.full, verdict.playable) == ("sub", "main", Playable.EVERYWHERE)
    assert verdict.reasons == ()


def test_a_sub_stream_that_all_browsers_play_stands_in_for_an_h265_main_stream() -> None:
    verdict = judge_camera(StreamFacts(codec="H265", width=3840, height=2160), SUB)
    assert (verdict.wall, verdict.full, verdict.playable) == ("sub", "sub", Playable.EVERYWHERE)
    assert verdict.reasons[-1].code == "sub_instead"
    assert "H.264" in verdict.reasons[-1].setting


def test_a_sub_stream_of_a_thumbnail_is_not_put_on_the_wall() -> None:
    tiny = StreamFacts(codec="H264", width=176, height=144)
    assert judge_camera(GOOD, tiny).wall == "main"


def test_nothing_playable_means_nothing_chosen() -> None:
    verdict = judge_camera(StreamFacts(codec="JPEG"), StreamFacts())
    assert (verdict.wall, verdict.full, verdict.playable) == (None, None, Playable.NOWHERE)


@pytest.mark.parametrize(
    ("skew", "words"), [(10800, "3.0 h ahead"), (-30, "30 s behind"), (4, None), (None, None)]
)
def test_a_wrong_clock_is_told(skew: float | None, words: str | None) -> None:
    reasons = judge_camera(GOOD, None, clock_skew_s=skew).reasons
    assert [words in reason.text for reason in reasons if words] == ([True] if words else [])


facts = st.builds(
    StreamFacts,
    codec=st.sampled_from([None, "H264", "H265", "JPEG", "VP9", ""]),
    width=st.integers(0, 8000),
    height=st.integers(0, 8000),
    fps=st.none() | st.floats(0, 100),
    gop_s=st.none() | st.floats(0, 1000),
    gop_varies=st.booleans(),
    b_frames=st.booleans(),
    audio=st.none() | st.text(max_size=9),
)


@given(facts, st.none() | facts)
def test_what_is_chosen_can_be_played_and_what_is_wrong_has_a_reason(
    main: StreamFacts, sub: StreamFacts | None
) -> None:
    verdict = judge_camera(main, sub)
    for chosen in (verdict.wall, verdict.full):
        if chosen is not None:
            assert verdict.streams[chosen].playable in {Playable.EVERYWHERE, Playable.SOMEWHERE}
    if verdict.playable is not Playable.EVERYWHERE:
        assert verdict.reasons
        assert verdict.reasons[0].setting
    for one in verdict.streams.values():
        assert all(reason.text and reason.setting for reason in one.reasons)
