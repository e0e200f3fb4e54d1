"""Some thousand inputs for each target, always the same; ``make fuzz`` takes many more."""

import pytest

from tests.fuzz.__main__ import fuzz
from tests.fuzz.targets import TARGETS

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_breaks_the_parser(name: str) -> None:
    count, words = fuzz(name, 120, keep=False, runs=2000)
    assert not words, words
    assert count > 50
