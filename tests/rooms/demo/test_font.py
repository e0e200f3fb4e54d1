"""The cameras' own font draws Russian and English."""

import string

import numpy as np
import pytest

from gateway.demo.font import text_mask

RUSSIAN = [chr(code) for code in range(0x410, 0x430)] + ["\N{CYRILLIC CAPITAL LETTER IO}"]


@pytest.mark.parametrize("letter", [*RUSSIAN, *string.ascii_uppercase, *string.digits])
def test_every_letter_is_drawn(letter: str) -> None:
    assert not np.array_equal(text_mask(letter, 1), text_mask("?", 1))
    assert text_mask(letter, 1).any()


def test_small_letters_look_like_capitals() -> None:
    assert np.array_equal(text_mask("подъезд", 3), text_mask("ПОДЪЕЗД", 3))


def test_accents_fall_off_and_strangers_become_a_question_mark() -> None:
    assert np.array_equal(text_mask("é", 2), text_mask("E", 2))
    assert np.array_equal(text_mask("漢", 2), text_mask("?", 2))
