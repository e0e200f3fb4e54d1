"""How many media servers a site should have, and which of them go. Pure.

It grows before a server is full and shrinks after a calm time only: what makes it grow
(``GROW_AT``, ``HOT``) lies well above what lets it shrink (``CALM_AT``, ``COOL``), and the number
that it needs is never above the number that it keeps, so a load that does not change is answered
once. All times are monotonic seconds. What it remembers goes in and comes out as a value; a
gateway that starts anew begins with the edges that it finds.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from gateway.control import scale_words as words
from gateway.model.company import Machine
from gateway.model.load import MachineLoad, ServerLoad
from gateway.model.remark import NOTHING, Remark

GROW_AT: Final = 0.75
"""Share of ``viewers_per_server`` above which one more server is needed."""

CALM_AT: Final = 0.5
"""Share of ``viewers_per_server`` that the servers which stay may have after a shrink."""

HOT: Final = 0.7
"""Processor share of a server from which viewers had better go elsewhere."""

COOL: Final = 0.5
"""Processor share that the servers which stay may have after a shrink."""

DEGRADED: Final = 0.01
"""Share of streams sent too late that counts as strain."""

BUSY_S: Final = 5.0
"""How long the need must last: a page that is loaded twice is no crowd."""

SETTLE_S: Final = 30.0
"""How long a new server may take over load before strain asks for another."""

DRAIN_S: Final = 180.0
"""How long the viewers of a draining server may stay."""

_MOST_PATIENCE: Final = 8


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the files allow a site."""

    min_servers: int = 1
    max_servers: int = 1
    viewers_per_server: int = 200
    shrink_after_s: float = 600.0


@dataclass(frozen=True, slots=True)
class Signals:
    """What a decision rests on.

    ``servers`` are those that the site has, the origin as number 0. ``licenses`` is how many more
    edges can have one, ``None`` when edges need none. ``cap`` is what may be taken of the machine.
    """

    now: float
    servers: tuple[ServerLoad, ...]
    bounds: Bounds
    machine: MachineLoad | None = None
    cap: Machine = field(default_factory=Machine)
    licenses: int | None = None


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered between two decisions; ``edges`` is ``None`` before the first one.

    ``draining`` pairs an edge with the time since when. ``calm_most`` is the largest number of
    servers that was needed since ``calm_since``. ``patience`` makes calm times longer for a site
    that has shrunk in vain. ``told`` is the hindrance that was said last.
    """

    edges: frozenset[int] | None = None
    draining: tuple[tuple[int, float], ...] = ()
    busy_since: float | None = None
    calm_since: float | None = None
    calm_most: int = 1
    grown: float = -math.inf
    shrunk: float = -math.inf
    patience: int = 1
    told: str = ""

    @property
    def staying(self) -> frozenset[int]:
        """The edges that take viewers."""
        return (self.edges or frozenset()) - self.leaving

    @property
    def leaving(self) -> frozenset[int]:
        """The edges that drain."""
        return frozenset(n for n, _ in self.draining)


@dataclass(frozen=True, slots=True)
class Decision:
    """The edges that are wanted now, those that drain among them, and why."""

    memory: Memory
    said: tuple[Remark, ...] = ()

    @property
    def edges(self) -> tuple[int, ...]:
        """The numbers of the wanted edges."""
        return tuple(sorted(self.memory.edges or ()))

    @property
    def draining(self) -> frozenset[int]:
        """Those of them that take no new viewers."""
        return self.memory.leaving


def decide(signals: Signals, memory: Memory) -> Decision:
    """Return what a site needs, in the light of what was decided before."""
    if memory.edges is None:
        found = frozenset(server.n for server in signals.servers if server.n > 0)
        memory = replace(memory, edges=found)
    memory, gone = _see_out(signals, memory)
    current = 1 + len(memory.staying)
    bounds = signals.bounds
    if current > bounds.max_servers:
        why = words.at_most(bounds.max_servers)
        return _with(gone, _shrink(signals, memory, bounds.max_servers, why))
    if current < bounds.min_servers:
        why = words.at_least(bounds.min_servers)
        return _with(gone, _grow(signals, memory, bounds.min_servers, why))
    if not any(server.n == 0 and server.ready for server in signals.servers):
        # Nobody can watch without the origin: what is not seen is no reason to go or to come.
        return Decision(replace(memory, busy_since=None, calm_since=None), gone)
    return _with(gone, _by_load(signals, memory, current))


def needed(signals: Signals, memory: Memory) -> tuple[int, Remark]:
    """Return how many servers the load needs, whatever is allowed, and why it needs more."""
    viewers, per = _viewers(signals), _per_server(signals)
    current = 1 + len(memory.staying)
    by_viewers = max(1, math.ceil(viewers / (GROW_AT * per)))
    if by_viewers > current:
        return by_viewers, words.many_viewers(viewers, GROW_AT, current, per)
    strain = _strain(signals, memory)
    return (current + 1, strain) if strain else (by_viewers, NOTHING)


def kept(signals: Signals) -> int:
    """Return the fewest servers that carry the load with room to spare."""
    viewers, per = _viewers(signals), _per_server(signals)
    cpu = sum(server.cpu or 0.0 for server in signals.servers if server.ready)
    return max(1, math.ceil(viewers / (CALM_AT * per)), math.ceil(cpu / COOL))


def taken(used: float, most: float) -> bool:
    """Tell whether a share of the machine has reached its cap; a cap of 1 is none."""
    return used >= most and most < 1


def _by_load(signals: Signals, memory: Memory, current: int) -> Decision:
    bounds, now = signals.bounds, signals.now
    need, why = needed(signals, memory)
    if need > current:
        busy = now if memory.busy_since is None else memory.busy_since
        memory = replace(memory, busy_since=busy, calm_since=None)
        if now - busy < BUSY_S:
            return Decision(memory)
        return _grow(signals, memory, need, why)
    memory = replace(memory, busy_since=None)
    enough = max(kept(signals), bounds.min_servers)
    late = any(one.degraded >= DEGRADED for one in signals.servers)
    if enough >= current or late:
        return Decision(replace(memory, calm_since=None))
    calm_since = memory.calm_since
    if calm_since is None:
        # Only now: a load that wavers about the limit is not told of again and again.
        return Decision(replace(memory, calm_since=now, calm_most=enough, told=""))
    most = max(enough, memory.calm_most)
    memory = replace(memory, calm_most=most)
    calm = now - calm_since
    if calm < bounds.shrink_after_s * memory.patience:
        return Decision(memory)
    why = words.calm(_viewers(signals), most, calm / 60)
    if now - memory.grown > 6 * bounds.shrink_after_s * memory.patience:
        memory = replace(memory, patience=1)
    return _shrink(signals, replace(memory, shrunk=now), most, why)


def _grow(signals: Signals, memory: Memory, need: int, why: Remark) -> Decision:
    """Take back edges that drain first, then make new ones, as far as one may."""
    current, bounds = 1 + len(memory.staying), signals.bounds
    target, hindrance = min(need, bounds.max_servers), NOTHING
    if target < need:
        hindrance = words.at_most(bounds.max_servers)
    back = sorted(memory.leaving)[: max(0, target - current)]
    new, block = _allowed(signals, current + len(back), target)
    hindrance = block or hindrance
    free = (n for n in range(1, bounds.max_servers + len(memory.leaving) + 1))
    unused = [n for n in free if n not in (memory.edges or frozenset())][:new]
    grown = current + len(back) + len(unused)
    said: list[Remark] = []
    if hindrance and hindrance.text != memory.told:
        said.append(words.short(need, grown, hindrance, why))
    memory = replace(memory, told=hindrance.text)
    if grown == current:
        return Decision(memory, tuple(said))
    said.insert(0, words.grows(current, grown, why))
    soon = 3 * bounds.shrink_after_s * memory.patience
    vain = signals.now - memory.shrunk < soon
    return Decision(
        replace(
            memory,
            edges=(memory.edges or frozenset()) | set(unused),
            draining=tuple(pair for pair in memory.draining if pair[0] not in back),
            busy_since=None,
            calm_since=None,
            grown=signals.now,
            patience=min(_MOST_PATIENCE, 2 * memory.patience) if vain else memory.patience,
        ),
        tuple(said),
    )


def _allowed(signals: Signals, current: int, target: int) -> tuple[int, Remark]:
    """Return how many new edges may be made on the way to ``target``, and what forbids more."""
    want = max(0, target - current)
    machine, cap = signals.machine, signals.cap
    floor = max(0, signals.bounds.min_servers - current)
    if machine is not None and want > floor:
        for name, used, most in (
            ("processors", machine.cpu, cap.cpu),
            ("memory", machine.memory, cap.memory),
        ):
            if taken(used, most):
                return floor, words.machine_taken(name, most)
    if signals.licenses is not None and want > signals.licenses:
        return signals.licenses, words.NO_LICENCE
    return want, NOTHING


def _shrink(signals: Signals, memory: Memory, target: int, why: Remark) -> Decision:
    current = 1 + len(memory.staying)
    loads = {server.n: server for server in signals.servers}

    def cost(n: int) -> tuple[int, int]:
        load = loads.get(n)
        return (load.viewers if load is not None and load.ready else 0), -n

    going = sorted(sorted(memory.staying, key=cost)[: current - target])
    moved = sum(cost(n)[0] for n in going)
    said = words.goes(current, target, why, edges=going, moved=moved)
    draining = (*memory.draining, *((n, signals.now) for n in going))
    return Decision(replace(memory, draining=draining, calm_since=None, busy_since=None), (said,))


def _see_out(signals: Signals, memory: Memory) -> tuple[Memory, tuple[Remark, ...]]:
    """Let go of the edges that have drained, and of those whose time is over."""
    loads = {server.n: server for server in signals.servers}
    gone: set[int] = set()
    said: list[Remark] = []
    for n, since in memory.draining:
        load, waited = loads.get(n), signals.now - since
        # Somebody may be on the way to it until the last look at the world is old enough.
        if load is None or (load.ready and load.viewers == 0 and waited >= BUSY_S):
            gone.add(n)
            said.append(words.drained(n, waited))
        elif waited >= DRAIN_S:
            gone.add(n)
            said.append(words.overdue(n, load.viewers, DRAIN_S))
    edges = (memory.edges or frozenset()) - gone
    draining = tuple(pair for pair in memory.draining if pair[0] not in gone)
    return replace(memory, edges=edges, draining=draining), tuple(said)


def _strain(signals: Signals, memory: Memory) -> Remark:
    """Say what strains every server that takes viewers; a relaxed one means no need to grow."""
    if signals.now - memory.grown < SETTLE_S:
        return NOTHING
    loads = {server.n: server for server in signals.servers}
    staying = [loads.get(n) for n in (0, *sorted(memory.staying))]
    strains = [_strained(one) for one in staying]
    return strains[0] if all(strains) else NOTHING


def _strained(load: ServerLoad | None) -> Remark:
    if load is None or not load.ready:
        return NOTHING
    if load.cpu is not None and load.cpu >= HOT:
        return words.hot(load.n, load.cpu)
    return words.late(load.n, load.degraded) if load.degraded >= DEGRADED else NOTHING


def _viewers(signals: Signals) -> int:
    return sum(server.viewers for server in signals.servers if server.ready)


def _per_server(signals: Signals) -> int:
    """Return how many viewers a server is meant for: fewer where it has not the ports."""
    ports = (one.viewers + one.ports_free for one in _ready(signals) if one.ports_free is not None)
    return max(1, min((signals.bounds.viewers_per_server, *ports)))


def _ready(signals: Signals) -> Iterable[ServerLoad]:
    return (server for server in signals.servers if server.ready)


def _with(said: tuple[Remark, ...], decision: Decision) -> Decision:
    return replace(decision, said=(*said, *decision.said)) if said else decision
