"""What a website needs to know to show a site, for the page that makes its snippet."""

from aiohttp import web

from gateway.api import keys
from gateway.api.access import require_staff
from gateway.api.sites import as_json


async def show_embed(request: web.Request) -> web.Response:
    """``GET /api/v1/sites/{site}/embed``: what a website needs to show a site."""
    site_id = request.match_info["site"]
    require_staff(request, site_id)
    fleet = request.app[keys.FLEET]()
    site, settings, rules = fleet.sites[site_id], fleet.settings, fleet.settings.ticket_rules
    return as_json(
        {
            "site": site.id,
            "name": site.name.as_json(),
            "public_url": settings.public_url and settings.public_url.rstrip("/"),
            "access": str(site.viewing.access),
            "allowed_origins": list(site.viewing.allowed_origins),
            "tickets": bool(settings.ticket_secret or rules.keys or rules.jwks_url),
            "cameras": [
                {"id": camera.id, "name": camera.name.as_json()} for camera in site.cameras
            ],
        }
    )
