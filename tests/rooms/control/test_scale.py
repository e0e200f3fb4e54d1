"""How many media servers a site gets: a table of cases, and laws that hold for every load."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.control.scale import BUSY_S, DRAIN_S, Bounds, Decision, Memory, Signals, decide
from gateway.model.load import MachineLoad, ServerLoad

BOUNDS = Bounds(min_servers=1, max_servers=4, viewers_per_server=100, shrink_after_s=600)
IDLE = MachineLoad(0.1, 0.1)


def spread(total: int, numbers: Sequence[int]) -> tuple[ServerLoad, ...]:
    """Share viewers evenly, as the placement does."""
    each, rest = divmod(total, len(numbers))
    return tuple(ServerLoad(n, viewers=each + (i < rest)) for i, n in enumerate(numbers))


@dataclass
class House:
    """A site in virtual time whose runtime makes and removes at once what is decided."""

    bounds: Bounds = BOUNDS
    machine: MachineLoad | None = IDLE
    licenses: int | None = None
    now: float = 1000.0
    memory: Memory = field(default_factory=Memory)
    there: set[int] = field(default_factory=set)
    said: list[str] = field(default_factory=list)

    def tick(
        self,
        viewers: int,
        seconds: float = 2.0,
        *,
        cpu: float | None = None,
        ready: bool = True,
        late: float = 0.0,
    ) -> Decision:
        self.now += seconds
        staying = [0, *sorted(self.there - self.memory.leaving)]
        servers = (
            *(
                replace(one, cpu=cpu, ready=ready, degraded=late)
                for one in spread(viewers, staying)
            ),
            *(ServerLoad(n) for n in sorted(self.there & self.memory.leaving)),
        )
        free = None if self.licenses is None else self.licenses - len(self.there)
        signals = Signals(self.now, servers, self.bounds, machine=self.machine, licenses=free)
        decision = decide(signals, self.memory)
        self.memory, self.there = decision.memory, set(decision.edges)
        self.said += map(str, decision.said)
        return decision

    def stay(self, viewers: int, seconds: float, **signs: float) -> Decision:
        for _ in range(int(seconds / 2)):
            decision = self.tick(viewers, **signs)  # type: ignore[arg-type]  # only numbers are given
        return decision

    @property
    def size(self) -> int:
        return 1 + len(self.memory.staying)


def test_it_grows_before_it_is_full_and_says_why() -> None:
    house = House()
    house.stay(75, 60)
    assert house.size == 1, "three quarters are no need yet"
    house.tick(76)
    assert house.size == 1, "a moment is no need either"
    house.stay(76, BUSY_S + 2)
    assert house.size == 2
    assert house.said == [
        "grows from 1 to 2 media servers: 76 viewers are more than 75% of 1 x 100"
    ]


def test_a_party_gets_several_servers_at_once() -> None:
    house = House()
    house.stay(280, 8)
    assert house.there == {1, 2, 3}


def test_it_shrinks_after_a_calm_time_with_room_to_spare() -> None:
    house = House()
    house.stay(140, 10)
    assert house.size == 2
    house.stay(60, 1200)
    assert house.size == 2, "60 are more than half of one server"
    house.stay(50, 580)
    assert house.size == 2
    house.stay(90, 10)
    house.stay(50, 590)
    assert house.size == 2, "the calm begins anew after each disturbance"
    house.stay(50, 20)
    assert house.size == 1
    assert "2 media servers to" not in house.said[-1]
    assert house.said[1].startswith("goes from 2 to 1 media server: 50 viewers, and 1 have been")
    assert house.there == set()
    assert house.said[2].startswith("edge 1 has no viewers any more")


def test_an_edge_that_drains_is_kept_while_somebody_watches_and_no_longer_than_agreed() -> None:
    memory = Memory(edges=frozenset({1}), draining=((1, 100.0),))
    servers = (ServerLoad(0, viewers=3), ServerLoad(1, viewers=2))
    early = decide(Signals(100 + DRAIN_S - 1, servers, BOUNDS), memory)
    assert early.edges == (1,)
    assert early.draining == {1}
    late = decide(Signals(100 + DRAIN_S, servers, BOUNDS), memory)
    assert late.edges == ()
    assert "with 2 viewers, who have not moved within 180 s" in late.said[0].text


def test_an_edge_that_drains_is_taken_back_before_a_new_one_is_made() -> None:
    memory = Memory(edges=frozenset({1, 2}), draining=((1, 100.0),), busy_since=90.0)
    servers = (ServerLoad(0, viewers=90), ServerLoad(1, viewers=5), ServerLoad(2, viewers=90))
    decision = decide(Signals(101.0, servers, BOUNDS), memory)
    assert (decision.edges, decision.draining) == ((1, 2), frozenset())


@pytest.mark.parametrize(
    ("machine", "licenses", "word"),
    [
        (MachineLoad(0.85, 0.1), None, "more than 80% of the machine's processors are taken"),
        (MachineLoad(0.1, 0.9), None, "more than 80% of the machine's memory are taken"),
        (IDLE, 0, "no further licence is free"),
    ],
)
def test_what_hinders_growth_is_said_once(
    machine: MachineLoad, licenses: int | None, word: str
) -> None:
    house = House(machine=machine, licenses=licenses)
    house.stay(90, 60)
    house.stay(95, 60)
    assert house.size == 1
    assert house.said == [
        f"needs 2 media servers and has 1: {word} (90 viewers are more than 75% of 1 x 100)"
    ]


def test_a_licence_short_gives_what_there_is() -> None:
    house = House(licenses=1)
    house.stay(290, 60)
    assert house.there == {1}
    assert "needs 4 media servers and has 2: no further licence is free" in house.said[1]


def test_the_least_is_made_on_a_full_machine_too() -> None:
    house = House(bounds=replace(BOUNDS, min_servers=2), machine=MachineLoad(1.0, 0.5))
    house.tick(0)
    assert house.there == {1}
    assert house.said == ["grows from 1 to 2 media servers: the files ask for 2 at least"]


def test_a_smaller_maximum_drains_the_rest() -> None:
    house = House()
    house.stay(280, 8)
    house.bounds = replace(BOUNDS, max_servers=2)
    decision = house.tick(280)
    assert house.size == 2
    assert len(decision.draining) == 2


def test_a_hot_processor_grows_one_by_one() -> None:
    house = House()
    house.stay(10, 20, cpu=0.9)
    assert house.size == 2
    assert "the processor of the origin is at 90%" in house.said[0]
    house.stay(10, 20, cpu=0.9)
    assert house.size == 2, "the new one first takes over what it can"
    house.stay(10, 20, cpu=0.9)
    assert house.size == 3


def test_streams_that_come_too_late_grow_one_by_one_and_let_nobody_shrink() -> None:
    house = House()
    house.stay(10, 20, late=0.009)
    assert house.size == 1
    house.stay(10, 20, late=0.03)
    assert house.size == 2
    assert "the origin sends 3% of its streams too late" in house.said[0]
    house.stay(10, 20, late=0.03)
    assert house.size == 2, "the new one first takes over what it can"
    house.stay(10, 20, late=0.03)
    assert house.size == 3
    house.stay(10, 3 * BOUNDS.shrink_after_s, late=0.02)
    assert house.size == BOUNDS.max_servers
    house.stay(10, 40 * BOUNDS.shrink_after_s)
    assert house.size == 1


def test_a_relaxed_server_is_better_than_a_new_one() -> None:
    hot, cool = ServerLoad(0, cpu=0.95), ServerLoad(1, cpu=0.2)
    memory = Memory(edges=frozenset({1}), busy_since=0.0)
    assert decide(Signals(900.0, (hot, cool), BOUNDS), memory).edges == (1,)


def test_few_media_ports_count_as_few_places() -> None:
    house = House()
    origin = ServerLoad(0, viewers=16, ports_free=4)
    for _ in range(5):
        house.now += 2
        decision = decide(Signals(house.now, (origin,), BOUNDS), house.memory)
        house.memory = decision.memory
    assert decision.edges == (1,)


def test_a_restart_changes_nothing() -> None:
    house = House(there={1, 3})
    decision = house.tick(10)
    assert (decision.edges, decision.draining, decision.said) == ((1, 3), frozenset(), ())


def test_nothing_is_concluded_from_a_site_that_is_down() -> None:
    house = House()
    house.stay(140, 10)
    for _ in range(1000):
        house.tick(0, ready=False)
    assert house.size == 2
    house.stay(20, 500)
    assert house.size == 2, "the calm begins when something is seen again"


def test_who_has_shrunk_in_vain_becomes_patient() -> None:
    house = House()
    growths = []
    for _ in range(4):
        house.stay(90, 10)
        growths.append(house.now)
        while house.size > 1:
            house.tick(10)
    waits = [later - earlier for earlier, later in itertools.pairwise(growths)]
    assert waits[0] < waits[1] < waits[2]


bounds = st.builds(
    lambda low, more, per: Bounds(low, low + more, per, 600.0),
    st.integers(1, 3),
    st.integers(0, 5),
    st.integers(1, 300),
)
loads = st.integers(0, 3000)


@pytest.mark.slow
@given(bounds=bounds, crowds=st.lists(st.tuples(loads, st.integers(1, 40)), max_size=12))
@settings(max_examples=150, deadline=None)
def test_limits_are_kept_whatever_comes(bounds: Bounds, crowds: list[tuple[int, int]]) -> None:
    house = House(bounds=bounds, licenses=4)
    for viewers, ticks in crowds:
        for _ in range(ticks):
            house.tick(viewers, 30)
            assert house.size <= bounds.max_servers
            assert len(house.there) <= 4
            assert house.size >= min(bounds.min_servers, 5)


@pytest.mark.slow
@given(bounds=bounds, viewers=loads, cpu=st.floats(0, 1), before=st.integers(0, 8))
@settings(max_examples=200, deadline=None)
def test_a_steady_load_is_answered_once(
    bounds: Bounds, viewers: int, cpu: float, before: int
) -> None:
    house = House(bounds=bounds, there=set(range(1, before + 1)))
    total = cpu * (1 + before)
    sizes = []
    for _ in range(300):
        house.tick(viewers, 20, cpu=total / house.size)
        sizes.append(house.size)
    changes = sum(a != b for a, b in itertools.pairwise(sizes))
    directions = {a < b for a, b in itertools.pairwise(sizes) if a != b}
    assert len(directions) <= 1, sizes
    assert changes <= max(before, 8)
    assert len(set(sizes[-60:])) == 1


@pytest.mark.slow
@given(bounds=bounds, viewers=loads, more=st.integers(0, 500), before=st.integers(0, 5))
@settings(max_examples=200, deadline=None)
def test_more_viewers_never_get_fewer_servers(
    bounds: Bounds, viewers: int, more: int, before: int
) -> None:
    def settled(count: int) -> int:
        house = House(bounds=bounds, there=set(range(1, before + 1)))
        house.stay(count, 20)
        for _ in range(40):
            house.tick(count, 30)
        return house.size

    ask: Callable[[int], int] = settled
    assert ask(viewers) <= ask(viewers + more)
