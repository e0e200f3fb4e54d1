"""``/api/v1/openapi.json``: the API described for programs (OpenAPI 3.1), made of the routes."""

import re
from collections.abc import Iterator
from importlib import metadata
from typing import Any, Final

from aiohttp import web

from gateway.api.access import CSRF_HEADER
from gateway.api.operation import Operation
from gateway.api.operations import GROUPS, OPERATIONS
from gateway.api.problems import JSON_PATHS
from gateway.api.schemas import SCHEMAS, named
from gateway.api.sessions import PLAIN_COOKIE
from gateway.api.sites import as_json

_PARAMETER: Final = re.compile(r"\{(\w+)\}")
_LEAD: Final = re.compile(r"^``.*?``:? *")
_PLUMBING: Final = frozenset({"OPTIONS", "HEAD"})
"""What HTTP and CORS say of every path by themselves."""

_SECURITY: Final[dict[str, list[dict[str, list[str]]]]] = {
    "anyone": [],
    "viewer": [{}, {"ticket": []}, {"session": []}, {"staffToken": []}],
    "staff": [{"session": []}, {"staffToken": []}],
    "administrator": [{"session": []}, {"staffToken": []}],
}
_SCHEMES: Final = {
    "ticket": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A ticket (RFC 7519) by HS256, ES256 or EdDSA with the claims sites, exp, "
        "and optionally cameras, watch_until, sub, iat, nbf, iss, aud.",
    },
    "staffToken": {"type": "http", "scheme": "bearer", "description": "For machines of staff."},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": PLAIN_COOKIE,
        "description": f"Writes carry the csrf_token of /api/v1/session in {CSRF_HEADER}. Over "
        "https the cookie is called __Host-session.",
    },
}


async def show_openapi(request: web.Request) -> web.Response:
    """``GET /api/v1/openapi.json``: this document."""
    return as_json(document(request.app))


def document(app: web.Application) -> dict[str, Any]:
    """Return the OpenAPI document of the application's routes."""
    paths: dict[str, dict[str, Any]] = {}
    for method, path, route in routes(app):
        operation = OPERATIONS.get((method, path))
        if operation is not None:
            described = _described(path, route, operation) | {"tags": [_tag(method, path)]}
            paths.setdefault(path, {})[method.lower()] = described
    return {
        "openapi": "3.1.0",
        "info": {"title": "Camera gateway", "version": metadata.version("camera-gateway")},
        "tags": [{"name": tag} for tag in GROUPS],
        "paths": paths,
        "components": {"schemas": dict(SCHEMAS), "securitySchemes": _SCHEMES},
    }


def routes(app: web.Application) -> Iterator[tuple[str, str, web.AbstractRoute]]:
    """Yield method, path and route of everything that the application serves."""
    for route in app.router.routes():
        if route.resource is not None and route.method not in _PLUMBING:
            yield route.method, route.resource.canonical, route


def _tag(method: str, path: str) -> str:
    return next(tag for tag, group in GROUPS.items() if (method, path) in group)


def _described(path: str, route: web.AbstractRoute, operation: Operation) -> dict[str, Any]:
    lines = (route.handler.__doc__ or "").strip().splitlines()
    summary = operation.summary or _LEAD.sub("", lines[0] if lines else "").replace("`", "").rstrip(
        "."
    )
    described: dict[str, Any] = {
        "operationId": f"{route.handler.__module__.rpartition('.')[2]}_{route.handler.__name__}",
        "summary": summary[:1].upper() + summary[1:],
        "description": f"For {operation.who}.",
        "security": _SECURITY[operation.who],
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in _PARAMETER.findall(path)
        ]
        + [
            {"name": name, "in": "query", "required": False, "schema": schema}
            for name, schema in operation.query.items()
        ],
        "responses": {
            **{str(status): _answer(*what) for status, what in operation.answers.items()},
            # People who follow a dead link get a page, programs a problem.
            "default": _answer("application/problem+json", named("Problem"))
            if path.startswith(JSON_PATHS)
            else _answer("text/html", None),
        },
    }
    if operation.body is not None:
        media_type, schema = operation.body
        described["requestBody"] = {
            "required": True,
            "content": {media_type: {} if schema is None else {"schema": schema}},
        }
    return described


def _answer(media_type: str, schema: Any) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": media_type or "No content"}
    if media_type:
        answer["content"] = {media_type: {} if schema is None else {"schema": schema}}
    return answer
