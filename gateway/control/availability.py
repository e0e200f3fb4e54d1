"""How much of each month a camera could be watched. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Final

from gateway.model.history import Availability, Span
from gateway.model.status import CameraState

GOOD: Final = frozenset({CameraState.LIVE, CameraState.IDLE})
"""States in which whoever asks gets a picture."""

_UNWATCHED: Final = frozenset({CameraState.DISABLED})


@dataclass(slots=True)
class _Sum:
    available: float = 0.0
    watched: float = 0.0
    outages: int = 0


def by_month(spans: Iterable[Span], *, now: float, zone: tzinfo) -> Sequence[Availability]:
    """Return each camera's availability by month, oldest first; open spans last until ``now``.

    An outage belongs to the month in which it began; it goes over changes from one bad state to
    another.
    """
    sums: defaultdict[tuple[str, str], _Sum] = defaultdict(_Sum)
    good: dict[str, bool] = {}
    for span in sorted(spans, key=lambda one: (one.camera, one.began)):
        if span.state in _UNWATCHED:
            good.pop(span.camera, None)
            continue
        fine = span.state in GOOD
        began = _month(span.began, zone)
        if not fine and good.get(span.camera, True):
            sums[span.camera, began].outages += 1
        good[span.camera] = fine
        for month, seconds in _pieces(span, now, zone):
            total = sums[span.camera, month]
            total.watched += seconds
            total.available += seconds if fine else 0.0
    return [
        Availability(camera, month, total.available, total.watched, total.outages)
        for (camera, month), total in sorted(sums.items())
    ]


def _month(at: float, zone: tzinfo) -> str:
    return f"{datetime.fromtimestamp(at, zone):%Y-%m}"


def _pieces(span: Span, now: float, zone: tzinfo) -> Iterator[tuple[str, float]]:
    """Cut a span where a month ends."""
    at, end = span.began, now if span.ended is None else span.ended
    while at < end:
        local = datetime.fromtimestamp(at, zone)
        years, month = divmod(local.month, 12)
        turn = datetime(local.year + years, month + 1, 1, tzinfo=zone).timestamp()
        upto = min(end, turn)
        yield f"{local:%Y-%m}", upto - at
        at = upto
