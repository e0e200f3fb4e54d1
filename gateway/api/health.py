"""Liveness (does every loop still turn?) and readiness (has every site been looked at?)."""

from aiohttp import web

from gateway.api import keys
from gateway.api.access import visitor_of
from gateway.api.sites import as_json
from gateway.control.keeper import STALLED_S


async def healthz(request: web.Request) -> web.Response:
    """``GET /healthz``: whether every loop turns; 503 when one has stalled.

    ``loops`` names only the sites that the visitor may see; the status counts all of them.
    """
    visitor = visitor_of(request)
    sites = request.app[keys.FLEET]().sites
    ages = request.app[keys.AGES]()
    stalled = sum(age > STALLED_S for age in ages.values())
    response = as_json(
        {
            "status": "stalled" if stalled else "ok",
            "stalled": stalled,
            "loops": {
                site_id: round(age, 1)
                for site_id, age in ages.items()
                if (site := sites.get(site_id)) is not None and visitor.sees(site)
            },
        }
    )
    response.set_status(503 if stalled else 200)
    return response


async def readyz(request: web.Request) -> web.Response:
    """``GET /readyz``: whether every enabled site is on the board, else 503 with the reason."""
    board = request.app[keys.BOARD]
    enabled = [site.id for site in request.app[keys.FLEET]().sites.values() if site.enabled]
    waiting = sum(board.site(site_id) is None for site_id in enabled)
    if waiting:
        reason = f"{waiting} of {len(enabled)} sites have not been looked at yet"
        response = as_json({"status": "starting", "reason": reason})
        response.set_status(503)
        response.headers["Retry-After"] = "2"
        return response
    return as_json({"status": "ready", "reason": f"{len(enabled)} sites are looked after"})
