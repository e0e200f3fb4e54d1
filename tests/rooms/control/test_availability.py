"""Availability adds up, month by month, in the building's own time."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from gateway.control.availability import by_month
from gateway.model.history import Span
from gateway.model.status import CameraState

S = CameraState


def at(text: str, zone: str = "UTC") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def span(state: CameraState, began: float, ended: float | None, camera: str = "yard") -> Span:
    return Span("lenina-12", camera, state, "", began, ended)


def test_a_night_over_the_end_of_a_month() -> None:
    start = at("2026-10-31T23:00")
    spans = [
        span(S.LIVE, start, start + 1800),
        span(S.SILENT, start + 1800, start + 5400),
        span(S.LIVE, start + 5400, None),
    ]
    october, november = by_month(spans, now=start + 7200, zone=UTC)
    assert (october.month, october.available_s, october.watched_s) == ("2026-10", 1800, 3600)
    assert (november.month, november.available_s, november.watched_s) == ("2026-11", 1800, 3600)
    assert (october.outages, november.outages) == (1, 0)
    assert october.share == 0.5


def test_months_begin_when_they_do_at_the_building() -> None:
    zone = ZoneInfo("Asia/Yekaterinburg")
    turn = at("2026-12-01T00:00", "Asia/Yekaterinburg")
    months = by_month([span(S.LIVE, turn - 60, turn + 60)], now=turn, zone=zone)
    assert [(one.month, one.watched_s) for one in months] == [("2026-11", 60), ("2026-12", 60)]


def test_one_outage_may_have_many_names() -> None:
    spans = [
        span(S.LIVE, 0, 10),
        span(S.SILENT, 10, 20),
        span(S.FAILED, 20, 30),
        span(S.CONNECTING, 30, 31),
        span(S.LIVE, 31, 40),
        span(S.FAILED, 40, None),
    ]
    (month,) = by_month(spans, now=50, zone=UTC)
    assert (month.outages, month.available_s, month.watched_s) == (2, 19, 50)


def test_a_camera_that_is_switched_off_is_not_missed() -> None:
    spans = [span(S.FAILED, 0, 10), span(S.DISABLED, 10, 1000), span(S.FAILED, 1000, 1010)]
    (month,) = by_month(spans, now=2000, zone=UTC)
    assert (month.watched_s, month.available_s, month.outages, month.share) == (20, 0, 2, 0)


def test_an_idle_camera_is_there_for_whoever_asks() -> None:
    (month,) = by_month([span(S.IDLE, 0, 100)], now=100, zone=UTC)
    assert month.share == 1


@given(
    st.lists(
        st.tuples(st.sampled_from(list(S)), st.floats(0.5, 4e6), st.sampled_from("ab")), max_size=30
    )
)
def test_no_second_is_lost_or_counted_twice(steps: list[tuple[CameraState, float, str]]) -> None:
    now, clock, spans = 0.0, {"a": 0.0, "b": 0.0}, []
    for state, seconds, camera in steps:
        spans.append(span(state, clock[camera], clock[camera] + seconds, camera))
        clock[camera] += seconds
        now = max(now, clock[camera])
    months = by_month(spans, now=now, zone=ZoneInfo("Europe/Moscow"))
    wanted = sum(seconds for state, seconds, _ in steps if state is not S.DISABLED)
    assert abs(sum(one.watched_s for one in months) - wanted) < 1e-3
    assert all(0 <= one.available_s <= one.watched_s + 1e-6 for one in months)
