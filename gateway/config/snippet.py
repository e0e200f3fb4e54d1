"""Small pieces of YAML: one value as the text that stands in a file."""

import re
from typing import Any, Final

import yaml

_PLAIN: Final = re.compile(r"[\w./][\w./ -]*(:[\w./-]+)*")
_LEADING_DOUBT: Final = re.compile(
    r"[-+.\d]+[\deE.:_-]*$|(true|false|yes|no|on|off|y|n|null)$", re.IGNORECASE
)


def scalar(value: Any, quote: str = "") -> str:
    """Return a text, number, truth value or ``None`` as YAML, in the given kind of quotes.

    Plain only where every reader of YAML, 1.1 or 1.2, sees the same text.
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    written = str(value)
    if quote == "'" and written.isprintable():
        return "'" + written.replace("'", "''") + "'"
    if quote != '"' and _is_plain(written):
        return written
    dumped: str = yaml.dump(
        written, default_style='"', allow_unicode=True, width=float("inf"), Dumper=yaml.SafeDumper
    )
    return dumped.strip()


def _is_plain(text: str) -> bool:
    if not _PLAIN.fullmatch(text) or text != text.strip() or _LEADING_DOUBT.fullmatch(text):
        # An address of four numbers is no number to anybody.
        return bool(re.fullmatch(r"\d+(\.\d+){3}(:\d+)?(/\d+)?", text))
    return True


def flow(value: Any) -> str:
    """Return any value in one line: ``{id: yard, name: {ru: Двор}}``."""
    if isinstance(value, dict):
        inner = ", ".join(f"{scalar(key)}: {flow(item)}" for key, item in value.items())
        return "{" + inner + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(flow(item) for item in value) + "]"
    # Inside brackets a colon, a comma or a bracket ends a plain text for some readers.
    doubtful = isinstance(value, str) and re.search(r"[:,\[\]{}]", value)
    return scalar(value, '"' if doubtful else "")


def line(value: Any) -> str:
    """Return any value as it stands behind the colon of a key on a line of its own."""
    return flow(value) if isinstance(value, dict | list | tuple) else scalar(value)


def block(value: dict[str, Any], indent: int) -> list[str]:
    """Return a mapping as lines, the first one without its indentation."""
    lines = [f"{scalar(key)}: {line(item)}" for key, item in value.items()]
    return [lines[0], *(" " * indent + item for item in lines[1:])]
