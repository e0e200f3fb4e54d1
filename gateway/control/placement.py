"""Which media server a viewer is sent to. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from gateway.control.scale import CALM_AT, HOT

FULL_CPU: Final = 0.95
"""Processor share from which a server that takes one more viewer fails all of them."""


@dataclass(frozen=True, slots=True)
class Place:
    """One media server as a place to watch.

    ``usual`` is how many viewers it is meant for, ``most`` how many it accepts. ``first``: it is
    the origin. ``cpu`` is a share of what it can use, ``None`` where it does not say.
    """

    id: str
    first: bool = False
    ready: bool = True
    draining: bool = False
    viewers: int = 0
    usual: int = 200
    most: int = 500
    cpu: float | None = None

    def left(self, *, tight: bool) -> int:
        """Return how many viewers it still takes; ``tight``: no more than it is meant for."""
        if not self.ready or self.draining or (self.cpu is not None and self.cpu >= FULL_CPU):
            return 0
        return max(0, (min(self.usual, self.most) if tight else self.most) - self.viewers)

    @property
    def load(self) -> float:
        """How loaded it is; 1 is as much as it is meant for. A hot processor counts too."""
        share = self.viewers / max(1, min(self.usual, self.most))
        return max(share, self.cpu) if self.cpu is not None and self.cpu >= HOT else share


def choose(places: Sequence[Place], *, tight: bool = False) -> Place | None:
    """Return the place for the next viewer, ``None`` when all are full.

    The origin comes first while it is less than half loaded, so that a quiet house needs nothing
    else; then the least loaded, in the order given where two are alike.
    """
    open_ones = [place for place in places if place.left(tight=tight)]
    calm = [place for place in open_ones if place.first and place.load < CALM_AT]
    return min(calm or open_ones, key=lambda place: place.load, default=None)


def room(places: Sequence[Place], *, tight: bool = False) -> int:
    """Return how many viewers still fit."""
    return sum(place.left(tight=tight) for place in places)


def with_coming(places: Sequence[Place], begun: Mapping[str, int]) -> list[Place]:
    """Return places that count the plays begun here which the last look has not seen yet."""
    return [replace(place, viewers=max(place.viewers, begun.get(place.id, 0))) for place in places]
