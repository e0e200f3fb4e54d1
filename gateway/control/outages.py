"""Tells real outages from flaps. Pure: the board and the time go in, notices come out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from gateway.model.notify import Missing, Notice, NoticeKind
from gateway.model.status import CameraState, CameraStatus, SiteStatus

_GOOD: Final = frozenset({CameraState.LIVE, CameraState.IDLE})
_TOGETHER: Final = 0.5
"""The part of the patience after which a camera is told together with one that is due."""

Told = Mapping[str, Mapping[str, float]]
"""Outages that people know of: site -> camera -> since when (seconds since 1970)."""


@dataclass(slots=True)
class _Case:
    """A camera that was bad lately; ``bad_s`` adds up over short recoveries."""

    since: float
    seen: float
    bad_s: float = 0.0
    good_since: float | None = None
    told: bool = False
    reason: str = ""


@dataclass(slots=True)
class Outages:
    """What is known of every camera that is, or was lately, not to be watched."""

    _cases: dict[tuple[str, str], _Case] = field(default_factory=dict)

    @classmethod
    def of(cls, told: Told) -> "Outages":
        """Go on after a restart: what people were told of is not told again."""
        cases = {
            (site, camera): _Case(since=since, seen=since, told=True)
            for site, cameras in told.items()
            for camera, since in cameras.items()
        }
        return cls(cases)

    def told(self) -> Told:
        """Return the outages that people know of."""
        found: dict[str, dict[str, float]] = {}
        for (site, camera), case in self._cases.items():
            if case.told:
                found.setdefault(site, {})[camera] = case.since
        return found

    def look(
        self, sites: Sequence[SiteStatus], *, now: float, after_s: float, calm_s: float
    ) -> list[Notice]:
        """Take in the board; return what people are to be told now, a notice a site at most twice.

        A camera is told when it was bad for ``after_s`` seconds in all, and again when it has been
        good for ``calm_s`` seconds without a break. One that is switched off or removed is
        nobody's outage any more.
        """
        there = {
            (site.id, camera.id)
            for site in sites
            for camera in site.cameras
            if camera.state is not CameraState.DISABLED
        }
        known = {site.id for site in sites}
        for key in [key for key in self._cases if key not in there]:
            # A site that is not on the board at all may only be late after a start.
            if key[0] in known or not self._cases[key].told:
                del self._cases[key]
        notices: list[Notice] = []
        for site in sites:
            for camera in site.cameras:
                self._count(site.id, camera, now, calm_s)
            notices += self._ended(site, now, calm_s)
            notices += self._began(site, now, after_s)
        return notices

    def _count(self, site: str, camera: CameraStatus, now: float, calm_s: float) -> None:
        key = (site, camera.id)
        case = self._cases.get(key)
        if camera.state is CameraState.DISABLED:
            return
        if camera.state in _GOOD:
            if case is None:
                return
            case.good_since = now if case.good_since is None else case.good_since
            if not case.told and now - case.good_since >= calm_s:
                del self._cases[key]
            else:
                case.seen = now
            return
        if case is None:
            case = self._cases[key] = _Case(since=now, seen=now)
        if case.good_since is None:
            case.bad_s += now - case.seen
        case.good_since, case.seen, case.reason = None, now, camera.reason

    def _of(self, site: SiteStatus) -> Iterator[tuple[CameraStatus, _Case]]:
        for camera in site.cameras:
            case = self._cases.get((site.id, camera.id))
            if case is not None:
                yield camera, case

    def _began(self, site: SiteStatus, now: float, after_s: float) -> Iterator[Notice]:
        waiting = [
            (camera, case)
            for camera, case in self._of(site)
            if not case.told and case.good_since is None and case.bad_s >= after_s * _TOGETHER
        ]
        if not any(case.bad_s >= after_s for _, case in waiting):
            return
        for _, case in waiting:
            case.told = True
        bad = {camera.id for camera, case in self._of(site) if case.told}
        on = {one.id for one in site.cameras if one.state is not CameraState.DISABLED}
        yield _notice(NoticeKind.BEGAN, site, waiting, now, whole=len(on) > 1 and bad >= on)

    def _ended(self, site: SiteStatus, now: float, calm_s: float) -> Iterator[Notice]:
        over = [
            (camera, case)
            for camera, case in self._of(site)
            if case.told and case.good_since is not None and now - case.good_since >= calm_s
        ]
        for camera, _ in over:
            del self._cases[site.id, camera.id]
        if over:
            on = [one for one in site.cameras if one.state is not CameraState.DISABLED]
            whole = len(over) == len(on) > 1
            yield _notice(NoticeKind.ENDED, site, over, now, whole=whole)


def _notice(
    kind: NoticeKind,
    site: SiteStatus,
    cases: Sequence[tuple[CameraStatus, _Case]],
    now: float,
    *,
    whole: bool,
) -> Notice:
    cameras = tuple(
        Missing(
            camera.id,
            camera.name,
            datetime.fromtimestamp(case.since, UTC),
            case.reason if kind is NoticeKind.BEGAN else "",
        )
        for camera, case in cases
    )
    ended = [case.good_since for _, case in cases if case.good_since is not None]
    at = max(ended) if kind is NoticeKind.ENDED and ended else now
    return Notice(kind, site.id, site.name, datetime.fromtimestamp(at, UTC), cameras, whole)
