"""Slows down whoever guesses passwords, in bounded memory and without telling what exists.

A name is counted whether or not there is such an account, so the pauses say nothing.
"""

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from gateway.kit.clock import Clock

FORGET_S: Final = 900.0
REMEMBERED: Final = 10_000
_LARGEST_POWER: Final = 20


@dataclass(frozen=True, slots=True)
class Patience:
    """``free`` failures cost nothing; each further one doubles the pause up to ``most_s``."""

    free: int
    most_s: float

    def pause(self, failures: int) -> float:
        """Return the pause after so many failures, in seconds."""
        if failures < self.free:
            return 0.0
        return float(min(self.most_s, 2 ** min(failures - self.free, _LARGEST_POWER)))


WITH_ADDRESS: Final = Patience(free=5, most_s=900.0)
"""One name from one address: locked out for a quarter of an hour in the end."""

ADDRESS: Final = Patience(free=20, most_s=900.0)
ACCOUNT: Final = Patience(free=50, most_s=30.0)
"""One name from anywhere. Short, or strangers could lock somebody out of the console."""


class _Counter:
    def __init__(self, patience: Patience, clock: Clock) -> None:
        self._patience = patience
        self._clock = clock
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._failures)

    def wait(self, key: str) -> float:
        count, at = self._of(key)
        return max(0.0, at + self._patience.pause(count) - self._clock.monotonic())

    def failed(self, key: str) -> None:
        count, _ = self._of(key)
        self._failures[key] = (count + 1, self._clock.monotonic())
        self._failures.move_to_end(key)
        while len(self._failures) > REMEMBERED:
            self._failures.popitem(last=False)

    def forgive(self, key: str, *, all_of_it: bool) -> None:
        count, at = self._of(key)
        if all_of_it or count <= 1:
            self._failures.pop(key, None)
        else:
            self._failures[key] = (count - 1, at)

    def _of(self, key: str) -> tuple[int, float]:
        count, at = self._failures.get(key, (0, 0.0))
        return (0, 0.0) if self._clock.monotonic() - at > FORGET_S else (count, at)


class Guesses:
    """Counts failed sign-ins by name, by address, and by both."""

    def __init__(self, clock: Clock) -> None:
        self._both = _Counter(WITH_ADDRESS, clock)
        self._addresses = _Counter(ADDRESS, clock)
        self._accounts = _Counter(ACCOUNT, clock)

    def __len__(self) -> int:
        return len(self._both) + len(self._addresses) + len(self._accounts)

    def take(self, name: str, address: str | None) -> float:
        """Count a try as failed and return 0, or return the seconds to wait before one.

        It is counted beforehand, so that many at the same moment are no way around the pause.
        ``address`` is ``None`` for one that stands for many people.
        """
        keys = self._keys(name, address)
        wait = max(counter.wait(key) for counter, key in keys)
        if not wait:
            for counter, key in keys:
                counter.failed(key)
        return wait

    def succeeded(self, name: str, address: str | None) -> None:
        """Take back what :meth:`take` has counted; the name is clean from this address."""
        for counter, key in self._keys(name, address):
            counter.forgive(key, all_of_it=counter is self._both)

    def _keys(self, name: str, address: str | None) -> list[tuple[_Counter, str]]:
        account = hashlib.sha256(name.lower().encode(errors="surrogateescape")).hexdigest()
        found = [(self._both, f"{address} {account}"), (self._accounts, account)]
        return found if address is None else [*found, (self._addresses, address)]
