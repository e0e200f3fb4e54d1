"""What the gateway says by a code, in a reader's language: as on its pages.

The sentences stand in ``web/i18n/gateway.*.json``. English needs none of them: the gateway's own
sentences, which know more, are English; so is what another language has no sentence for.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from gateway.model.probe import ProbeFailure, Reason
from gateway.model.remark import Remark
from gateway.webfolder import web_folder

_BLANK: Final = re.compile(r"\{(\w+)\}")
_HOUR_S: Final = 3600


class Sayings:
    """The gateway's sentences in one language (``en``, ``ru``)."""

    def __init__(self, language: str) -> None:
        self.language = language
        pages = web_folder() / "i18n" / f"gateway.{language}.json"
        self._coded = {} if language == "en" else texts(pages)

    def problem(self, code: str) -> str:
        """Return why something was not done, empty when the English has to do."""
        return self._sentence(f"problem.{code}") or self._sentence(f"cause.{code}")

    def cause(self, code: str, text: str, hint: str, about: str = "") -> tuple[str, str]:
        """Return why something is so, and what to do."""
        said = self._sentence(f"cause.{code}", about=about)
        return (said, self._sentence(f"cause.{code}.do", about=about)) if said else (text, hint)

    def failure(self, one: ProbeFailure) -> tuple[str, str]:
        """Return why no picture came, and what to do."""
        return self.cause(one.kind, one.message, one.hint)

    def advice(self, reason: Reason) -> tuple[str, str]:
        """Return what to know of a camera's video, and which setting to change."""
        values = {
            "value": self._span(reason.value) if reason.code == "clock" else reason.value,
            "wanted": reason.wanted,
            "stream": self._sentence(f"stream.{reason.stream}"),
        }
        said = self._sentence(f"advice.{reason.code}", **values)
        if not said:
            return reason.text, reason.setting
        # Residents get the second stream because of something that can be set in the main one.
        mended = reason.value if reason.code == "sub_instead" and reason.value else reason.code
        return said, self._sentence(f"advice.{mended}.do", **values)

    def mend(self, reason: Reason) -> str:
        """Return which setting of the camera to change, empty for none."""
        _, setting = self.advice(reason)
        return setting

    def remark(self, one: Remark) -> str:
        """Return a sentence for staff; ``why`` and ``but`` are codes of others, or of causes."""
        values = dict(one.values)
        inner = {name: values.pop(name, "") for name in ("why", "but")}
        said = {
            name: self._sentence(f"remark.{code}", **values) or self._sentence(f"cause.{code}")
            for name, code in inner.items()
        }
        if any(code and not said[name] for name, code in inner.items()):
            return one.text
        return self._sentence(f"remark.{one.code}", **values, **said) or one.text

    def _span(self, seconds: str) -> str:
        """Return the size of a clock's difference."""
        size = abs(float(seconds or 0))
        if size < _HOUR_S:
            return self._sentence("clock.seconds", value=f"{size:.0f}")
        return self._sentence("clock.hours", value=f"{size / _HOUR_S:.1f}")

    def _sentence(self, key: str, **values: object) -> str:
        return filled(self._coded.get(key, ""), values)


def filled(text: str, values: Mapping[str, object]) -> str:
    """Return a text with each ``{name}`` replaced by its value."""
    return _BLANK.sub(lambda found: str(values.get(found[1], found[0])), text)


def texts(path: Path) -> dict[str, str]:
    """Return the texts of a file; raises OSError."""
    found: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return found
