"""When each camera is looked at in full, and what stands against it now (pure).

The times of a fleet are spread by what a camera is called, so that no two gateways, restarts or
days gather them; each look moves the next by a tenth at most.
"""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Final
from zlib import crc32

from gateway.model.checkup import Checkup
from gateway.model.site import Camera, Site
from gateway.model.status import CameraState, CameraStatus

AT_ONCE: Final = 2
"""Looks in the whole fleet at one moment; a building has one at most."""
_SETTLE: Final = timedelta(minutes=5)
"""A gateway that has just begun has better things to do."""
_FIRST_SHARE: Final = 8
"""The first look at a camera comes within this part of the time between two."""
_LOOK: Final = timedelta(minutes=2)
_STEADY: Final = timedelta(minutes=1)
_REFUSED: Final = frozenset({"unauthorized", "locked"})
_UP: Final = frozenset({CameraState.LIVE, CameraState.IDLE})

Due = tuple[datetime, str, str]
"""When, at which site, which camera."""


def due_at(
    site: str, camera: str, last: Checkup | None, *, since: datetime, every: timedelta
) -> datetime:
    """Return when a camera is to be looked at next.

    ``since`` is when its entry became known to this gateway, ``last`` what is known of it. After
    failures the pauses double, from an eighth of ``every`` to twice of it.
    """
    key = f"{site}/{camera}"
    first = since + _SETTLE + _fraction(key) * every / _FIRST_SHARE
    if last is None:
        return first
    pause = every
    if last.failures:
        pause = min(2 * every, every / 8 * 2 ** min(last.failures - 1, 8))
    jitter = 0.9 + 0.2 * _fraction(f"{key} {last.when.isoformat()}")
    return max(first, last.when + pause * jitter)


def obstacle(
    site: Site,
    camera: Camera,
    status: CameraStatus | None,
    last: Checkup | None,
    *,
    now: datetime,
    changed: bool = False,
) -> str:
    """Return why a camera may not be looked at now; empty when nothing stands against it.

    ``changed``: its entry has changed since the last look. A password that was refused is not
    tried again before, or before the media server has got in by it since.
    """
    if not (site.enabled and camera.enabled) or camera.rtsp is None:
        return "nothing is to be seen of it"
    if site.is_private(camera.id, now) or site.is_private(camera.id, now + _LOOK):
        return "its privacy hours"
    if status is None or status.state not in _UP:
        return "it does not play"
    if now - status.since < _STEADY:
        return "it has only just come"
    refused = last is not None and last.failure is not None and last.failure.kind in _REFUSED
    if not refused or last is None or changed:
        return ""
    proven = status.state is CameraState.LIVE and status.since > last.when
    return "" if proven else "it has refused the password"


def choose(due: Iterable[Due], busy: Collection[str], *, now: datetime) -> list[Due]:
    """Return whom to look at now, the longest due first: one of a site, few of the fleet.

    ``busy`` are the sites at which a look is under way.
    """
    chosen: list[Due] = []
    taken = set(busy)
    for one in sorted(due):
        when, site, _ = one
        if when > now or len(taken) >= AT_ONCE:
            break
        if site not in taken:
            taken.add(site)
            chosen.append(one)
    return chosen


def _fraction(text: str) -> float:
    """Return a number from 0 to 1 that belongs to a text, the same in every process."""
    return crc32(text.encode()) / 2**32
