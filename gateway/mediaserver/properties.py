"""A file of ``key=value`` lines, as Web Call Server has it (``conf/flashphoner.properties``)."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from gateway.model.errors import ErrorKind, GatewayError

T = TypeVar("T")


class Properties:
    """``key=value`` lines, read out one by one with errors that name file, line and key."""

    def __init__(self, text: str, file: Path, home: Path) -> None:
        self._path = file
        self._home = home
        self._values: dict[str, tuple[int, str]] = {}
        self._asked: set[str] = set()
        for number, raw in enumerate(text.splitlines(), start=1):
            line = raw.strip()
            if not line or line[0] in "#!":
                continue
            key, separator, value = line.partition("=")
            if not separator:
                raise self._error(number, line.split()[0], "a line must read key=value")
            self._values[key.strip()] = (number, value.strip())

    def read(self, key: str, convert: Callable[[str], T], default: T, wants: str) -> T:
        """Return ``key`` converted; an empty or absent value is ``default``."""
        self._asked.add(key)
        number, value = self._values.get(key, (0, ""))
        if not value:
            return default
        try:
            return convert(value)
        except (ValueError, KeyError) as error:
            raise self._error(number, key, f"write {wants}") from error

    def secret(self, key: str) -> str:
        """Return the content of the file that ``key`` names, or an empty text."""
        name = self.read(key, str, "", "a file name")
        if not name:
            return ""
        try:
            content = (self._home / name).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise self._error(self._values[key][0], key, "the file cannot be read") from error
        if not content:
            raise self._error(self._values[key][0], key, "the file is empty")
        return content

    def file(self, key: str) -> Path | None:
        """Return where the file is that ``key`` names; nobody has looked whether it is there."""
        name = self.read(key, str, "", "a file name")
        return self._home / name if name else None

    def refuse_unknown(self) -> None:
        """Raise for an ``embedded.*`` name that nobody has asked for."""
        for key, (number, _) in self._values.items():
            if key.startswith("embedded.") and key not in self._asked:
                known = ", ".join(sorted(k for k in self._asked if k.startswith("embedded.")))
                raise self._error(number, key, f"unknown; the names are {known}")

    def _error(self, line: int, key: str, what: str) -> GatewayError:
        return GatewayError(
            ErrorKind.CONFIG_INVALID, f"{self._path}:{line}: {key}: {what}", "correct this line"
        )
