"""A sentence for staff that pages can say in other languages too."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Remark:
    """One sentence: ``text`` is the English for people.

    ``code`` is the same in one stable word, ``values`` are the names and figures that the sentence
    is made of. Pages have a sentence of their own for each code (``remark.<code>`` in
    ``web/i18n/gateway.*.json``). The values ``why`` and ``but`` are themselves codes, of
    a remark or of a cause. The empty remark says nothing.
    """

    code: str = ""
    text: str = ""
    values: tuple[tuple[str, str], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.text)

    def __str__(self) -> str:
        return self.text


NOTHING: Final = Remark()


def remark(code: str, text: str, **values: str) -> Remark:
    """Return a remark with its values by name."""
    return Remark(code, text, tuple(values.items()))
