"""A name that people read, in the languages that the company wrote it in."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LocalText:
    """Texts by language code, in the order written; never empty."""

    texts: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, value: str | Mapping[str, str]) -> "LocalText":
        """Make one from a plain text (any language) or a mapping ``{"ru": ..., "en": ...}``."""
        if isinstance(value, str):
            return cls((("", value),))
        return cls(tuple(value.items()))

    def pick(self, language: str) -> str:
        """Return the text in ``language``, else the first one written."""
        for code, text in self.texts:
            if code == language:
                return text
        return self.texts[0][1]

    def as_json(self) -> dict[str, str]:
        """Return ``{language: text}``; a text without a language is keyed ``""``."""
        return dict(self.texts)
