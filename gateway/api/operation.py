"""One operation of the API, as the OpenAPI document describes it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from gateway.api.schemas import Schema

JSON: Final = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one path.

    ``who`` may use it: ``anyone``, ``viewer`` (by the site's access), ``staff`` (of the site) or
    ``administrator``. ``answers`` holds by status the media type and the schema of JSON; an error
    is a problem everywhere. ``body`` is the media type and the schema that are taken. ``summary``
    stands for a handler whose own first line is none.
    """

    who: str
    answers: Mapping[int, tuple[str, Schema | None]]
    query: Mapping[str, Schema] = field(default_factory=dict)
    body: tuple[str, Schema | None] | None = None
    summary: str = ""


def in_json(schema: Schema, status: int = 200) -> dict[int, tuple[str, Schema | None]]:
    """Return the answer of a status that is JSON."""
    return {status: (JSON, schema)}
