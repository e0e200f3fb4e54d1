"""What pydantic found wrong, said for people: ``file:line: key: what is wrong, what to write``."""

import difflib
import re
from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import ValidationError

from gateway.config.document import Document, DocumentError, Path, key_of
from gateway.config.schema import KeyInfo, Kind, keys
from gateway.kit.secret import redact
from gateway.model.company import Problem, Severity


def problem(
    file: str,
    document: Document,
    path: Path,
    message: str,
    severity: Severity = Severity.ERROR,
) -> Problem:
    """Return a problem at the place where ``path`` is written."""
    return Problem(file, document.line(path), key_of(path), message, severity)


def unreadable(file: str, error: DocumentError) -> Problem:
    """Return the problem of a text that is no document."""
    return Problem(file, error.line, key_of(error.path), error.message)


def explain(file: str, kind: Kind, document: Document, error: ValidationError) -> list[Problem]:
    """Return every problem of a file, in the order of its lines."""
    table = keys(kind)
    found = [_explain(file, document, table, detail) for detail in error.errors()]
    return in_order(found)


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Return problems by file and line, each once."""
    return sorted(set(problems), key=lambda item: (item.file, item.line, item.key, item.message))


def _explain(file: str, document: Document, table: Sequence[KeyInfo], detail: Any) -> Problem:
    path: Path = tuple(detail["loc"])
    kind = detail["type"]
    context = detail.get("ctx") or {}
    if kind == "extra_forbidden":
        return problem(file, document, path, _unknown(path, table))
    info = _info(path, table)
    if kind == "words":
        message = str(context["words"])
    elif kind == "missing":
        example = info.example if info else ""
        message = f"is missing; write for example {path[-1]}: {example}"
    elif kind in ("enum", "bool_parsing", "bool_type"):
        message = _choose(detail["input"], info.choices if info else ())
    else:
        message = _plain(kind, context, info)
    return problem(file, document, path, message)


def _pattern(path: Path) -> str:
    return re.sub(r"\[\d+\]", "[]", key_of(path))


def _info(path: Path, table: Sequence[KeyInfo]) -> KeyInfo | None:
    wanted = _pattern(path).removesuffix("[]")
    return next((info for info in table if info.path == wanted), None)


def _unknown(path: Path, table: Sequence[KeyInfo]) -> str:
    parent = _pattern(path[:-1]) + "." if len(path) > 1 else ""
    here = [
        info.path.removeprefix(parent)
        for info in table
        if info.path.startswith(parent) and not re.search(r"[.]", info.path.removeprefix(parent))
    ]
    word = str(path[-1])
    close = difflib.get_close_matches(word.replace("-", "_").lower(), here, n=1, cutoff=0.6)
    if close:
        return f"is unknown; did you mean {close[0]}?"
    elsewhere = [info.path for info in table if info.path.rpartition(".")[2] == word]
    if elsewhere:
        return f"does not belong here; write it as {elsewhere[0]}"
    return f"is unknown; known here: {', '.join(here)}"


def _choose(written: Any, choices: Sequence[str]) -> str:
    listed = f"must be {', '.join(choices[:-1])} or {choices[-1]}" if choices else "is not valid"
    if not isinstance(written, str):
        return listed
    close = difflib.get_close_matches(written.replace("-", "_").lower(), choices, n=1)
    return f"{listed}; did you mean {close[0]}?" if close else listed


def _plain(kind: str, context: dict[str, Any], info: KeyInfo | None) -> str:
    limits = {
        "greater_than_equal": "must be at least {ge}",
        "less_than_equal": "must be at most {le}",
        "greater_than": "must be more than {gt}",
        "too_long": "holds more than {max_length} entries",
    }
    example = f"; write for example {redact(info.example)}" if info and info.example else ""
    if kind in limits:
        return limits[kind].format(**context) + example
    if kind.startswith("int_"):
        return f"must be a whole number{example}"
    if kind.startswith(("float_", "finite_")):
        return f"must be a number{example}"
    if kind in ("tuple_type", "list_type"):
        return f"must be a list{example or ': - ...'}"
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        return "must be a mapping of keys to values"
    return f"is not valid{example}"
