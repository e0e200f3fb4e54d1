"""People are told of real outages once, of flaps never, and of the end of what they know."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gateway.control.outages import Outages
from gateway.model.notify import Notice, NoticeKind
from gateway.model.status import CameraState, CameraStatus, SiteState, SiteStatus
from gateway.model.text import LocalText

S = CameraState
AFTER, CALM = 120.0, 120.0
SINCE = datetime(2026, 5, 5, tzinfo=UTC)


def site(site_id: str = "lenina-12", **cameras: CameraState) -> SiteStatus:
    return SiteStatus(
        site_id,
        LocalText.of(site_id),
        SiteState.OK,
        SINCE,
        tuple(
            CameraStatus(one, LocalText.of(one), state, SINCE, reason="It does not answer.")
            for one, state in cameras.items()
        ),
    )


@dataclass
class Watch:
    """Looks every five seconds, as the announcer does."""

    outages: Outages = field(default_factory=Outages)
    now: float = 1000.0
    told: list[tuple[float, Notice]] = field(default_factory=list)

    def over(self, seconds: float, *sites: SiteStatus) -> list[Notice]:
        until, before = self.now + seconds, len(self.told)
        while self.now < until:
            for notice in self.outages.look(sites, now=self.now, after_s=AFTER, calm_s=CALM):
                self.told.append((self.now, notice))
            self.now += 5
        return [notice for _, notice in self.told[before:]]


def test_an_outage_is_told_once_and_its_end_once() -> None:
    watch = Watch()
    assert not watch.over(600, site(yard=S.LIVE, gate=S.LIVE))
    (began,) = watch.over(1800, site(yard=S.SILENT, gate=S.LIVE))
    assert began.kind is NoticeKind.BEGAN
    assert [one.id for one in began.cameras] == ["yard"]
    assert began.cameras[0].reason == "It does not answer."
    assert began.cameras[0].since.timestamp() == 1600
    assert not began.whole
    (ended,) = watch.over(600, site(yard=S.LIVE, gate=S.LIVE))
    assert ended.kind is NoticeKind.ENDED
    assert ended.at.timestamp() == 1600 + 1800
    assert not watch.over(3600, site(yard=S.LIVE, gate=S.LIVE))


def test_a_short_outage_is_nobodys_business() -> None:
    watch = Watch()
    watch.over(60, site(yard=S.LIVE))
    assert not watch.over(90, site(yard=S.SILENT))
    assert not watch.over(3600, site(yard=S.LIVE))


def test_a_flapping_camera_is_told_once_not_at_every_flap() -> None:
    watch = Watch()
    for _ in range(40):
        watch.over(30, site(yard=S.SILENT))
        watch.over(20, site(yard=S.LIVE))
    assert [notice.kind for _, notice in watch.told] == [NoticeKind.BEGAN]


def test_two_blips_within_minutes_are_no_outage() -> None:
    watch = Watch()
    for _ in range(5):
        watch.over(10, site(yard=S.SILENT))
        watch.over(100, site(yard=S.LIVE))
    assert not watch.told


def test_cameras_that_fail_together_are_told_together() -> None:
    watch = Watch()
    watch.over(30, site(yard=S.SILENT, gate=S.LIVE))
    (began,) = watch.over(600, site(yard=S.SILENT, gate=S.FAILED))
    assert [one.id for one in began.cameras] == ["yard", "gate"]
    assert began.whole


def test_a_building_in_the_dark_is_one_message_and_others_are_not_named() -> None:
    watch = Watch()
    dark = site("a", c1=S.WAITING, c2=S.SILENT, c3=S.DISABLED)
    told = watch.over(600, dark, site("b", c1=S.LIVE, c2=S.LIVE))
    assert [(one.site, one.whole, len(one.cameras)) for one in told] == [("a", True, 2)]


def test_what_is_switched_off_or_removed_is_no_outage_any_more() -> None:
    watch = Watch()
    watch.over(600, site(yard=S.SILENT, gate=S.SILENT))
    assert not watch.over(600, site(yard=S.DISABLED))
    assert not watch.outages.told()


def test_a_restart_tells_nothing_twice_and_still_tells_the_end() -> None:
    watch = Watch()
    watch.over(600, site(yard=S.SILENT))
    again = Watch(Outages.of(watch.outages.told()), now=watch.now + 60)
    assert not again.over(10), "the board is empty at first"
    assert not again.over(600, site(yard=S.CONNECTING))
    (ended,) = again.over(600, site(yard=S.LIVE))
    assert ended.kind is NoticeKind.ENDED
    assert ended.cameras[0].since.timestamp() == 1000


@given(st.lists(st.tuples(st.sampled_from(list(S)), st.integers(1, 120)), max_size=40))
def test_beginnings_and_ends_take_turns(steps: list[tuple[CameraState, int]]) -> None:
    watch = Watch()
    for state, fives in steps:
        watch.over(fives * 5, site(yard=state))
    kinds = [notice.kind for _, notice in watch.told]
    for first, second in pairwise(kinds):
        assert not (first is NoticeKind.ENDED and second is NoticeKind.ENDED)
    times = [at for at, notice in watch.told if notice.kind is NoticeKind.BEGAN]
    assert all(later - earlier >= AFTER for earlier, later in pairwise(times))
