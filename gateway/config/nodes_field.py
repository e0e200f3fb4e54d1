"""The key ``nodes``: which nodes of a Swarm media servers may run on, by the labels that they have.

A Swarm compares labels with ``==``; what it takes as name and value of one is written here.
"""

import re
from typing import Annotated, Any, Final

from pydantic import PlainValidator, WithJsonSchema

from gateway.config.fields import wrong

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,62}")
_VALUE: Final = re.compile(r"[A-Za-z0-9_.-]{1,63}")
_MOST: Final = 8


def _labels(data: Any) -> tuple[tuple[str, str], ...]:
    if not isinstance(data, dict):
        raise wrong("must name labels of nodes; write {lan: north}")
    if len(data) > _MOST:
        raise wrong(f"names more than {_MOST} labels")
    return tuple(sorted(_label(name, value) for name, value in data.items()))


def _label(name: Any, value: Any) -> tuple[str, str]:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise wrong("must name labels by letters, digits, dots and dashes; write {lan: north}")
    # YAML reads true and 3 as no text, and `docker node update --label-add` as one.
    written = str(value).lower() if isinstance(value, bool | int) else value
    if not isinstance(written, str) or not _VALUE.fullmatch(written):
        raise wrong(f"has no value for {name} of letters, digits, dots and dashes")
    return name, written


NodeLabels = Annotated[
    tuple[tuple[str, str], ...],
    PlainValidator(_labels),
    WithJsonSchema(
        {
            "type": "object",
            "additionalProperties": {"type": ["string", "integer", "boolean"]},
            "maxProperties": _MOST,
        }
    ),
]
