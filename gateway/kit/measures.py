"""Numbers that add up while the gateway runs; whoever shows them reads :meth:`Measures.counts`."""

import bisect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from gateway.kit.clock import Clock

BOUNDS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Upper bounds of the classes of a duration, in seconds; one more class holds what is longer."""

Labels = tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Spread:
    """How some durations were: a count for each class of :data:`BOUNDS`, and their sum."""

    classes: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    total_s: float = 0.0


class Measures:
    """Counters and spreads by name and labels. Labels are few and fixed: never an id of a viewer.

    Used from one thread.
    """

    def __init__(self) -> None:
        self._counts: dict[tuple[str, Labels], float] = {}
        self._spreads: dict[tuple[str, Labels], Spread] = {}
        self._levels: dict[tuple[str, Labels], Callable[[], float]] = {}

    def count(self, name: str, amount: float = 1.0, **labels: str) -> None:
        """Add to a counter."""
        key = (name, tuple(sorted(labels.items())))
        self._counts[key] = self._counts.get(key, 0.0) + amount

    def took(self, name: str, seconds: float, **labels: str) -> None:
        """Take in a duration."""
        key = (name, tuple(sorted(labels.items())))
        spread = self._spreads.get(key)
        if spread is None:
            spread = self._spreads[key] = Spread()
        spread.classes[bisect.bisect_left(BOUNDS, seconds)] += 1
        spread.total_s += seconds

    @contextmanager
    def timed(self, name: str, clock: Clock, **labels: str) -> Iterator[None]:
        """Take in how long the block took, however it ends."""
        began = clock.monotonic()
        try:
            yield
        finally:
            self.took(name, clock.monotonic() - began, **labels)

    def level(self, name: str, read: Callable[[], float], **labels: str) -> None:
        """Have ``read`` asked whenever somebody wants to know; the last one given counts."""
        self._levels[name, tuple(sorted(labels.items()))] = read

    @property
    def counts(self) -> Mapping[tuple[str, Labels], float]:
        """Every counter."""
        return self._counts

    @property
    def levels(self) -> Mapping[tuple[str, Labels], float]:
        """Every level as it is now."""
        return {key: read() for key, read in self._levels.items()}

    @property
    def spreads(self) -> Mapping[tuple[str, Labels], Spread]:
        """Every spread."""
        return self._spreads
