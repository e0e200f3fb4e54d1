"""Media servers that run and answer nobody: they have hung, and only a new one helps."""

from dataclasses import dataclass, field
from typing import Final

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
class Answering:
    """Who answers whom of a site's media servers; all times are monotonic seconds."""

    _heard: set[str] = field(default_factory=set)
    _silences: dict[str, _Silence] = field(default_factory=dict)

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

    def hung(self, now: float) -> frozenset[str]:
        """Return the servers that are not worth waiting for any longer."""
        return frozenset(
            server
            for server, silence in self._silences.items()
            if silence.tries >= _TRIES
            and now - silence.since >= (HUNG_S if server in self._heard else NEVER_S)
        )
