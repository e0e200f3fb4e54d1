"""When cameras are looked at in full: as tables, and as some days of a whole fleet."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from gateway.control import checkup_results
from gateway.control.checkup_plan import AT_ONCE, Due, choose, due_at, obstacle
from gateway.control.checkup_results import Subject
from gateway.model.checkup import Checkup
from gateway.model.probe import CameraVerdict, Playable, ProbeFailure, ProbeResult, StreamFacts
from gateway.model.site import PrivacyHours
from gateway.model.status import CameraState, CameraStatus
from gateway.rtsp.verdict import judge_camera
from tests.rooms.control.world import NAME, camera, site

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
REFUSED = ProbeFailure("unauthorized", "it refuses", "mend it")
H264 = StreamFacts("H264", width=1280, height=720, fps=25.0, gop_s=2.0)
H265 = replace(H264, codec="H265")
ONE = Subject("s", "a", "rtsp://10.0.0.1/a")


def looked(when: datetime = NOW, **more: object) -> Checkup:
    return replace(Checkup("s", "a", when, ONE.target), **more)  # type: ignore[arg-type]  # its fields


def judge(main: StreamFacts, sub: StreamFacts | None, skew: float | None) -> CameraVerdict:
    return judge_camera(main, sub, clock_skew_s=skew)


def was(state: CameraState, ago: timedelta = HOUR) -> CameraStatus:
    return CameraStatus("a", NAME, state, NOW - ago, video_codec="H264", width=1280, height=720)


@pytest.mark.slow
def test_a_fleet_is_looked_at_once_a_day_never_in_crowds() -> None:
    """Three days of 120 cameras in 12 buildings, minute by minute; a look takes one."""
    cameras = [(f"site-{n % 12}", f"camera-{n}") for n in range(120)]
    last: dict[tuple[str, str], Checkup] = {}
    looks: list[tuple[datetime, str, str]] = []
    for minute in range(3 * 24 * 60):
        now = NOW + timedelta(minutes=minute)
        due: list[Due] = [
            (due_at(*key, last.get(key), since=NOW, every=DAY), *key) for key in cameras
        ]
        chosen = choose(due, (), now=now)
        assert len(chosen) <= AT_ONCE
        assert len({where for _, where, _ in chosen}) == len(chosen)
        for _, where, which in chosen:
            looks.append((now, where, which))
            last[where, which] = looked(now)
    assert min(when for when, _, _ in looks) >= NOW + timedelta(minutes=5)
    first = {key: min(when for when, *one in looks if tuple(one) == key) for key in cameras}
    assert max(first.values()) <= NOW + 4 * HOUR
    for key in cameras:
        times = [when for when, *one in looks if tuple(one) == key]
        gaps = [later - before for before, later in pairwise(times)]
        assert gaps
        assert all(0.9 * DAY <= gap <= 1.15 * DAY for gap in gaps), gaps
    crowded = Counter(when.replace(minute=0) for when, *_ in looks if when > NOW + DAY)
    assert max(crowded.values()) < 60, "the second day's looks are spread too"


def test_a_restart_gathers_nothing() -> None:
    old = looked(NOW - 30 * DAY)
    dues = [due_at("s", f"camera-{n}", old, since=NOW, every=DAY) for n in range(100)]
    assert min(dues) >= NOW + timedelta(minutes=5)
    assert max(dues) - min(dues) > HOUR
    assert max(dues) < NOW + 4 * HOUR


@pytest.mark.parametrize(
    ("failures", "least", "most"),
    [(0, 21.5, 26.5), (1, 2.7, 3.4), (2, 5.4, 6.7), (4, 21.5, 26.5), (5, 43, 53), (50, 43, 53)],
)
def test_failures_make_the_pauses_longer(failures: int, least: float, most: float) -> None:
    pause = due_at("s", "a", looked(failures=failures), since=NOW - 9 * DAY, every=DAY) - NOW
    assert least * HOUR <= pause <= most * HOUR


def test_one_of_a_site_and_few_of_the_fleet() -> None:
    due = [(NOW - HOUR * n, f"s{n % 2}", f"c{n}") for n in range(6)]
    assert [one[2] for one in choose(due, (), now=NOW)] == ["c5", "c4"]
    assert [one[2] for one in choose(due, ("s1",), now=NOW)] == ["c4"]
    assert choose(due, ("s1", "other"), now=NOW) == []
    assert choose([(NOW + HOUR, "s", "a")], (), now=NOW) == []


@pytest.mark.parametrize(
    ("state", "ago", "free"),
    [
        (CameraState.LIVE, HOUR, True),
        (CameraState.IDLE, HOUR, True),
        (CameraState.LIVE, timedelta(seconds=10), False),
        (CameraState.SILENT, HOUR, False),
        (CameraState.FAILED, HOUR, False),
        (CameraState.WAITING, HOUR, False),
    ],
)
def test_only_a_camera_that_plays_is_looked_at(
    state: CameraState, ago: timedelta, *, free: bool
) -> None:
    one = camera("a")
    house = site("s", one)
    assert bool(obstacle(house, one, was(state, ago), None, now=NOW)) is not free
    assert obstacle(house, one, None, None, now=NOW)
    off = site("s", one, enabled=False)
    assert obstacle(off, one, was(state, ago), None, now=NOW)


@pytest.mark.parametrize(("hour", "free"), [(11, False), (12, False), (13, True), (10, True)])
def test_privacy_hours_are_nobodys_business(hour: int, *, free: bool) -> None:
    one = replace(camera("a"), privacy_hours=(PrivacyHours(11 * 60, 13 * 60),))
    at = NOW.replace(hour=hour)
    assert bool(obstacle(site("s", one), one, was(CameraState.LIVE, 9 * HOUR), None, now=at)) is (
        not free
    )
    late = NOW.replace(hour=10, minute=59)
    assert obstacle(site("s", one), one, was(CameraState.LIVE, 9 * HOUR), None, now=late)


def test_a_refused_password_waits_for_another_entry_or_a_proof() -> None:
    one, house = camera("a"), site("s", camera("a"))
    last = looked(NOW - 30 * DAY, failure=REFUSED, failures=1)
    for state in (CameraState.IDLE, CameraState.LIVE):
        long_ago = was(state, 40 * DAY)
        assert obstacle(house, one, long_ago, last, now=NOW)
        assert not obstacle(house, one, long_ago, last, now=NOW, changed=True)
    # The media server has got in since; that it is idle since proves nothing.
    assert not obstacle(house, one, was(CameraState.LIVE), last, now=NOW)
    assert obstacle(house, one, was(CameraState.IDLE), last, now=NOW)
    other = replace(last, failure=ProbeFailure("timeout", "slow", ""))
    assert not obstacle(house, one, was(CameraState.IDLE), other, now=NOW)


def probed(before: Checkup | None, facts: StreamFacts) -> Checkup:
    results = (ProbeResult(facts, b"jpeg"), None)
    return checkup_results.of_probe(ONE, before, results, judge=judge, now=NOW)


def test_a_verdict_that_got_worse_is_a_sentence_and_a_better_one_is_none() -> None:
    first = probed(None, H264)
    assert first.baseline is Playable.EVERYWHERE
    assert not checkup_results.worsening(first)
    worse = probed(first, H265)
    said = checkup_results.worsening(worse)
    assert "a played in every browser at first, and now it plays in some browsers only" in said.text
    assert "set the main stream to H.264" in said.text
    assert (said.code, said.values) == ("worse_somewhere", (("camera", "a"),))
    shown = checkup_results.checked(worse)
    assert shown is not None
    assert shown.playable is Playable.SOMEWHERE
    assert not checkup_results.worsening(probed(worse, H264))
    assert not checkup_results.worsening(probed(probed(None, H265), H264))
    assert checkup_results.worsening(probed(probed(probed(None, H264), H265), H265))
    # Another address is another camera, with a beginning of its own.
    moved = replace(ONE, target="rtsp://10.0.0.9/a")
    other = checkup_results.of_probe(
        moved, first, (ProbeResult(H265, b"jpeg"), None), judge=judge, now=NOW
    )  # fmt: skip
    assert other.baseline is Playable.SOMEWHERE


def test_a_look_that_fails_leaves_the_verdict_and_counts() -> None:
    first = probed(None, H264)
    failed = ProbeResult(StreamFacts(), failure=REFUSED)
    one = checkup_results.of_probe(ONE, first, (failed, None), judge=judge, now=NOW + HOUR)
    assert (one.verdict, one.seen, one.failures, one.when) == (first.verdict, NOW, 1, NOW + HOUR)
    assert checkup_results.checked(one) == checkup_results.checked(first)
    assert checkup_results.of_failure(ONE, one, REFUSED, NOW).failures == 2
    assert probed(one, H264).failures == 0


def test_a_camera_of_one_session_is_judged_by_what_the_media_server_gets() -> None:
    live = was(CameraState.LIVE)
    first = probed(None, replace(H264, gop_s=8.0))
    same = checkup_results.of_server(ONE, first, live, judge=judge, now=NOW)
    assert same.single
    assert same.main is not None
    assert same.main.gop_s == 8.0, "what nobody else measures stays"
    assert same.verdict is not None
    assert {reason.code for reason in same.verdict.reasons} == {"one_session", "long_gop"}
    changed = replace(live, video_codec="H265")
    worse = checkup_results.of_server(ONE, same, changed, judge=judge, now=NOW)
    assert "some browsers only" in checkup_results.worsening(worse).text
