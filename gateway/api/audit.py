"""``/api/v1/audit``: who watched what, for administrators; as JSON in pages and as CSV."""

from dataclasses import replace
from typing import Any, Final

from aiohttp import web

from gateway.api import keys
from gateway.api.access import require_administrator
from gateway.api.csv_lines import csv_lines
from gateway.api.ports import AuditStore
from gateway.api.problems import STARTED
from gateway.api.query import moment, whole_number
from gateway.api.sites import as_json
from gateway.api.views import timestamp
from gateway.model.access import AuditQuery, PastView
from gateway.model.errors import ErrorKind, GatewayError

MOST_ROWS: Final = 1000
_USUAL_ROWS: Final = 100
_MAX_ID: Final = 2**53
_COLUMNS: Final = ("from", "to", "site", "camera", "who", "way", "website", "address", "reason")


async def list_views(request: web.Request) -> web.Response:
    """``GET /api/v1/audit?...&limit=&before=``: who watched, newest first.

    ``now=1`` leaves those that watch at this moment. ``next`` is the ``before`` of the next page,
    or null.
    """
    require_administrator(request)
    query = _query(request)
    rows = await _store(request).page(query)
    more = len(rows) == query.limit
    return as_json(
        {"views": [_view(row) for row in rows], "next": rows[-1].id if more and rows else None}
    )


async def export_views(request: web.Request) -> web.StreamResponse:
    """``GET /api/v1/audit.csv?site=&camera=&who=&from=&to=``: everybody who watched, as a table."""
    require_administrator(request)
    store, query = _store(request), replace(_query(request), limit=MOST_ROWS)
    rows = await store.page(query)
    response = web.StreamResponse(
        headers={
            "Content-Type": "text/csv; charset=utf-8",
            "Content-Disposition": 'attachment; filename="audit.csv"',
        }
    )
    await response.prepare(request)
    request[STARTED] = True
    await response.write(csv_lines([_COLUMNS]))
    while rows:
        await response.write(
            csv_lines([tuple(_view(row)[name] for name in _COLUMNS) for row in rows])
        )
        rows = await store.page(replace(query, before=rows[-1].id))
    await response.write_eof()
    return response


def _store(request: web.Request) -> AuditStore:
    store = request.app[keys.VIEWINGS].store
    if store is None:
        raise GatewayError(ErrorKind.NOT_FOUND, "Nothing is recorded here.")
    return store


def _view(row: PastView) -> dict[str, Any]:
    view = row.view
    return {
        "id": row.id,
        "site": view.site,
        "camera": view.camera,
        "who": view.who,
        "way": str(view.way),
        "address": view.address,
        "website": view.website,
        "from": timestamp(view.started),
        "to": None if row.ended is None else timestamp(row.ended),
        "reason": row.reason or None,
    }


def _query(request: web.Request) -> AuditQuery:
    given = request.query
    return AuditQuery(
        site=given.get("site"),
        camera=given.get("camera"),
        who=given.get("who") or None,
        running=given.get("now") == "1",
        start=moment(given.get("from"), "from"),
        end=moment(given.get("to"), "to"),
        before=whole_number(given.get("before"), "before", _MAX_ID),
        limit=whole_number(given.get("limit"), "limit", MOST_ROWS) or _USUAL_ROWS,
    )
