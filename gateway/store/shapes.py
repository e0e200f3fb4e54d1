"""Frozen dataclasses as JSON, and back again: what an older or a newer version has written too."""

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

_T = TypeVar("_T")


def plain(value: Any) -> Any:
    """Return a value as JSON knows it; bytes are kept elsewhere and become null."""
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | frozenset):
        return [plain(item) for item in value]
    return None if isinstance(value, bytes) else value


def restored(kind: type[_T], data: Any) -> _T:
    """Return the dataclass that :func:`plain` has made ``data`` of.

    Keys that this version does not know are left out, those that are missing get their default.
    Raises ValueError for what is no ``kind``.
    """
    try:
        made: _T = _value(kind, data)
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"that is no {kind.__name__}") from error
    return made


def _value(kind: Any, data: Any) -> Any:
    origin = get_origin(kind)
    if origin is None:
        return _dataclass(kind, data) if is_dataclass(kind) else _scalar(kind, data)
    inner = get_args(kind)
    if origin is tuple:
        return tuple(_value(inner[0], item) for item in data)
    if origin is dict:
        return {key: _value(inner[1], item) for key, item in data.items()}
    # What is left is a type or None.
    return None if data is None else _value(inner[0], data)


def _scalar(kind: Any, data: Any) -> Any:
    if kind is datetime:
        return datetime.fromisoformat(data)
    if issubclass(kind, Enum):
        return kind(data)
    value = float(data) if kind is float and isinstance(data, int) else data
    if not isinstance(value, kind):
        raise TypeError(f"{type(data).__name__} is no {kind.__name__}")
    return value


def _dataclass(kind: Any, data: Mapping[str, Any]) -> Any:
    hints = _hints(kind)
    known = {one.name: one for one in fields(kind)}
    given = {name: _value(hints[name], data[name]) for name in known if name in data}
    return kind(**{name: value for name, value in given.items() if _fits(known[name], value)})


def _fits(one: "Field[Any]", value: Any) -> bool:
    """Tell whether a value may be given: null for a field that has a default means the default."""
    return value is not None or one.default is None or one.default is MISSING


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)
