"""How often a site is looked at: as often as one likes in a small fleet, by turns in a large one.

The fleet has a budget of looks a second. It is shared within three kinds of sites, so that
thousands of quiet ones cost a site in trouble nothing, and the other way round.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import sqrt
from types import MappingProxyType
from typing import Final


class Mood(StrEnum):
    """How a site is: nothing to see; somebody watches, or nobody tells; something is going on."""

    QUIET = "quiet"
    WATCHED = "watched"
    STIRRED = "stirred"


LOOKS: Final[Mapping[Mood, float]] = MappingProxyType(
    {Mood.QUIET: 25.0, Mood.WATCHED: 25.0, Mood.STIRRED: 100.0}
)
"""Looks a second at all sites of a kind together; fifty quiet sites are looked at every 2 s."""

MOST_S: Final = 30.0
"""The longest pause of a site whose media servers have to be asked."""

MOST_HEARD_S: Final = 180.0
"""The longest pause of a quiet one whose media servers tell of changes, and of being there."""

_FEW: Final = 50
"""So many sites are looked at as often as one likes."""

_TELLINGS: Final = 100.0
_BURST: Final = 50.0


@dataclass(slots=True)
class Cadence:
    """Knows how many sites of each kind there are; all times are seconds."""

    _moods: dict[str, Mood] = field(default_factory=dict, init=False)
    _counts: defaultdict[Mood, int] = field(default_factory=lambda: defaultdict(int), init=False)
    _next: float = field(default=0.0, init=False)

    def pause(self, site: str, mood: Mood, usual: float, *, heard: bool = False) -> float:
        """Note how a site is and return how long it rests; ``usual`` where there is time for all.

        ``heard``: its media servers tell of changes themselves.
        """
        self._note(site, mood)
        count = self._counts[mood]
        share = count / LOOKS[mood]
        if heard and mood is Mood.QUIET:
            # Nobody waits for these looks: the more there are, the fewer of them.
            return max(usual, min(MOST_HEARD_S, share * sqrt(max(1.0, count / _FEW))))
        return max(usual, min(MOST_S, share))

    def forget(self, site: str) -> None:
        """Forget a site that is gone."""
        before = self._moods.pop(site, None)
        if before is not None:
            self._counts[before] -= 1

    def turn(self, now: float) -> float:
        """Return how long a telling of a change has to wait for its turn; mostly not at all.

        When all of a thousand sites have something to tell, they are listened to one by one.
        """
        self._next = max(self._next, now - _BURST / _TELLINGS) + 1 / _TELLINGS
        return max(0.0, self._next - now)

    def _note(self, site: str, mood: Mood) -> None:
        if self._moods.get(site) is not mood:
            self.forget(site)
            self._moods[site] = mood
            self._counts[mood] += 1
