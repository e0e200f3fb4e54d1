"""In which language the technician's commands speak, and their own words in it.

``words.ru.json`` and ``words.en.json`` beside this file hold what only the commands say; what the
gateway says by a code is said as on its pages (``web/i18n/gateway.*.json``).
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from gateway.model.errors import ErrorKind, GatewayError
from gateway.saying import Sayings, filled, texts

LANGUAGES: Final = ("en", "ru")
_VARIABLES: Final = ("LC_ALL", "LC_MESSAGES", "LANG")
_PLAIN: Final = frozenset({"", "c", "posix"})


class SpokenError(GatewayError):
    """A failure whose sentences are in the reader's language; ``label`` stands before the hint."""

    def __init__(self, kind: ErrorKind, message: str, hint: str, *, label: str) -> None:
        super().__init__(kind, message, hint)
        self.label = label


class Words(Sayings):
    """The words of one language."""

    def __init__(self, language: str) -> None:
        super().__init__(language)
        self._own = texts(Path(__file__).with_name(f"words.{language}.json"))

    def say(self, key: str, **values: object) -> str:
        """Return one of the commands' own texts; raises KeyError when there is none."""
        return filled(self._own[key], values)

    def writable(self, encoding: str) -> bool:
        """Tell whether an encoding has the language's letters."""
        heads = "".join(text for key, text in self._own.items() if key.startswith("head."))
        return heads.encode(encoding, "ignore").decode(encoding) == heads

    def error(self, kind: ErrorKind, key: str, **values: object) -> SpokenError:
        """Return a failure of a command itself: ``error.<key>`` and what to do."""
        said, mend = self.say(f"error.{key}", **values), self.say(f"error.{key}.do", **values)
        return SpokenError(kind, said, mend, label=self.say("hint"))

    def spoken(self, found: GatewayError) -> SpokenError:
        """Return any failure as the reader is told it: the exact English comes beneath."""
        if isinstance(found, SpokenError):
            return found
        said = self.problem(found.reason) or self.problem(found.kind)
        if not said:
            return SpokenError(found.kind, found.message, found.hint, label=self.say("hint"))
        return SpokenError(found.kind, said, str(found), label=self.say("exact"))


def words_for(environment: Mapping[str, str]) -> Words:
    """Return the words of the terminal's language, English when it is none of ours.

    As in gettext, ``LANGUAGE`` is a list that wins, unless the locale is the plain C one.
    """
    locale = next((environment[name] for name in _VARIABLES if environment.get(name)), "")
    if _code(locale) in _PLAIN:
        return Words("en")
    wanted = (*environment.get("LANGUAGE", "").split(":"), locale)
    return Words(next((code for code in map(_code, wanted) if code in LANGUAGES), "en"))


def _code(locale: str) -> str:
    """Return ``ru`` of ``ru_RU.UTF-8``."""
    return re.split(r"[_.@]", locale, maxsplit=1)[0].lower()
