"""How long a camera may take to answer: for some tries less, once it has fallen silent."""

from dataclasses import dataclass, field
from typing import Final

_QUICK_TRIES: Final = 3
_LEAST_S: Final = 1.5
_TIMES: Final = 3.0


@dataclass(slots=True)
class Patience:
    """Knows how fast a camera answers; all times are seconds.

    One that falls silent in the middle of a play, with its connections open, may be well again at
    any moment, but what it was asked while it was not is often lost. So it is asked anew soon, a
    few times: as long as it took last time, three times over, is enough for an answer. Then it
    gets ``usual_s`` again, for it may have become slow.
    """

    usual_s: float
    _took_s: float = field(default=0.0, init=False)
    _quick: int = field(default=0, init=False)

    def played(self, after_s: float) -> None:
        """Note how long it took from the first word to the play."""
        self._took_s = after_s

    def fell_silent(self) -> None:
        """Note that a play has ended without a word."""
        self._quick = _QUICK_TRIES

    def next(self) -> float:
        """Count a try and return how long each of its answers may take."""
        if not self._quick:
            return self.usual_s
        self._quick -= 1
        return min(self.usual_s, max(_LEAST_S, _TIMES * self._took_s))
