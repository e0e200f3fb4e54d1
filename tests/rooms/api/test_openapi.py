"""The OpenAPI document says every route, and nothing that is not there.

That its schemas fit is held by every other test of this room: see ``described.py``.
"""

import re
from typing import Any

import pytest

from gateway.api.openapi import document, routes
from gateway.api.operations import OPERATIONS
from gateway.api.schemas import SCHEMAS
from tests.rooms.api.described import fits, wrong
from tests.rooms.api.stage import Stage


def references(piece: Any) -> set[str]:
    if isinstance(piece, dict):
        own = {piece["$ref"].rpartition("/")[2]} if "$ref" in piece else set()
        return own.union(*(references(value) for value in piece.values()))
    if isinstance(piece, list):
        return set[str]().union(*(references(value) for value in piece))
    return set()


def test_every_route_is_described_and_nothing_else(stage: Stage) -> None:
    served = {(method, path) for method, path, _ in routes(stage.app())}
    assert served == set(OPERATIONS)


def test_every_operation_has_a_name_and_a_summary_of_its_own(stage: Stage) -> None:
    found = [
        operation for path in document(stage.app())["paths"].values() for operation in path.values()
    ]
    assert len({operation["operationId"] for operation in found}) == len(found)
    for operation in found:
        assert re.match(r"[A-Z{].{10,}", operation["summary"]), operation


def test_every_schema_is_there_and_used(stage: Stage) -> None:
    assert references(document(stage.app())) == set(SCHEMAS)


async def test_the_document_is_served(stage: Stage, aiohttp_client: Any) -> None:
    app = stage.app()
    client = await aiohttp_client(app)
    response = await client.get("/api/v1/openapi.json")
    assert response.content_type == "application/json"
    assert (await response.json())["paths"].keys() == document(app)["paths"].keys()


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "integer"}, True),
        ({"type": "string", "enum": ["a"]}, "b"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, 1),
        ({"type": "array", "items": {"type": "string"}}, ["a", 1]),
        ({"type": "object", "required": ["a"]}, {}),
        ({"type": "object", "additionalProperties": False}, {"a": 1}),
        ({"type": "object", "additionalProperties": {"type": "number"}}, {"a": "1"}),
    ],
)
def test_the_judge_sees_what_does_not_fit(schema: dict[str, Any], value: object) -> None:
    assert list(fits({}, schema, value, "body"))


def test_the_judge_sees_answers_that_nobody_described(stage: Stage) -> None:
    whole = document(stage.app())
    one = ("GET", "/api/v1/session")
    assert wrong(whole, one, status=202, content_type="application/json", body=b"{}")
    assert wrong(whole, one, status=200, content_type="text/html", body=b"{}")
    assert wrong(whole, one, status=200, content_type="application/json", body=b"{}")
    assert wrong(whole, ("GET", "/x"), status=200, content_type="text/html", body=b"")
