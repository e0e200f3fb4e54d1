"""Values that must never be seen: they print as ``***`` wherever they end up."""

import re
from typing import Final

_USERINFO: Final = re.compile(r"(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]*://)[^/?#\s]*@")


class Secret:
    """A text that shows itself only to whoever calls :meth:`reveal`.

    Compares and hashes by value so that frozen models that hold it stay comparable.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the text itself; call it only where it leaves for the wire."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    def __str__(self) -> str:
        return "***"

    def __format__(self, spec: str) -> str:
        return format("***", spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __bool__(self) -> bool:
        return bool(self._value)


def redact(text: str) -> str:
    """Replace the user and password of every URL in ``text`` by ``***``."""
    return _USERINFO.sub(r"\g<scheme>***@", text)
