"""``/api/v1/revocations``: make tickets void that were given out already."""

from typing import Any, Final

import structlog
from aiohttp import web

from gateway.api import keys
from gateway.api.access import require_administrator
from gateway.api.body import read_object
from gateway.api.sites import as_json
from gateway.api.tickets import MAX_SUBJECT_CHARS
from gateway.api.views import timestamp
from gateway.model.access import Revocation
from gateway.model.errors import ErrorKind, GatewayError

_EXAMPLE: Final = '{"site": "lenina-12"} or {"subject": "..."}, or both'
_MAX_LISTED: Final = 1000


async def list_revocations(request: web.Request) -> web.Response:
    """``GET /api/v1/revocations``: which tickets are void, the newest first."""
    require_administrator(request)
    found = request.app[keys.REVOCATIONS].all()[:_MAX_LISTED]
    return as_json({"revocations": [_view(item) for item in found]})


async def revoke(request: web.Request) -> web.Response:
    """``POST /api/v1/revocations``: void the tickets of a site, a subject or both, issued so far.

    Running plays of such tickets end within seconds.
    """
    principal = require_administrator(request)
    body = await read_object(request, _EXAMPLE)
    site, subject = _text(body, "site"), _text(body, "subject")
    if site is None and subject is None:
        raise GatewayError(
            ErrorKind.BAD_REQUEST, "Neither a site nor a subject is named.", f"Send {_EXAMPLE}."
        )
    if site is not None and site not in request.app[keys.FLEET]().sites:
        raise GatewayError(ErrorKind.NOT_FOUND, "There is no such site.")
    # Tickets carry whole seconds: one of this very second is meant as well.
    since = float(int(request.app[keys.CLOCK].now().timestamp()) + 1)
    item = Revocation(site=site, subject=subject, since=since)
    await request.app[keys.REVOCATIONS].add(item)
    structlog.get_logger("api").info("tickets were withdrawn", site=site, by=principal.name)
    response = as_json(_view(item))
    response.set_status(201)
    return response


def _text(body: dict[str, Any], name: str) -> str | None:
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not 0 < len(value) <= MAX_SUBJECT_CHARS:
        raise GatewayError(ErrorKind.BAD_REQUEST, f"{name} is no short text.", f"Send {_EXAMPLE}.")
    return value


def _view(item: Revocation) -> dict[str, Any]:
    return {"site": item.site, "subject": item.subject, "since": timestamp(item.since)}
