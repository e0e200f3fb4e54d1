"""The plays that run, and for a while those that are over, with the reason."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Final

from gateway.kit.clock import Clock
from gateway.model.access import View

REMEMBERED: Final = 10_000
"""Plays that were ended for a reason: a player that wakes up hours later must not dial again."""

ORDINARY: Final = 100
ORDINARY_S: Final = 60.0
"""Plays that ended as plays do: those of the last seconds, in which their last words come, and at
least so many. A count alone would be too few for a crowd, or take hours to fill and look like a
leak."""


class End(StrEnum):
    """Why a play is over, for players and for the audit."""

    LEFT = "left"
    """The viewer ended it."""

    ENDED = "ended"
    """It ended at the media server: the browser went silent, or the video did."""

    TIME_OVER = "time_over"
    REVOKED = "revoked"
    PRIVACY = "privacy"
    CLOSED = "closed"
    """The site is not open to this viewer any more."""

    MOVED = "moved"
    """Its media server had to go; it goes on as another play."""

    LOST = "lost"
    """It was over when the gateway came back; nobody knows since when."""


@dataclass(slots=True, eq=False)
class Seat:
    """One running play.

    ``client`` is whose place it takes, empty for a play of before a restart (``adopted``).
    ``ended`` is done when the play is over; ``told`` is done with the reason to end it.
    ``checked``: the guard has looked at it. ``met``: an adopted play was seen to run.
    ``moving``: it had better go on elsewhere; ``moved``: it does so already, as another play.
    """

    view: View
    client: str
    ended: asyncio.Future[str]
    adopted: bool = False
    told: asyncio.Future[str] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )
    reason: End = End.ENDED
    checked: bool = False
    met: bool = False
    moving: bool = False
    moved: bool = False

    def tell(self, reason: End) -> None:
        """Have the play ended; the first reason counts."""
        if not self.told.done():
            self.reason = reason
            self.told.set_result(reason)

    def over(self) -> None:
        """Note that an adopted play is over."""
        if self.adopted and not self.ended.done():
            if not self.met and self.reason is End.ENDED:
                self.reason = End.LOST
            self.ended.set_result("")


@dataclass(frozen=True, slots=True)
class Past:
    """A play that is over."""

    site: str
    camera: str
    until: float | None
    reason: End


_NOTHING: Final = (None, 0.0)


@lru_cache(maxsize=1024)
def _past(site: str, camera: str, until: float | None, reason: End) -> Past:
    """Return one object for all plays that ended alike, as most do: thousands are remembered."""
    return Past(site, camera, until, reason)


class Seats:
    """All seats by the play's id; the ends of the latest plays are remembered."""

    def __init__(self, clock: Clock) -> None:
        self.running: dict[str, Seat] = {}
        self._clock = clock
        self._past: OrderedDict[str, Past] = OrderedDict()
        self._ordinary: OrderedDict[str, tuple[Past, float]] = OrderedDict()

    def take(self, seat: Seat) -> None:
        """Begin to hold a seat."""
        self.running[seat.view.play] = seat

    def leave(self, seat: Seat) -> None:
        """Stop holding a seat, and remember why if its play is over."""
        self.running.pop(seat.view.play, None)
        if not seat.ended.done():
            return
        view = seat.view
        past = _past(view.site, view.camera, view.until, seat.reason)
        if seat.reason in {End.LEFT, End.ENDED}:
            self._remember_ordinary(view.play, past)
            return
        self._past[view.play] = past
        while len(self._past) > REMEMBERED:
            self._past.popitem(last=False)

    def _remember_ordinary(self, play: str, past: Past) -> None:
        now, kept = self._clock.monotonic(), self._ordinary
        kept[play] = (past, now)
        while len(kept) > ORDINARY:
            _, ended = next(iter(kept.values()))
            if len(kept) <= REMEMBERED and now - ended <= ORDINARY_S:
                return
            kept.popitem(last=False)

    def find(self, site_id: str, camera_id: str, play_id: str) -> Seat | Past | None:
        """Return a play of a camera, running or past."""
        seat = self.running.get(play_id)
        past = self._past.get(play_id) or self._ordinary.get(play_id, _NOTHING)[0]
        where = past if seat is None else seat.view
        if where is None or (where.site, where.camera) != (site_id, camera_id):
            return None
        return past if seat is None else seat
