"""Some thousand inputs for each target, always the same; ``make fuzz`` takes many more."""

import pytest

from tests.fuzz.__main__ import repeat
from tests.fuzz.targets import TARGETS

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_breaks_the_parser(name: str) -> None:
    run = repeat(name, 120, runs=2000)
    assert not run.words, run.words
    assert run.inputs > 50
