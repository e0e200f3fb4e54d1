"""Upgrades by turns: a newer gateway makes every media server anew, a few at the same moment.

Those whose turn has not come play on. So whoever watches connects again once, and the machine has
not to start, and the cameras not to be dialled by, all media servers of a company at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.control.facts import ServerFacts
from gateway.control.plan import OTHER_VERSION
from gateway.model.plan import Plan


@dataclass(slots=True)
class Turns:
    """Whose turn it is, of all media servers of the company. Times are monotonic seconds.

    ``most`` are made anew at once; one that has not answered after ``within`` seconds holds up the
    others no longer.
    """

    most: int = 4
    within: float = 30.0
    _begun: dict[str, float] = field(default_factory=dict, init=False)

    def take(self, server: str, now: float) -> bool:
        """Tell whether it is the turn of ``server``; it is until :meth:`over`."""
        self._begun = {one: at for one, at in self._begun.items() if now - at < self.within}
        if server not in self._begun and len(self._begun) < self.most:
            self._begun[server] = now
        return server in self._begun

    def over(self, server: str) -> None:
        """Let the next one begin: ``server`` answers."""
        self._begun.pop(server, None)


def waiting(plan: Plan, servers: Sequence[ServerFacts], turns: Turns, now: float) -> frozenset[str]:
    """Return the servers that answer, are to be upgraded, and have to wait for their turn."""
    playing = {one.observed.id for one in servers if one.asked}
    due = [step.target for step in plan.steps if step.reason.code == OTHER_VERSION]
    return frozenset(one for one in due if one in playing and not turns.take(one, now))
