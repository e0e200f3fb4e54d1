"""The two kinds of files, their keys, and their JSON Schema for editors."""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal, get_args

from pydantic import TypeAdapter
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import PydanticUndefined

from gateway.config.company_schema import GatewayKeys
from gateway.config.site_schema import Keys, SiteKeys

Kind = Literal["gateway", "site"]


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """One key: its path (``cameras[].id``), meaning, default and an example as YAML.

    ``default`` is empty where there is none; ``required`` keys must be written; ``choices`` are
    the values of a key that knows only a few; ``group`` marks a key that holds further keys.
    """

    path: str
    description: str
    default: str
    example: str
    required: bool
    choices: tuple[str, ...]
    group: bool


def model_of(kind: Kind) -> type[Keys]:
    """Return the model of a kind of file."""
    return GatewayKeys if kind == "gateway" else SiteKeys


def keys(kind: Kind) -> tuple[KeyInfo, ...]:
    """Return every key of a kind of file, in the order of the schema, parents first."""
    return tuple(_keys(model_of(kind), ""))


def _keys(model: type[Keys], prefix: str) -> Iterator[KeyInfo]:
    for name, field in model.model_fields.items():
        kinds = list(_parts(field.annotation))
        inner = next((part for part in kinds if _is_keys(part)), None)
        path = f"{prefix}{field.alias or name}"
        yield KeyInfo(
            path=path,
            description=field.description or "",
            default=_default(field),
            example=str((field.examples or [""])[0]),
            required=field.is_required(),
            choices=_choices(kinds),
            group=inner is not None,
        )
        if inner is not None:
            yield from _keys(inner, path + ("[]." if tuple in kinds else "."))


def _parts(annotation: Any) -> Iterator[Any]:
    """Yield the types that an annotation is made of."""
    yield getattr(annotation, "__origin__", annotation)
    for part in get_args(annotation):
        yield from _parts(part)


def _is_keys(part: Any) -> bool:
    return isinstance(part, type) and issubclass(part, Keys)


def _choices(parts: list[Any]) -> tuple[str, ...]:
    for part in parts:
        if isinstance(part, type) and issubclass(part, Enum):
            return tuple(str(choice.value) for choice in part)
        if part is bool:
            return ("true", "false")
    return ()


def _default(field: FieldInfo) -> str:
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    value = extra.get("default", field.default)
    if value is None or value is PydanticUndefined or isinstance(value, Keys) or value == ():
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value.value if isinstance(value, Enum) else value)


class _EditorSchema(GenerateJsonSchema):
    def encode_default(self, dft: Any) -> Any:
        """Keep defaults out of pydantic's serializer; :func:`_tidy` shows the useful ones."""
        return dft.value if isinstance(dft, Enum) else dft


def json_schema(kind: Kind) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a kind of file, for completion in editors."""
    schema = TypeAdapter(model_of(kind)).json_schema(schema_generator=_EditorSchema)
    tidy: dict[str, Any] = _tidy(schema)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **tidy}


def json_schema_text(kind: Kind) -> str:
    """Return the JSON Schema as the text that is kept beside the files."""
    return json.dumps(json_schema(kind), indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def _tidy(piece: Any) -> Any:
    """Drop what editors show as noise: titles, nulls, and defaults that say nothing."""
    if isinstance(piece, list):
        return [_tidy(item) for item in piece]
    if not isinstance(piece, dict):
        return piece
    kept = {
        key: {name: _tidy(value) for name, value in item.items()}
        if key in ("properties", "$defs")
        else _tidy(item)
        for key, item in piece.items()
        if not (key == "title" and isinstance(item, str))
        and not (key == "default" and not isinstance(item, str | int | float | bool))
    }
    variants = kept.get("anyOf")
    if isinstance(variants, list) and {"type": "null"} in variants:
        rest = [variant for variant in variants if variant != {"type": "null"}]
        del kept["anyOf"]
        kept.update(rest[0] if len(rest) == 1 else {"anyOf": rest})
    return kept


if __name__ == "__main__":
    sys.stdout.write(json_schema_text("gateway" if sys.argv[1:] == ["gateway"] else "site"))
