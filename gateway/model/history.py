"""What has happened to cameras: states with a beginning and an end, and availability."""

from dataclasses import dataclass

from gateway.model.status import CameraState


@dataclass(frozen=True, slots=True)
class Span:
    """A camera was in ``state`` from ``began`` to ``ended`` (seconds since 1970, UTC).

    ``ended`` is ``None`` while it lasts.
    """

    site: str
    camera: str
    state: CameraState
    reason: str
    began: float
    ended: float | None = None


@dataclass(frozen=True, slots=True)
class HistoryQuery:
    """Which spans: those that touch ``start`` to ``end``, newest first, at most ``limit``."""

    site: str | None = None
    camera: str | None = None
    start: float | None = None
    end: float | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Availability:
    """How long a camera could be watched in a ``month`` (``2026-11``, in the site's time zone).

    ``watched_s`` are the seconds in which anybody looked after it: the gateway ran and the camera
    was not switched off. ``outages`` counts the times when it could not be watched.
    """

    camera: str
    month: str
    available_s: float
    watched_s: float
    outages: int

    @property
    def share(self) -> float | None:
        """The part of the time, from 0 to 1; ``None`` when nobody looked."""
        return self.available_s / self.watched_s if self.watched_s else None
