"""Where a viewer is sent: pure, so a table says it all."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.control.facts import Facts, ServerFacts, Size
from gateway.control.placement import Place, choose, places, room, surplus
from gateway.model.load import ServerLoad
from gateway.model.server import Role, ServerObserved, ServerState
from tests.rooms.control.world import site


def origin(viewers: int = 0, **more: object) -> Place:
    return Place("o", first=True, viewers=viewers, usual=100, **more)  # type: ignore[arg-type]  # keys of a Place


def edge(name: str = "e", viewers: int = 0, **more: object) -> Place:
    return Place(name, viewers=viewers, usual=100, **more)  # type: ignore[arg-type]  # keys of a Place


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        ([origin(49), edge()], "o"),
        ([origin(50), edge()], "e"),
        ([origin(50), edge("a", 20), edge("b", 20)], "a"),
        ([origin(50), edge("a", 20, draining=True), edge("b", 60)], "o"),
        ([origin(50), edge("a", ready=False)], "o"),
        ([origin(10, cpu=0.8), edge("a", 40)], "a"),
        ([origin(10, cpu=0.6), edge("a", 0)], "o"),
        ([origin(500), edge("a", 120)], "a"),
        ([origin(500), edge("a", 500)], None),
        ([origin(3, cpu=0.97)], None),
        ([origin(ready=False)], None),
        ([], None),
    ],
)
def test_the_place_of_the_next_viewer(places: list[Place], expected: str | None) -> None:
    chosen = choose(places)
    assert (None if chosen is None else chosen.id) == expected


def test_on_a_full_machine_nobody_gets_more_than_the_usual() -> None:
    places = [origin(100), edge("a", 99)]
    assert room(places) == 400 + 401
    assert room(places, tight=True) == 1
    chosen = choose(places, tight=True)
    assert chosen is not None
    assert chosen.id == "a"
    assert choose([origin(100), edge("a", 100)], tight=True) is None


def test_plays_that_the_last_look_has_not_seen_count() -> None:
    loads = {"s.edge1": ServerLoad(1, viewers=0, ports_free=9, cpu=0.5)}
    size = Size(draining=frozenset({"s.edge1"}), loads=loads)
    servers = tuple(
        ServerFacts(
            ServerObserved(name, "s", Role.EDGE, ServerState.RUNNING, "", datetime.now(UTC)),
            asked=True,
        )
        for name in ("s", "s.edge1")
    )
    seen = places(site("s"), Facts("s", servers, size=size), most=500, begun={"s": 5})
    assert seen == [
        Place("s", first=True, viewers=5, usual=200, most=500),
        Place("s.edge1", draining=True, usual=200, most=9, cpu=0.5),
    ]


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        ([origin(130), edge("a", 20)], {"o": 30}),
        ([origin(300), edge("a", 20)], {"o": 55}),
        ([origin(100), edge("a", 20)], {}),
        ([origin(130), edge("a", 80)], {}),
        ([origin(130)], {}),
        ([origin(50, cpu=0.9), edge("a", 0)], {"o": 5}),
        ([origin(50, cpu=0.9), edge("a", 0, cpu=0.9)], {}),
        ([origin(130, draining=True), edge("a", 0)], {}),
        ([origin(130), edge("a", 0, draining=True)], {}),
    ],
)
def test_a_crowded_server_lets_some_go_where_there_is_room(
    places: list[Place], expected: dict[str, int]
) -> None:
    assert surplus(places) == expected


@given(st.lists(st.integers(0, 300), min_size=2, max_size=5), st.integers(1, 400))
def test_a_crowd_ends_up_evenly_spread(viewers: list[int], crowd: int) -> None:
    places = [Place(str(n), first=n == 0, viewers=v, usual=100) for n, v in enumerate(viewers)]
    for _ in range(crowd):
        chosen = choose(places)
        assert chosen is not None
        grown = Place(chosen.id, first=chosen.first, viewers=chosen.viewers + 1, usual=100)
        places = [grown if place.id == chosen.id else place for place in places]
    low = min(place.viewers for place in places)
    for before, place in zip(viewers, places, strict=True):
        if place.viewers > before and not (place.first and place.viewers <= 50):
            assert place.viewers <= low + 1, "nobody was sent to a fuller server"
