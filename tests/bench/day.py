"""A day of two buildings on one machine, in virtual time, decided by the gateway's own functions.

``python -m tests.bench.day`` plays it in seconds and draws ``tests/bench/day.svg``. A morning peak,
a power cut in the evening, a party at the second building with fewer licences than it would like,
and a backup that takes the machine's processors for twenty minutes in its middle.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from gateway.api.moves import PER_SECOND
from gateway.control.placement import Place, choose
from gateway.control.scale import Bounds, Memory, Signals, decide, taken
from gateway.model.company import Machine
from gateway.model.load import MachineLoad, ServerLoad
from tests.bench.svg import Chart, Line, drawn

STEP_S: Final = 5.0
DAY_S: Final = 24 * 3600.0
CORES: Final = 8
LICENSES: Final = 3
CAP: Final = Machine(cpu=0.8, memory=0.9)
MOST: Final = 200
START_S: Final = 15.0
"""A container is made, started and asked within this time."""

POWER_CUT: Final = (19 * 3600.0, 19 * 3600.0 + 600)
BACKUP: Final = (20.25 * 3600, 20.25 * 3600 + 1200)
_PER_VIEWER: Final = 0.0035  # of a core
_PER_SERVER: Final = 0.03
_ARRIVALS: Final = 60  # a step: as many as one building's doors see
OUT: Final = Path(__file__).with_name("day.svg")


@dataclass
class Building:
    """One site: its crowd, its servers, and what was decided."""

    name: str
    bounds: Bounds
    crowd: Callable[[float], float]
    memory: Memory = field(default_factory=Memory)
    viewers: dict[int, int] = field(default_factory=lambda: {0: 0})
    ready_at: dict[int, float] = field(default_factory=dict)
    waiting: int = 0
    said: list[tuple[float, str]] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    moved: int = 0
    cut: int = 0

    def cpu(self, n: int) -> float:
        return min(1.0, _PER_SERVER + _PER_VIEWER * self.viewers[n])

    @property
    def total(self) -> int:
        return sum(self.viewers.values())

    @property
    def edges(self) -> int:
        return len(self.viewers) - 1


@dataclass(frozen=True)
class Moment:
    """What one step has come to, by building in their order."""

    at: float
    viewers: tuple[int, ...]
    servers: tuple[int, ...]
    waiting: tuple[int, ...]
    machine: float


@dataclass
class Day:
    """The machine with its buildings; the laws are held by ``tests/rooms/control/test_day.py``."""

    buildings: list[Building]
    chance: random.Random = field(default_factory=lambda: random.Random(12))
    moments: list[Moment] = field(default_factory=list)

    def play(self) -> Iterator[Moment]:
        """Live through the day, step by step."""
        for step in range(int(DAY_S / STEP_S)):
            now = step * STEP_S
            machine = self._machine(now)
            for building in self.buildings:
                self._people(building, now, machine)
                self._decide(building, now, machine)
            moment = Moment(
                now,
                tuple(one.total for one in self.buildings),
                tuple(1 + len(one.memory.staying) for one in self.buildings),
                tuple(one.waiting for one in self.buildings),
                machine.cpu,
            )
            self.moments.append(moment)
            yield moment

    def _machine(self, now: float) -> MachineLoad:
        used = sum(one.cpu(n) for one in self.buildings for n in one.viewers) / CORES
        used += 0.7 if BACKUP[0] <= now < BACKUP[1] else 0.05 + 0.02 * self.chance.random()
        return MachineLoad(min(1.0, used), 0.4)

    def _people(self, building: Building, now: float, machine: MachineLoad) -> None:
        """Let people come and go, and those on a draining server move."""
        if POWER_CUT[0] <= now < POWER_CUT[1]:
            building.viewers = dict.fromkeys(building.viewers, 0)
            building.ready_at = dict.fromkeys(building.viewers, POWER_CUT[1] + START_S)
            building.waiting = 0
            return
        wanted = max(0, round(building.crowd(now) * (1 + 0.04 * (self.chance.random() - 0.5))))
        tight = taken(machine.cpu, CAP.cpu)
        for n in building.memory.leaving:
            for _ in range(min(building.viewers.get(n, 0), int(PER_SECOND * STEP_S))):
                if self._seat(building, now, tight=False):
                    building.viewers[n] -= 1
                    building.moved += 1
        building.waiting = 0
        for _ in range(min(_ARRIVALS, wanted - building.total)):
            if not self._seat(building, now, tight=tight):
                building.waiting = wanted - building.total
                break
        for _ in range(building.total - wanted):
            servers = [n for n, count in building.viewers.items() if count]
            weights = [building.viewers[n] for n in servers]
            building.viewers[self.chance.choices(servers, weights)[0]] -= 1

    def _seat(self, building: Building, now: float, *, tight: bool) -> bool:
        places = [
            Place(
                str(n),
                first=n == 0,
                ready=now >= building.ready_at.get(n, 0),
                draining=n in building.memory.leaving,
                viewers=count,
                usual=building.bounds.viewers_per_server,
                most=MOST,
                cpu=building.cpu(n),
            )
            for n, count in building.viewers.items()
        ]
        chosen = choose(places, tight=tight)
        if chosen is not None:
            building.viewers[int(chosen.id)] += 1
        return chosen is not None

    def _decide(self, building: Building, now: float, machine: MachineLoad) -> None:
        loads = tuple(
            ServerLoad(n, now >= building.ready_at.get(n, 0), count, building.cpu(n), MOST - count)
            for n, count in building.viewers.items()
        )
        free = LICENSES - sum(one.edges for one in self.buildings)
        signals = Signals(now, loads, building.bounds, machine=machine, cap=CAP, licenses=free)
        decision = decide(signals, building.memory)
        building.memory = decision.memory
        building.said += [(now, sentence.text) for sentence in decision.said]
        for n in decision.edges:
            if n not in building.viewers:
                building.viewers[n] = 0
                building.ready_at[n] = now + START_S
        for n in [n for n in building.viewers if n and n not in decision.edges]:
            building.cut += building.viewers.pop(n)
        building.sizes.append(1 + len(building.memory.staying))


def hill(at: float, width: float, height: float) -> Callable[[float], float]:
    """Return a crowd that comes within ``width`` hours around ``at`` o'clock and leaves again."""

    def crowd(now: float) -> float:
        distance = abs(now / 3600 - at) / width
        return height * max(0.0, 1 - distance**2)

    return crowd


def day() -> Day:
    """Return the day that is played."""

    def together(*parts: Callable[[float], float]) -> Callable[[float], float]:
        return lambda now: 6 + sum(part(now) for part in parts)

    return Day(
        [
            Building(
                "lenina-12",
                Bounds(1, 4, 150, 600),
                together(hill(8, 1.5, 380), hill(13, 4, 60), hill(18.5, 3, 190)),
            ),
            Building(
                "mira-7",
                Bounds(1, 4, 150, 600),
                together(hill(8.5, 1, 90), hill(20.5, 2.5, 620)),
            ),
        ]
    )


def chart(played: Day) -> Chart:
    """Return the day as a drawing: viewers, servers, those who wait, and the machine."""
    every = int(180 / STEP_S)
    picked = played.moments[::every]
    hours = [moment.at / 3600 for moment in picked]
    colours = ("#1d6fb8", "#c2571a")
    lines = []
    for index, building in enumerate(played.buildings):
        colour = colours[index]
        name = building.name
        lines += [
            Line(0, f"{name}: viewers", colour, hours, [one.viewers[index] for one in picked]),
            Line(0, f"{name}: in line", colour, hours,
                 [one.waiting[index] for one in picked], dashed=True),
            Line(1, f"{name}: media servers", colour, hours,
                 [one.servers[index] for one in picked], steps=True),
        ]  # fmt: skip
    lines.append(Line(2, "machine: processors, %", "#555555", hours,
                      [100 * one.machine for one in picked]))  # fmt: skip
    marks = [
        (POWER_CUT[0] / 3600, "power cut"),
        (BACKUP[0] / 3600, "backup"),
        (8.0, "morning"),
        (18.3, "party"),
    ]
    return Chart("A day of two buildings on one machine", 24, lines, marks)


def main() -> None:
    """Play the day, tell what was decided, and draw it."""
    played = day()
    for _ in played.play():
        pass
    for at, name, sentence in sorted(
        (at, one.name, sentence) for one in played.buildings for at, sentence in one.said
    ):
        print(f"{int(at // 3600):02}:{int(at % 3600 // 60):02}  {name:10} {sentence}")
    OUT.write_text(drawn(chart(played)), encoding="utf-8")
    print(f"{OUT} is drawn")


if __name__ == "__main__":
    main()
