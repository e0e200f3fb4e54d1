"""What the doors of staff have in common: who may enter, and what a body may hold."""

import json
from collections.abc import Awaitable, Collection
from typing import Any, Final, TypeVar

from aiohttp import web

from gateway.api import cors, keys
from gateway.api.access import require_administrator, require_staff
from gateway.api.body import read_body
from gateway.api.principal import Principal
from gateway.control.buildings import Buildings
from gateway.control.fieldwork import Fieldwork
from gateway.model.errors import ErrorKind, GatewayError

_MAX_BYTES: Final = 32 * 1024
_T = TypeVar("_T")


def entered(request: web.Request) -> tuple[Fieldwork, str, Principal]:
    """Let staff of the site in; raises GatewayError UNAUTHORIZED, FORBIDDEN or NOT_FOUND."""
    site_id = request.match_info["site"]
    principal = require_staff(request, site_id)
    if request.method not in {"GET", "HEAD"}:
        cors.require_own(request)
    fieldwork = request.app[keys.FIELDWORK]
    if fieldwork is None:
        raise GatewayError(ErrorKind.NOT_FOUND, "This gateway does no surveys.")
    return fieldwork, site_id, principal


def entered_as_administrator(request: web.Request) -> tuple[Buildings, Principal]:
    """Let administrators in; raises GatewayError UNAUTHORIZED, FORBIDDEN or NOT_FOUND."""
    principal = require_administrator(request)
    if request.method not in {"GET", "HEAD"}:
        cors.require_own(request)
    fieldwork = request.app[keys.FIELDWORK]
    if fieldwork is None:
        raise GatewayError(ErrorKind.NOT_FOUND, "This gateway edits no files.")
    return fieldwork.buildings, principal


async def checked(work: Awaitable[_T]) -> _T:
    """Await an edit; what the files' rules refuse is the sender's mistake here."""
    try:
        return await work
    except GatewayError as error:
        if error.kind is ErrorKind.CONFIG_INVALID:
            raise GatewayError(
                ErrorKind.BAD_REQUEST, error.message, error.hint, reason=error.reason
            ) from error
        raise


def only_preview(request: web.Request) -> bool:
    """Tell whether the request only asks what an edit would do: ``?preview=1``."""
    return request.query.get("preview") == "1"


def name_of(body: dict[str, Any], example: str) -> str | dict[str, str]:
    """Return the ``name`` of a body: a text, or one by language; raises BAD_REQUEST."""
    name = body.get("name")
    if isinstance(name, str) and name.strip():
        return name
    if isinstance(name, dict) and name and all(isinstance(one, str) for one in name.values()):
        return {str(language): text for language, text in name.items()}
    raise bad("There is no name.", f'Send "name": {{"ru": "{example}"}}.')


def switch_of(body: dict[str, Any], key: str) -> bool:
    """Return a truth value; raises BAD_REQUEST for anything else."""
    value = body.get(key)
    if not isinstance(value, bool):
        raise bad(f"{key} must be true or false.")
    return value


async def body_of(request: web.Request, known: Collection[str]) -> dict[str, Any]:
    """Return the JSON object of the body, empty when there is none; raises BAD_REQUEST.

    A key that is not ``known`` is refused: it would silently do nothing.
    """
    if not request.can_read_body:
        return {}
    content = await read_body(
        request,
        content_type="application/json",
        max_bytes=_MAX_BYTES,
        within_s=request.app[keys.LIMITS].body_s,
    )
    try:
        body = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise bad("The body is no JSON.") from error
    if not isinstance(body, dict):
        raise bad("The body is no JSON object.")
    unknown = sorted(set(body) - set(known))
    if unknown:
        raise bad(
            f"There is no key {unknown[0][:60]!r}.", f"Known are: {', '.join(sorted(known))}."
        )
    return body


def text_of(body: dict[str, Any], key: str, *, most: int = 500) -> str | None:
    """Return an optional text; raises BAD_REQUEST for anything else."""
    value = body.get(key)
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > most:
        raise bad(f"{key} must be a text of at most {most} characters.")
    return value


def number_of(
    body: dict[str, Any], key: str, default: float, *, least: float, most: float
) -> float:
    """Return an optional number within bounds; raises BAD_REQUEST for anything else."""
    value = body.get(key, default)
    good = isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most
    if not good:
        raise bad(f"{key} must be a number from {least:g} to {most:g}.")
    return float(value)


def bad(message: str, hint: str = "") -> GatewayError:
    """Return the refusal of a body."""
    return GatewayError(ErrorKind.BAD_REQUEST, message, hint)
