"""When a thing that failed may be tried again: at once the first time, then ever more rarely."""

from collections.abc import Collection
from dataclasses import dataclass, field

from gateway.kit.backoff import Backoff


@dataclass(slots=True)
class _Pace:
    backoff: Backoff
    not_before: float = 0.0
    tried: float = 0.0


@dataclass(slots=True)
class Pacing:
    """Tries by key (a server, a stream). All times are monotonic seconds.

    A key that has been fine for ``calm`` seconds after its last try starts anew.
    """

    first: float
    most: float
    calm: float
    _paces: dict[str, _Pace] = field(default_factory=dict, init=False)

    def wait(self, key: str, now: float) -> float:
        """Return how many seconds ``key`` still has to wait; 0 means now."""
        pace = self._paces.get(key)
        return 0.0 if pace is None else max(0.0, pace.not_before - now)

    def tried(self, key: str, now: float) -> None:
        """Note a try: the next one has to wait if it comes soon."""
        pace = self._paces.setdefault(key, _Pace(Backoff(self.first, self.most)))
        pace.not_before = now + pace.backoff.next()
        pace.tried = now

    def excuse(self, key: str) -> None:
        """Forget the tries of ``key``: something else was to blame."""
        self._paces.pop(key, None)

    def fine(self, key: str, now: float) -> None:
        """Note that ``key`` is well; after ``calm`` seconds of it its failures are forgotten."""
        pace = self._paces.get(key)
        if pace is not None and now - pace.tried >= self.calm:
            del self._paces[key]

    def forget_others(self, keys: Collection[str]) -> None:
        """Keep only ``keys``: what is gone needs no memory."""
        for key in set(self._paces) - set(keys):
            del self._paces[key]
