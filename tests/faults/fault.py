"""What a fault is, where it happens, and what has been measured of it."""

import statistics
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol


class Stage(Protocol):
    """A place where everything plays, until a fault comes."""

    async def well(self) -> None:
        """Wait until the hurt building plays again for everybody."""

    def forget(self) -> None:
        """Begin to count at the neighbours."""

    async def missed(self) -> int:
        """Return how many packets the neighbours have missed since :meth:`forget`."""


@dataclass(frozen=True, slots=True)
class Fault:
    """``happen`` returns the seconds until the video is back, counted from ``counted_from``.

    ``bar_s`` is what is promised, ``None`` where nothing is. ``quick`` faults are also a test.
    One that ``steps`` happens many times at once, and returns as many seconds.
    """

    name: str
    title: str
    counted_from: str
    happen: Callable[[Any], Awaitable[float | Sequence[float]]]
    bar_s: float | None = None
    quick: bool = False
    steps: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Faults that share a stage; ``lacks`` says why they cannot happen here, empty if they can."""

    name: str
    opened: Callable[[Path], AbstractAsyncContextManager[Stage]]
    faults: tuple[Fault, ...]
    lacks: Callable[[], str] = lambda: ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Seconds of each round, and the packets that the neighbours missed in all of them."""

    seconds: tuple[float, ...] = ()
    missed: int = 0

    def and_then(self, seconds: Sequence[float], missed: int) -> "Outcome":
        """Return the outcome with further rounds."""
        return Outcome((*self.seconds, *seconds), self.missed + missed)

    @property
    def median(self) -> float:
        """The middle one of the rounds."""
        return statistics.median(self.seconds)

    @property
    def worst(self) -> float:
        """The longest."""
        return max(self.seconds)


async def suffer(stage: Stage, fault: Fault) -> tuple[Sequence[float], int]:
    """Let a fault happen once; return the seconds and what the neighbours missed."""
    stage.forget()
    seconds = await fault.happen(stage)
    await stage.well()
    return [seconds] if isinstance(seconds, float) else seconds, await stage.missed()
