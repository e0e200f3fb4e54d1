"""Slopes of made-up series: what is flat is called flat, and what grows is found in noise."""

import json
import random
from pathlib import Path

import pytest

from tests.soak.report import rows
from tests.soak.slope import theil_sen, together


def noisy(growth: float, *, seed: int = 1) -> tuple[list[float], list[float]]:
    """Return half an hour of minutes: a level, growth an hour, noise of a few pages."""
    chance = random.Random(seed)
    x = [minute / 60 for minute in range(30)]
    return x, [40_000 + growth * hour + chance.gauss(0, 20) for hour in x]


def test_noise_is_flat_and_a_leak_is_found_in_it() -> None:
    flat, leak = theil_sen(*noisy(0)), theil_sen(*noisy(600))
    assert flat.low < 0 < flat.high
    assert leak.low > 0
    assert leak.low < 600 < leak.high


def test_some_wild_minutes_move_nothing() -> None:
    x, y = noisy(0)
    for wild in (3, 11, 28):
        y[wild] += 5000
    assert abs(theil_sen(x, y).value) < 100


def test_a_count_that_never_moves_has_no_slope_at_all() -> None:
    found = theil_sen([0, 1, 2, 3], [21, 21, 21, 21])
    assert (found.value, found.low, found.high) == (0, 0, 0)
    with pytest.raises(ValueError, match="three points"):
        theil_sen([0, 1], [1, 2])


def test_runs_speak_together() -> None:
    agree, differ = together([100, 110, 90, 105]), together([300, -280, 20, -60])
    assert agree.low > 0
    assert differ.low < 0 < differ.high


@pytest.mark.parametrize(("growth", "flat"), [(0, True), (4000, False)])
def test_the_table_tells_a_leak_from_none(tmp_path: Path, growth: float, *, flat: bool) -> None:
    chance, files = random.Random(5), []
    for run in range(3):
        samples = [
            {
                "at": at,
                "of": {
                    "gateway": {
                        "uss_kb": 60_000 + growth * at / 3600 + chance.gauss(0, 20),
                        "descriptors": 38 + (at % 3 == 0),
                    }
                },
            }
            for at in range(0, 3600, 10)
        ]
        files.append(tmp_path / f"run-{run}.jsonl")
        files[-1].write_text("\n".join(map(json.dumps, samples)))
    memory, descriptors = rows(files)
    assert (memory.measure, memory.flat) == ("uss_kb", flat)
    assert (descriptors.measure, descriptors.flat) == ("descriptors", True)
