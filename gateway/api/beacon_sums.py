"""The sums of what browsers have seen of their plays."""

from collections import OrderedDict
from typing import Final

from gateway.kit.measures import Measures

_PER_PLAY: Final = 30
_REMEMBERED: Final = 20_000


class Beacons:
    """Takes the numbers in; remembers how many beacons the latest plays have sent."""

    def __init__(self, measures: Measures) -> None:
        self._measures = measures
        self._seen: OrderedDict[str, int] = OrderedDict()

    def take(self, play: str, numbers: dict[str, float]) -> None:
        """Add a browser's numbers; those of a play that has sent too many are left out."""
        count = self._seen.pop(play, 0)
        self._seen[play] = count + 1
        while len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        if count >= _PER_PLAY:
            return
        if count == 0:
            self._measures.count("player_plays")
        if "first_frame_s" in numbers:
            self._measures.took("player_first_frame_seconds", numbers["first_frame_s"])
        self._measures.count("player_seconds", numbers.get("played_s", 0.0))
        self._measures.count("player_freezes", numbers.get("freezes", 0.0))
        self._measures.count("player_frozen_seconds", numbers.get("frozen_s", 0.0))
