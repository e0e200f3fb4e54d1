"""The plays that run, and for a while those that are over, with the reason."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Final

from gateway.model.access import View

REMEMBERED: Final = 10_000
"""Plays that were ended for a reason: a player that wakes up hours later must not dial again."""

ORDINARY: Final = 500
"""Plays that ended as plays do: their last words come within seconds."""


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


@lru_cache(maxsize=1024)
def _past(site: str, camera: str, until: float | None, reason: End) -> Past:
    """Return one object for all plays that ended alike, as most do: thousands are remembered."""
    return Past(site, camera, until, reason)


class Seats:
    """All seats by the play's id; the ends of the latest plays are remembered."""

    def __init__(self) -> None:
        self.running: dict[str, Seat] = {}
        self._past: OrderedDict[str, Past] = OrderedDict()
        self._ordinary: OrderedDict[str, Past] = OrderedDict()

    def take(self, seat: Seat) -> None:
        """Begin to hold a seat."""
        self.running[seat.view.play] = seat

    def leave(self, seat: Seat) -> None:
        """Stop holding a seat, and remember why if its play is over."""
        self.running.pop(seat.view.play, None)
        if not seat.ended.done():
            return
        view = seat.view
        ordinary = seat.reason in {End.LEFT, End.ENDED}
        past, most = (self._ordinary, ORDINARY) if ordinary else (self._past, REMEMBERED)
        past[view.play] = _past(view.site, view.camera, view.until, seat.reason)
        while len(past) > most:
            past.popitem(last=False)

    def find(self, site_id: str, camera_id: str, play_id: str) -> Seat | Past | None:
        """Return a play of a camera, running or past."""
        seat = self.running.get(play_id)
        past = self._past.get(play_id) or self._ordinary.get(play_id)
        where = past if seat is None else seat.view
        if where is None or (where.site, where.camera) != (site_id, camera_id):
            return None
        return past if seat is None else seat
