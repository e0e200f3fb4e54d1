"""Growing, jittered pauses between tries, so that a hundred cameras do not knock in step."""

import random
from dataclasses import dataclass, field


@dataclass(slots=True)
class Backoff:
    """Pauses in seconds that grow by ``factor`` from ``first`` to ``most``.

    Each pause is drawn between half and the whole of its step; :meth:`reset` starts anew.
    """

    first: float = 0.5
    most: float = 30.0
    factor: float = 2.0
    _failures: int = field(default=0, init=False)

    @property
    def failures(self) -> int:
        """Tries that have failed since the last :meth:`reset`."""
        return self._failures

    def next(self) -> float:
        """Count one more failure and return the pause before the next try, in seconds."""
        step = min(self.most, self.first * self.factor ** min(self._failures, 64))
        self._failures += 1
        return step * (0.5 + random.random() / 2)  # noqa: S311  # spreads load, guards nothing

    def reset(self) -> None:
        """Forget the failures after a success."""
        self._failures = 0
