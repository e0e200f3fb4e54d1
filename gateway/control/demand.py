"""Which on-demand streams somebody wants now.

Wishes fade: a stream stays wanted for ``linger_s`` seconds after the last sign of a viewer, be it
a play that begins here or a viewer that the media server shows. So a gateway that restarts learns
from what it sees, and needs no memory.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from gateway.kit.clock import Clock


@dataclass(slots=True)
class Demand:
    """The wanted on-demand streams by name."""

    clock: Clock
    linger_s: float = 30.0
    _until: dict[str, float] = field(default_factory=dict, init=False)
    _sweep: float = field(default=0.0, init=False)

    def want(self, streams: Iterable[str]) -> None:
        """Note a sign of a viewer of each of ``streams``."""
        now = self.clock.monotonic()
        for stream in streams:
            self._until[stream] = now + self.linger_s
        if now >= self._sweep:
            self._sweep = now + self.linger_s
            for stream in [name for name, until in self._until.items() if until <= now]:
                del self._until[stream]

    def wanted(self, among: Iterable[str]) -> frozenset[str]:
        """Return which of some streams are wanted now."""
        now = self.clock.monotonic()
        return frozenset(name for name in among if self._until.get(name, now) > now)
