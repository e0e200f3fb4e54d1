"""Sites, their cameras and the cameras' still pictures."""

import hashlib
import json
from typing import Any

from aiohttp import web

from gateway.api import keys, views
from gateway.api.access import require_no_privacy, seen_site, visitor_of
from gateway.api.principal import Principal
from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.site import Site
from gateway.model.status import SiteStatus


async def list_sites(request: web.Request) -> web.Response:
    """``GET /api/v1/sites``: every site that the visitor may see."""
    visitor = visitor_of(request)
    sites = [views.summary(status, site) for status, site in seen_sites(request.app, visitor)]
    return as_json({"sites": sites})


async def show_site(request: web.Request) -> web.Response:
    """``GET /api/v1/sites/{site}``: one site with its cameras."""
    visitor = visitor_of(request)
    site = seen_site(request, visitor, request.match_info["site"])
    body = site_view(request.app, site, visitor)
    if body is None:
        raise GatewayError(
            ErrorKind.NOT_FOUND, "There is no such site.", "If it is new, try again in a moment."
        )
    return as_json(body)


def site_view(app: web.Application, site: Site, visitor: Principal) -> dict[str, Any] | None:
    """Return what a visitor who sees ``site`` is told of it; None while the board has none."""
    status = app[keys.BOARD].site(site.id)
    if status is None:
        return None
    status = views.seen_part(status, site, visitor)
    posters = app[keys.POSTERS]
    now = app[keys.CLOCK].now()
    body = views.summary(status, site) | {
        "demo": app[keys.DEMO] is not None,
        "cameras": [
            views.camera_view(site, camera, posters.get(site.id, camera.id), now)
            for camera in status.cameras
        ],
    }
    if visitor.works_at(site.id):
        body |= views.staff_view(status)
    return body


async def show_poster(request: web.Request) -> web.Response:
    """``GET /api/v1/sites/{site}/cameras/{camera}/poster.jpg``: the latest still picture."""
    visitor = visitor_of(request)
    site = seen_site(request, visitor, request.match_info["site"])
    camera_id = request.match_info["camera"]
    known = site.camera(camera_id) is not None and visitor.sees_camera(site, camera_id)
    poster = request.app[keys.POSTERS].get(site.id, camera_id) if known else None
    if known:
        require_no_privacy(site, camera_id, request.app[keys.CLOCK].now())
    if poster is None or site.is_private(camera_id, poster.taken):
        raise GatewayError(
            ErrorKind.NOT_FOUND,
            "There is no picture of this camera yet.",
            "It is taken a few seconds after the camera's video comes.",
        )
    response = web.Response(
        body=poster.jpeg,
        content_type="image/jpeg",
        headers={"Cache-Control": "private, max-age=60"},
    )
    response.last_modified = poster.taken
    return revalidated(request, response, hashlib.sha256(poster.jpeg).hexdigest()[:16])


def seen_sites(app: web.Application, visitor: Principal) -> list[tuple[SiteStatus, Site]]:
    """Return what the visitor may see of the board, in the board's order."""
    sites = app[keys.FLEET]().sites
    return [
        (views.seen_part(status, site, visitor), site)
        for status in app[keys.BOARD].sites()
        if (site := sites.get(status.id)) is not None and visitor.sees(site)
    ]


def as_json(body: dict[str, Any]) -> web.Response:
    """Return an answer of JSON in UTF-8, small ones as they are and large ones compressed."""
    # A browser that took this for HTML in spite of its type would find no tag in it.
    text = json.dumps(body, ensure_ascii=False).replace("<", "\\u003c")
    response = web.Response(body=text.encode(), content_type="application/json")
    response.enable_compression()
    return response


def revalidated(request: web.Request, response: web.Response, tag: str) -> web.Response:
    """Give ``response`` a strong ETag, or answer 304 when the client has it already."""
    known = request.if_none_match
    if known is not None and any(item.value in {tag, "*"} for item in known):
        headers = {
            name: response.headers[name]
            for name in ("Cache-Control", "Vary")
            if name in response.headers
        }
        response = web.Response(status=304, headers=headers)
    response.etag = tag
    return response
