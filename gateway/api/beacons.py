"""``POST .../plays/{play}/beacon``: what a browser has seen of its play, for the metrics.

A beacon names no person: the numbers go into sums over all viewers, the play's id is only the proof
that somebody really plays. A play has a few beacons, so nobody can shift the sums by himself.
"""

import json
import math
from typing import Any, Final

from aiohttp import web

from gateway.api import cors, keys
from gateway.api.body import read_body
from gateway.model.errors import ErrorKind, GatewayError

_MAX_BYTES: Final = 512
_LONGEST_S: Final = 3600.0
_MOST_FREEZES: Final = 10_000


_LIMITS: Final = {
    "first_frame_s": _LONGEST_S,
    "played_s": _LONGEST_S,
    "freezes": _MOST_FREEZES,
    "frozen_s": _LONGEST_S,
}


async def take_beacon(request: web.Request) -> web.Response:
    """``POST .../plays/{play}/beacon``: what a browser has seen since its last one."""
    match = request.match_info
    site = request.app[keys.FLEET]().sites.get(match["site"])
    if site is not None:
        cors.require(request, site)
    found = request.app[keys.PLAYS].seats.find(match["site"], match["camera"], match["play"])
    if found is None:
        raise GatewayError(ErrorKind.NOT_FOUND, "There is no such play; it ended long ago.")
    # text/plain: what navigator.sendBeacon may send to another origin without asking first.
    body = await read_body(
        request,
        content_type="text/plain",
        max_bytes=_MAX_BYTES,
        within_s=request.app[keys.LIMITS].body_s,
    )
    request.app[keys.BEACONS].take(match["play"], _numbers(body))
    return web.Response(status=204)


def _numbers(body: bytes) -> dict[str, float]:
    try:
        values = json.loads(body)
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict) or not all(_fits(*item) for item in values.items()):
        raise GatewayError(
            ErrorKind.BAD_REQUEST,
            "The body holds something else than a browser's numbers.",
            f"Send JSON with any of {', '.join(_LIMITS)}.",
        )
    return {name: float(value) for name, value in values.items()}


def _fits(name: Any, value: Any) -> bool:
    return (
        name in _LIMITS
        and isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
        and 0 <= value <= _LIMITS[name]
    )
