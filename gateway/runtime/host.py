"""How loaded this machine is; satisfies ``control.ports.Host`` by shape.

``/proc/stat`` and ``/proc/meminfo`` tell of the whole machine, inside a container too (proc(5)).
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from gateway.model.load import MachineLoad

_LOOK_S: Final = 2.0
_WEIGHT: Final = 0.3  # of the newest look: a compiler's short run is no reason to turn people away
_IDLE: Final = (3, 4)  # idle and iowait among the first eight fields of the line "cpu"
_FIELDS: Final = 8  # guest time, which follows, is part of user time already


class Host:
    """Reads the machine's load, at most every two seconds however often it is asked."""

    def __init__(
        self, proc: Path = Path("/proc"), monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._proc = proc
        self._monotonic = monotonic
        self._looked = float("-inf")
        self._ticks: tuple[int, int] | None = None
        self._load: MachineLoad | None = None

    def load(self) -> MachineLoad | None:
        """Return the shares taken since the look before, ``None`` where nobody can tell."""
        now = self._monotonic()
        if now - self._looked >= _LOOK_S:
            self._looked = now
            try:
                self._load = self._look()
            except (OSError, ValueError, IndexError, KeyError):
                self._load = None
        return self._load

    def _look(self) -> MachineLoad | None:
        ticks, before = _ticks(self._proc), self._ticks
        self._ticks = ticks
        if before is None or ticks[1] <= before[1]:
            return None
        cpu = min(1.0, max(0.0, (ticks[0] - before[0]) / (ticks[1] - before[1])))
        if self._load is not None:
            cpu = self._load.cpu + (cpu - self._load.cpu) * _WEIGHT
        return MachineLoad(cpu=cpu, memory=_memory(self._proc))


def _ticks(proc: Path) -> tuple[int, int]:
    """Return the busy and all ticks of all processors together."""
    with (proc / "stat").open(encoding="ascii") as file:
        fields = [int(field) for field in file.readline().split()[1 : 1 + _FIELDS]]
    total = sum(fields)
    return total - sum(fields[index] for index in _IDLE), total


def _memory(proc: Path) -> float:
    values: dict[str, int] = {}
    with (proc / "meminfo").open(encoding="ascii") as file:
        for line in file:
            key, _, rest = line.partition(":")
            values[key] = int(rest.split()[0])
            if "MemTotal" in values and "MemAvailable" in values:
                break
    return 1 - values["MemAvailable"] / values["MemTotal"]
