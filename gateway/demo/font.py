"""A small bitmap font, so that cameras can write their name without a font on the machine.

Capitals only, as the on-screen text of cameras usually is: Latin, Russian, digits and a few signs,
5 x 7 dots each, enlarged with round corners.
"""

import unicodedata
from typing import Final

import numpy as np
from numpy.typing import NDArray

# Seven rows from the top, five dots each, as hexadecimal numbers.
_LATIN: Final = {
    "A": "0E 11 11 1F 11 11 11",
    "B": "1E 11 11 1E 11 11 1E",
    "C": "0E 11 10 10 10 11 0E",
    "D": "1E 11 11 11 11 11 1E",
    "E": "1F 10 10 1E 10 10 1F",
    "F": "1F 10 10 1E 10 10 10",
    "G": "0E 11 10 17 11 11 0E",
    "H": "11 11 11 1F 11 11 11",
    "I": "0E 04 04 04 04 04 0E",
    "J": "07 02 02 02 02 12 0C",
    "K": "11 12 14 18 14 12 11",
    "L": "10 10 10 10 10 10 1F",
    "M": "11 1B 15 15 11 11 11",
    "N": "11 11 19 15 13 11 11",
    "O": "0E 11 11 11 11 11 0E",
    "P": "1E 11 11 1E 10 10 10",
    "Q": "0E 11 11 11 15 12 0D",
    "R": "1E 11 11 1E 14 12 11",
    "S": "0F 10 10 0E 01 01 1E",
    "T": "1F 04 04 04 04 04 04",
    "U": "11 11 11 11 11 11 0E",
    "V": "11 11 11 11 11 0A 04",
    "W": "11 11 11 15 15 15 0A",
    "X": "11 11 0A 04 0A 11 11",
    "Y": "11 11 11 0A 04 04 04",
    "Z": "1F 01 02 04 08 10 1F",
}
_RUSSIAN: Final = {
    "Б": "1F 10 10 1E 11 11 1E",
    "Г": "1F 10 10 10 10 10 10",
    "Д": "06 0A 0A 0A 0A 1F 11",
    "Ё": "0A 00 1F 10 1E 10 1F",
    "Ж": "15 15 0E 04 0E 15 15",
    "\N{CYRILLIC CAPITAL LETTER ZE}": "0E 11 01 06 01 11 0E",
    "И": "11 11 13 15 19 11 11",
    "Й": "0A 04 11 13 15 19 11",
    "Л": "07 09 09 09 09 09 11",
    "П": "1F 11 11 11 11 11 11",
    "\N{CYRILLIC CAPITAL LETTER U}": "11 11 11 0F 01 01 0E",
    "Ф": "04 0E 15 15 15 0E 04",
    "Ц": "12 12 12 12 12 1F 01",
    "Ч": "11 11 11 0F 01 01 01",
    "Ш": "15 15 15 15 15 15 1F",
    "Щ": "15 15 15 15 15 1F 01",
    "Ъ": "18 08 08 0E 09 09 0E",
    "Ы": "11 11 11 19 15 15 19",
    "\N{CYRILLIC CAPITAL LETTER SOFT SIGN}": "10 10 10 1E 11 11 1E",
    "Э": "0E 11 01 07 01 11 0E",
    "Ю": "12 15 15 1D 15 15 12",
    "Я": "0F 11 11 0F 05 09 11",
}
_SIGNS: Final = {
    "0": "0E 11 11 11 11 11 0E",
    "1": "04 0C 04 04 04 04 0E",
    "2": "0E 11 01 02 04 08 1F",
    "3": "1F 02 04 02 01 11 0E",
    "4": "02 06 0A 12 1F 02 02",
    "5": "1F 10 1E 01 01 11 0E",
    "6": "06 08 10 1E 11 11 0E",
    "7": "1F 01 02 04 08 08 08",
    "8": "0E 11 11 0E 11 11 0E",
    "9": "0E 11 11 0F 01 02 0C",
    " ": "00 00 00 00 00 00 00",
    ".": "00 00 00 00 00 0C 0C",
    ",": "00 00 00 00 0C 04 08",
    ":": "00 0C 0C 00 0C 0C 00",
    "-": "00 00 00 0E 00 00 00",
    "/": "01 01 02 04 08 10 10",
    "+": "00 04 04 1F 04 04 00",
    "(": "02 04 08 08 08 04 02",
    ")": "08 04 02 02 02 04 08",
    "«": "00 05 0A 14 0A 05 00",
    "»": "00 14 0A 05 0A 14 00",
    "№": "12 1A 1A 17 17 12 12",
    "#": "0A 0A 1F 0A 1F 0A 0A",
    "·": "00 00 00 0C 0C 00 00",
    "?": "0E 11 01 02 04 00 04",
}
# Russian capitals that look like Latin ones.
_ALIKE: Final = dict(zip("АВЕКМНОРСТХ", "ABEKMHOPCTX", strict=True))  # noqa: RUF001  # that is the point

Mask = NDArray[np.float32]
"""Coverage from 0 to 1, shape (height, width)."""


def text_mask(text: str, dot: int) -> Mask:
    """Return ``text`` in capitals, each dot ``dot`` pixels wide; shape (7 + 2, any) x ``dot``.

    Letters that the font lacks lose their accents, or become a question mark.
    """
    rows = [np.zeros((9, 1), np.float32)]
    for letter in text.upper():
        glyph = np.zeros((9, 6), np.float32)
        glyph[1:8, :5] = _dots(letter)
        rows.append(glyph)
    return _enlarge(np.concatenate(rows, axis=1), dot)


def _dots(letter: str) -> Mask:
    letter = _ALIKE.get(letter, letter)
    code = _LATIN.get(letter) or _RUSSIAN.get(letter) or _SIGNS.get(letter)
    if code is None:
        plain = _ALIKE.get(base := unicodedata.normalize("NFKD", letter)[:1], base)
        code = _LATIN.get(plain) or _RUSSIAN.get(plain) or _SIGNS.get(plain) or _SIGNS["?"]
    numbers = [int(row, 16) for row in code.split()]
    return np.array(
        [[(row >> (4 - column)) & 1 for column in range(5)] for row in numbers], np.float32
    )


def _enlarge(dots: Mask, factor: int) -> Mask:
    """Enlarge by linear interpolation, then harden the edge: corners come out round."""
    if factor == 1:
        return dots
    height, width = dots.shape
    across = (np.arange(width * factor) + 0.5) / factor - 0.5
    down = (np.arange(height * factor) + 0.5) / factor - 0.5
    wide = np.stack([np.interp(across, np.arange(width), row) for row in dots])
    tall = np.stack([np.interp(down, np.arange(height), column) for column in wide.T]).T
    hard = np.clip((tall - 0.5) * factor + 0.75, 0, 1)
    return hard.astype(np.float32)
