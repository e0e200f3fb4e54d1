"""Which media server a viewer is sent to. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.control.facts import Facts
from gateway.control.scale import CALM_AT, GROW_AT, HOT
from gateway.model.site import Site

FULL_CPU: Final = 0.95
"""Processor share from which a server that takes one more viewer fails all of them."""

STRAINED_CPU: Final = 0.85
"""Processor share from which some of those who watch had better watch elsewhere."""


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


def surplus(places: Sequence[Place]) -> Mapping[str, int]:
    """Return how many viewers of which servers had better watch elsewhere, where there is room.

    More than a server is meant for, or a tenth of those of a processor that is all but full;
    never more than the others take without growing.
    """
    spare = sum(
        max(0, int(GROW_AT * min(place.usual, place.most)) - place.viewers)
        for place in places
        if place.load < CALM_AT and place.left(tight=True)
    )
    found: dict[str, int] = {}
    for place in places:
        over = place.viewers - min(place.usual, place.most)
        if place.cpu is not None and place.cpu >= STRAINED_CPU:
            over = max(over, place.viewers // 10)
        if place.ready and not place.draining and min(over, spare) > 0:
            found[place.id] = min(over, spare)
            spare -= found[place.id]
    return found


def places(site: Site, facts: Facts, *, most: int, begun: Mapping[str, int]) -> list[Place]:
    """Return a site's media servers as places; ``most`` is what the files let one accept.

    ``begun`` are the plays by server that were begun here, of which the last look may not know.
    """
    found = []
    for server in facts.servers:
        name = server.observed.id
        load = facts.size.loads.get(name)
        ports = None if load is None else load.ports_free
        found.append(
            Place(
                name,
                first=name == site.id,
                ready=server.asked,
                draining=name in facts.size.draining,
                viewers=max(server.viewers(), begun.get(name, 0)),
                usual=site.scaling.viewers_per_server,
                most=most if ports is None else min(most, server.viewers() + ports),
                cpu=None if load is None else load.cpu,
            )
        )
    return found
