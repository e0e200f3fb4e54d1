"""``/api/v1/sites/{site}/cameras/{camera}/plays/{play}``: does it run, until when, why did it end.

``move`` says that the play had better go on elsewhere: a player then posts an offer with
``?moves=<play>`` and hangs up here once it has pictures. ``ask_after`` is when to ask again.

WHEP keeps GET of a play's own address for later (RFC 9725 section 4.1). A play's id is its key, so
nobody else asks, and a ticket that has expired does not keep the player from learning why.
"""

from aiohttp import web

from gateway.api import cors, keys
from gateway.api.seats import Seat
from gateway.api.sites import as_json
from gateway.api.views import timestamp
from gateway.model.errors import ErrorKind, GatewayError


async def show_play(request: web.Request) -> web.Response:
    """``GET .../plays/{play}``: whether a play runs, until when, and why it has ended."""
    site = request.app[keys.FLEET]().sites.get(request.match_info["site"])
    if site is not None:
        cors.require(request, site)
    found = request.app[keys.PLAYS].seats.find(
        request.match_info["site"], request.match_info["camera"], request.match_info["play"]
    )
    if found is None:
        raise GatewayError(ErrorKind.NOT_FOUND, "There is no such play; it ended long ago.")
    running = isinstance(found, Seat) and not found.told.done()
    until = found.view.until if isinstance(found, Seat) else found.until
    return as_json(
        {
            "state": "running" if running else "ended",
            "until": None if until is None else timestamp(until),
            "reason": None if running else str(found.reason),
            "move": isinstance(found, Seat) and running and found.moving,
            "ask_after": request.app[keys.PLAYS].ask_after_s() if running else None,
        }
    )
