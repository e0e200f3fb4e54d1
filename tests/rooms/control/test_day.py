"""Laws of a whole day: two buildings, one machine, a morning, a power cut, a party, a backup."""

import re
from itertools import pairwise

import pytest

from tests.bench.day import BACKUP, LICENSES, MOST, OUT, POWER_CUT, Building, Day, chart, day
from tests.bench.svg import drawn

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def played() -> Day:
    """Play the day once, and hold what must hold at every moment."""
    made = day()
    for moment in made.play():
        for building in made.buildings:
            assert 1 <= 1 + len(building.memory.staying) <= building.bounds.max_servers
            assert max(building.viewers.values()) <= MOST, moment
        assert sum(one.edges for one in made.buildings) <= LICENSES, moment
    return made


def growths(building: Building) -> list[float]:
    return [at for at, sentence in building.said if sentence.startswith("grows")]


def shrinks(building: Building) -> list[float]:
    return [at for at, sentence in building.said if sentence.startswith("goes from")]


def test_nobody_flaps(played: Day) -> None:
    for building in played.buildings:
        changes = [(at, 1) for at in growths(building)] + [(at, -1) for at in shrinks(building)]
        changes.sort()
        turns = [(one, two) for one, two in pairwise(changes) if one[1] != two[1]]
        assert len(turns) <= 3, "a morning and an evening, up and down"
        for one, two in turns:
            assert two[0] - one[0] >= building.bounds.shrink_after_s
        assert len(building.said) < 25, "the diary of a day stays readable"


def test_each_decision_is_a_sentence_with_its_numbers(played: Day) -> None:
    for building in played.buildings:
        for _, sentence in building.said:
            assert re.search(r"\d", sentence)
            assert len(sentence) < 160


def test_the_morning_gets_its_servers_in_time_and_gives_them_back(played: Day) -> None:
    lenina = played.buildings[0]
    morning = [moment for moment in played.moments if 6 * 3600 < moment.at < 10 * 3600]
    assert max(moment.servers[0] for moment in morning) == 4
    assert all(moment.waiting[0] == 0 for moment in morning)
    noon = next(moment for moment in played.moments if moment.at == 12 * 3600)
    assert noon.servers == (1, 1)
    assert growths(lenina)[0] < 7 * 3600


def test_a_power_cut_changes_no_size(played: Day) -> None:
    before, after = (
        next(moment.servers for moment in played.moments if moment.at >= at)
        for at in (POWER_CUT[0] - 10, POWER_CUT[1] + 60)
    )
    assert before == after
    for building in played.buildings:
        assert not [at for at, _ in building.said if POWER_CUT[0] <= at <= POWER_CUT[1] + 30]


def test_the_party_takes_no_licence_and_no_machine_from_the_neighbours(played: Day) -> None:
    mira = played.buildings[1]
    words = " ".join(sentence for _, sentence in mira.said)
    assert "no further licence is free" in words
    assert "more than 80% of the machine's processors are taken" in words
    for building in played.buildings:
        assert not [at for at in growths(building) if BACKUP[0] <= at < BACKUP[1]]
    dark = (POWER_CUT[0], POWER_CUT[1] + 60)
    lit = [moment for moment in played.moments if not dark[0] <= moment.at <= dark[1]]
    assert all(moment.waiting[0] == 0 for moment in lit), "nobody waits at lenina-12"
    assert any(moment.waiting[1] for moment in lit), "and some do at the party"
    assert [at for at in growths(mira) if at > BACKUP[1]], "a licence that is given back is used"


def test_everybody_goes_home_and_nobody_was_cut_off(played: Day) -> None:
    assert played.moments[-1].servers == (1, 1)
    assert [one.edges for one in played.buildings] == [0, 0]
    assert sum(one.moved for one in played.buildings) > 30
    assert [one.cut for one in played.buildings] == [0, 0]


def test_the_drawing_is_that_of_this_day(played: Day) -> None:
    assert OUT.read_text(encoding="utf-8") == drawn(chart(played)), "python -m tests.bench.day"
    assert OUT.stat().st_size < 200_000
