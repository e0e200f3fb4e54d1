"""Which websites may play a site's cameras from their own pages (the Fetch standard's CORS).

Bearer tokens are the only credentials, so ``Access-Control-Allow-Credentials`` is never sent.
"""

from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from gateway.api import keys
from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.site import Access, Site

EXPOSED: Final = "Location, Link, ETag, Retry-After, Play-Ask-After"


def any_origin(site: Site) -> bool:
    """Tell whether every website may show the site: it is public and names no origins."""
    return site.viewing.access is Access.PUBLIC and not site.viewing.allowed_origins


def allowed(request: web.Request, site: Site) -> bool:
    """Tell whether the page that asks may use ``site``; without an Origin nobody else asks."""
    origin = request.headers.get("Origin")
    if origin is None or any_origin(site):
        return True
    normal = origin.lower()
    if any(normal == item.rstrip("/").lower() for item in site.viewing.allowed_origins):
        return True
    return _own(request, normal)


def require(request: web.Request, site: Site) -> None:
    """Raise GatewayError FORBIDDEN when the page that asks is not allowed to."""
    if not allowed(request, site):
        raise GatewayError(
            ErrorKind.FORBIDDEN,
            "This website may not show the site's cameras.",
            "Add its origin to viewing.allowed_origins in the site's file.",
        )


def is_own(request: web.Request) -> bool:
    """Tell whether no page of another website asks, as far as browsers say."""
    origin = request.headers.get("Origin")
    if origin is not None:
        return _own(request, origin.lower())
    return request.headers.get("Sec-Fetch-Site", "none") in {"none", "same-origin"}


def require_own(request: web.Request) -> None:
    """Raise GatewayError FORBIDDEN when a page of another website asks."""
    if not is_own(request):
        raise GatewayError(ErrorKind.FORBIDDEN, "Only the gateway's own page may do this.")


async def preflight(request: web.Request) -> web.Response:
    """``OPTIONS``: say what a page of another website may send."""
    site = _site(request)
    if site is not None:
        require(request, site)
    headers = {
        "Access-Control-Allow-Methods": "GET, POST, PATCH, DELETE",
        "Access-Control-Allow-Headers": "Authorization, Content-Type, If-Match",
        "Access-Control-Max-Age": "600",
    }
    if request.path.startswith("/whep/"):
        headers["Accept-Post"] = "application/sdp"
    return web.Response(status=204, headers=headers)


async def mark(request: web.Request, response: web.StreamResponse) -> None:
    """Put the CORS headers on an answer (``on_response_prepare``), errors included."""
    if request.path.startswith("/assets/"):
        response.headers["Access-Control-Allow-Origin"] = "*"
        return
    site = _site(request)
    if site is None:
        return
    if any_origin(site):
        response.headers["Access-Control-Allow-Origin"] = "*"
    else:
        response.headers.add("Vary", "Origin")
        origin = request.headers.get("Origin")
        if origin is None or not allowed(request, site):
            return
        response.headers["Access-Control-Allow-Origin"] = origin
    response.headers["Access-Control-Expose-Headers"] = EXPOSED


def _site(request: web.Request) -> Site | None:
    name = request.match_info.get("site")
    if name is None and request.path == "/api/v1/events":
        name = request.query.get("site")
    return None if name is None else request.app[keys.FLEET]().sites.get(name)


def _own(request: web.Request, origin: str) -> bool:
    """Tell whether ``origin`` is the gateway itself.

    The scheme does not count beside the Host header: TLS may end in a proxy before us.
    """
    public_url = request.app[keys.FLEET]().settings.public_url
    try:
        parts = urlsplit(origin)
        if public_url is not None:
            public = urlsplit(public_url.lower())
            if (parts.scheme, parts.netloc) == (public.scheme, public.netloc):
                return True
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and parts.netloc == request.host.lower()
