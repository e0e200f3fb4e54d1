"""Holds answers to the OpenAPI document: their status, their type, and every key of their JSON."""

import functools
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from aiohttp import web

from gateway.api.openapi import document

_KINDS = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "null": type(None),
}


def hold_to_document(app: web.Application, found: list[str]) -> None:
    """Note in ``found`` every answer that the document does not describe."""
    whole = functools.cache(lambda: document(app))

    async def look(request: web.Request, response: web.StreamResponse) -> None:
        resource = request.match_info.route.resource
        if resource is None or request.method in {"OPTIONS", "HEAD"}:
            return
        body = response.body if isinstance(response, web.Response) else None
        found.extend(
            wrong(
                whole(),
                (request.method, resource.canonical),
                status=response.status,
                content_type=response.content_type,
                body=body if isinstance(body, bytes) else None,
            )
        )

    # First, because a later one may compress the body.
    app.on_response_prepare.insert(0, look)


def wrong(
    whole: dict[str, Any],
    operation: tuple[str, str],
    *,
    status: int,
    content_type: str,
    body: bytes | None,
) -> list[str]:
    """Return what an answer has that the document does not say."""
    method, path = operation
    described = whole["paths"].get(path, {}).get(method.lower())
    if described is None:
        # The other methods of a known path are answered by 405, which is a problem everywhere.
        return [] if status == 405 else [f"{method} {path} is not described"]
    answers = described["responses"]
    if str(status) not in answers and status < 400:
        return [f"{method} {path} does not tell of {status}"]
    content = answers.get(str(status), answers["default"]).get("content", {"": {}})
    media = content.get(content_type if body else "", content.get("*/*"))
    if media is None:
        media = content.get(content_type)
    if media is None or ("" in content and body):
        return [f"{method} {path}: {status} is {content_type}"]
    if not body or "schema" not in media:
        return []
    misfits = fits(whole, media["schema"], json.loads(body), "body")
    return [f"{method} {path}: {status}: {misfit}" for misfit in misfits]


def fits(whole: dict[str, Any], schema: dict[str, Any], value: Any, where: str) -> Iterator[str]:
    """Yield where a value does not fit a schema, of the words of JSON Schema that we use."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix("#/components/schemas/")
        yield from fits(whole, whole["components"]["schemas"][name], value, where)
        return
    if "anyOf" in schema:
        if all(any(fits(whole, one, value, where)) for one in schema["anyOf"]):
            yield f"{where} fits none of its shapes: {json.dumps(value)[:300]}"
        return
    kind = schema.get("type")
    if kind is not None and not _is(value, kind):
        yield f"{where} is no {kind}: {value!r}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{where} is {value!r}"
    if schema.get("format") == "date-time":
        datetime.fromisoformat(value)
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from fits(whole, schema.get("items", {}), item, f"{where}[{number}]")
    if isinstance(value, dict):
        yield from _keys(whole, schema, value, where)


def _keys(
    whole: dict[str, Any], schema: dict[str, Any], value: dict[str, Any], where: str
) -> Iterator[str]:
    known = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{where} lacks {name}"
    for name, item in value.items():
        rest = schema.get("additionalProperties", {})
        if name in known:
            yield from fits(whole, known[name], item, f"{where}.{name}")
        elif rest is False:
            yield f"{where} has {name}, which is not described"
        else:
            yield from fits(whole, rest, item, f"{where}.{name}")


def _is(value: Any, kind: str) -> bool:
    if kind == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, _KINDS[kind])
