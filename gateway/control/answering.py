"""Media servers that run and answer nobody: they have hung, and only a new one helps."""

from dataclasses import dataclass, field
from typing import Final
from weakref import WeakSet

HUNG_S: Final = 30.0
"""So long one that has answered before may be silent; a busy machine is slow, but not so slow."""

NEVER_S: Final = 300.0
"""So long one may take to answer for the first time: a WCS container needs minutes."""

_TRIES: Final = 5
"""Fewer questions prove nothing, however long they took: the gateway may have stood still."""


@dataclass(slots=True)
class _Silence:
    since: float
    tries: int = 0


@dataclass(slots=True)
class Fellows:
    """All sites' media servers. Where most fall silent at once, the way to them is broken.

    Then nobody is replaced: their viewers may be watching undisturbed.
    """

    _all: "WeakSet[Answering]" = field(default_factory=WeakSet, init=False)

    def join(self, one: "Answering") -> None:
        """Count a site's servers."""
        self._all.add(one)

    def well(self) -> bool:
        """Tell whether, beside one that is silent, at least half of the others answer."""
        silent = sum(one.silent_now for one in self._all)
        answering = sum(one.answering_now for one in self._all)
        return silent - 1 <= answering


@dataclass(slots=True, eq=False, weakref_slot=True)
class Answering:
    """Who answers whom of a site's media servers; all times are monotonic seconds."""

    fellows: Fellows = field(default_factory=Fellows)
    _heard: set[str] = field(default_factory=set)
    _silences: dict[str, _Silence] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.fellows.join(self)

    @property
    def silent_now(self) -> int:
        """How many run and have not answered the latest question."""
        return len(self._silences)

    @property
    def answering_now(self) -> int:
        """How many have answered the latest question."""
        return len(self._heard - self._silences.keys())

    def heard(self, server: str) -> None:
        """Note that ``server`` has answered."""
        self._heard.add(server)
        self._silences.pop(server, None)

    def silent(self, server: str, now: float) -> None:
        """Note that ``server`` runs and has not answered a question."""
        self._silences.setdefault(server, _Silence(now)).tries += 1

    def begun(self, server: str) -> None:
        """Note that ``server`` does not run, or runs anew: what was before says nothing."""
        self._heard.discard(server)
        self._silences.pop(server, None)

    def keep(self, servers: set[str]) -> None:
        """Forget all but ``servers``: the others are gone."""
        self._heard &= servers
        for gone in self._silences.keys() - servers:
            del self._silences[gone]

    def hung(self, now: float) -> frozenset[str]:
        """Return the servers that are not worth waiting for any longer."""
        found = frozenset(
            server
            for server, silence in self._silences.items()
            if silence.tries >= _TRIES
            and now - silence.since >= (HUNG_S if server in self._heard else NEVER_S)
        )
        return found if found and self.fellows.well() else frozenset()
