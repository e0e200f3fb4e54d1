"""``/api/v1/sites/{site}/history`` and ``/availability``: what happened to cameras, for staff."""

from typing import Any, Final
from zoneinfo import ZoneInfo

from aiohttp import web

from gateway.api import keys
from gateway.api.access import require_staff
from gateway.api.csv_lines import csv_lines
from gateway.api.ports import HistoryStore
from gateway.api.query import moment, whole_number
from gateway.api.sites import as_json
from gateway.api.views import timestamp
from gateway.control.availability import by_month
from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.history import Availability, HistoryQuery, Span

_MOST_ROWS: Final = 1000
_USUAL_ROWS: Final = 100
_COLUMNS: Final = ("camera", "month", "availability", "available_s", "watched_s", "outages")


def routes() -> list[web.RouteDef]:
    """Return the routes of this module."""
    site = "/api/v1/sites/{site}"
    return [
        web.get(f"{site}/history", list_history),
        web.get(f"{site}/availability", show_availability),
        web.get(f"{site}/availability.csv", export_availability),
    ]


async def list_history(request: web.Request) -> web.Response:
    """``GET .../history?camera=&from=&to=&limit=``: the cameras' states, newest first."""
    store, site = _entered(request)
    given = request.query
    spans = await store.spans(
        HistoryQuery(
            site=site,
            camera=given.get("camera"),
            start=moment(given.get("from"), "from"),
            end=moment(given.get("to"), "to"),
            limit=whole_number(given.get("limit"), "limit", _MOST_ROWS) or _USUAL_ROWS,
        )
    )
    return as_json({"spans": [_span(span) for span in spans]})


async def show_availability(request: web.Request) -> web.Response:
    """``GET .../availability``: how much of each month every camera could be watched."""
    return as_json({"months": [_month(one) for one in await _availability(request)]})


async def export_availability(request: web.Request) -> web.Response:
    """``GET .../availability.csv``: the same as a table."""
    rows = [_month(one) for one in await _availability(request)]
    body = csv_lines([_COLUMNS, *([row[name] for name in _COLUMNS] for row in rows)])
    return web.Response(
        body=body,
        content_type="text/csv",
        charset="utf-8",
        headers={"Content-Disposition": 'attachment; filename="availability.csv"'},
    )


def _entered(request: web.Request) -> tuple[HistoryStore, str]:
    site = request.match_info["site"]
    require_staff(request, site)
    store = request.app[keys.HISTORY]
    if store is None:
        raise GatewayError(ErrorKind.NOT_FOUND, "No history is kept here.")
    return store, site


async def _availability(request: web.Request) -> list[Availability]:
    store, site_id = _entered(request)
    site = request.app[keys.FLEET]().sites[site_id]
    spans = await store.spans(HistoryQuery(site=site_id))
    now = request.app[keys.CLOCK].now().timestamp()
    return list(by_month(spans, now=now, zone=ZoneInfo(site.timezone or "UTC")))


def _span(span: Span) -> dict[str, Any]:
    return {
        "camera": span.camera,
        "state": str(span.state),
        "reason": span.reason,
        "from": timestamp(span.began),
        "to": None if span.ended is None else timestamp(span.ended),
    }


def _month(one: Availability) -> dict[str, Any]:
    return {
        "camera": one.camera,
        "month": one.month,
        "availability": None if one.share is None else round(one.share, 5),
        "available_s": round(one.available_s),
        "watched_s": round(one.watched_s),
        "outages": one.outages,
    }
