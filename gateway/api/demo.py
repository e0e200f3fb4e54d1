"""The demo's switch: pull the plug of a pretend camera and see what the page says."""

import json

from aiohttp import web

from gateway.api import cors, keys
from gateway.api.access import require_staff
from gateway.api.body import read_body
from gateway.api.identity import has_staff
from gateway.api.ports import DemoSwitch
from gateway.api.sites import as_json
from gateway.model.errors import ErrorKind, GatewayError

_MAX_BYTES = 1024


async def list_cameras(request: web.Request) -> web.Response:
    """``GET /api/v1/demo/cameras``: whether each pretend camera is plugged in."""
    return as_json({"cameras": dict(_switch(request).cameras())})


async def set_plugged(request: web.Request) -> web.Response:
    """``POST /api/v1/demo/cameras/{camera}``: plug a pretend camera in or out."""
    switch = _switch(request)
    cors.require_own(request)
    if has_staff(request.app[keys.FLEET]().settings):
        require_staff(request)  # a demonstration on a laptop has no staff
    camera_id = request.match_info["camera"]
    if camera_id not in switch.cameras():
        raise GatewayError(ErrorKind.NOT_FOUND, "There is no such pretend camera.")
    limits = request.app[keys.LIMITS]
    body = await read_body(
        request, content_type="application/json", max_bytes=_MAX_BYTES, within_s=limits.body_s
    )
    plugged = _plugged(body)
    await switch.set_plugged(camera_id, plugged)
    return as_json({"id": camera_id, "plugged": plugged})


def _switch(request: web.Request) -> DemoSwitch:
    switch = request.app[keys.DEMO]
    if switch is None:
        raise GatewayError(
            ErrorKind.NOT_FOUND, "There are no pretend cameras here.", "Start one: gateway demo"
        )
    return switch


def _plugged(body: bytes) -> bool:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _bad_request() from error
    plugged = value.get("plugged") if isinstance(value, dict) else None
    if not isinstance(plugged, bool):
        raise _bad_request()
    return plugged


def _bad_request() -> GatewayError:
    return GatewayError(
        ErrorKind.BAD_REQUEST, "The body does not say what to do.", 'Send {"plugged": true}.'
    )
