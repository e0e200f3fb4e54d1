"""The public side and the staff's: with a listener of their own, staff are served there only.

On the public side everything that is staff's business is then not there at all, and whoever could
prove to be staff is nobody: a stolen session or token opens nothing from the street.
"""

from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from gateway.api import keys
from gateway.api.operations import OPERATIONS
from gateway.model.errors import ErrorKind, GatewayError

_STAFF: Final = frozenset({"staff", "administrator"})
_OFFICE: Final = frozenset(
    {
        "/console",
        "/embed-preview/{site}",
        "/api/v1/docs",
        "/api/v1/openapi.json",
        "/api/v1/session",
    }
)
"""Open to anybody by themselves, and of use to staff only."""

_WATCHED: Final = frozenset({"/metrics", "/healthz", "/readyz"})
"""What the listener for metrics serves."""


@web.middleware
async def keep_sides(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let nothing of staff's business be reached from the public side."""
    sides, path = request.app[keys.SIDES], request.path
    if sides.is_for_metrics(request):
        if path not in _WATCHED:
            raise GatewayError(ErrorKind.NOT_FOUND, "There are only metrics here.")
    elif sides.is_public(request) and _is_staffs(request):
        raise GatewayError(ErrorKind.NOT_FOUND, "There is nothing here.")
    return await handler(request)


def _is_staffs(request: web.Request) -> bool:
    resource = request.match_info.route.resource
    path = "" if resource is None else resource.canonical
    if path in _OFFICE:
        return True
    operation = OPERATIONS.get((request.method, path))
    if operation is None:
        # HEAD, OPTIONS and wrong methods: as the path's other methods are.
        known = [one for (_, where), one in OPERATIONS.items() if where == path]
        return bool(known) and all(one.who in _STAFF for one in known)
    return operation.who in _STAFF
