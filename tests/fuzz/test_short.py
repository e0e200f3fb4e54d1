"""A few seconds of fuzzing for each target; ``make fuzz`` does it for as long as one likes."""

import pytest

from tests.fuzz.__main__ import fuzz
from tests.fuzz.targets import TARGETS

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_breaks_in_some_seconds(name: str) -> None:
    count, words = fuzz(name, 4, keep=False)
    assert not words, words
    assert count > 50
