"""Security headers, on every answer."""

import re
from typing import Final

from aiohttp import web

from gateway.api import cors, keys
from gateway.model.site import Site

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "media-src 'self' blob:; connect-src 'self'; frame-src 'self'; manifest-src 'self'; "
    "font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors "
)

_ORIGIN: Final = re.compile(
    r"https?://[A-Za-z0-9.\-]+(:\d{1,5})?|https?://\[[0-9A-Fa-f:]+\](:\d{1,5})?"
)

FIXED: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "Server": "camera-gateway",
}

HSTS: Final = "max-age=31536000"
"""RFC 6797, one year. Browsers heed it over https only, so the LAN's plain http goes on working."""


def frame_ancestors(site: Site | None) -> str:
    """Return who may put a page into a frame: everybody, or the gateway and the site's origins.

    CSP level 3, section 6.4.2. An origin that is none (it could not come from a checked file)
    is left out, because a stray character would change the policy's meaning.
    """
    if site is None:
        return "'self'"
    if cors.any_origin(site):
        return "*"
    origins = (item.rstrip("/") for item in site.viewing.allowed_origins)
    return " ".join(["'self'", *(item for item in origins if _ORIGIN.fullmatch(item))])


async def secure(request: web.Request, response: web.StreamResponse) -> None:
    """Put the headers on an answer (``on_response_prepare``)."""
    response.headers.update(FIXED)
    public_url = request.app[keys.FLEET]().settings.public_url or ""
    if public_url.lower().startswith("https://"):
        response.headers["Strict-Transport-Security"] = HSTS
    response.headers.setdefault("Cache-Control", "no-store")
    site = None
    if request.path.startswith(("/watch/", "/embed/")):
        site = request.app[keys.FLEET]().sites.get(request.match_info.get("site", ""))
    # A page that brings a style of its own names it in a policy that is stricter otherwise.
    response.headers.setdefault("Content-Security-Policy", _POLICY + frame_ancestors(site))
