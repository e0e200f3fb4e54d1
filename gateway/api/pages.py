"""The pages for people and the files that they are made of."""

from aiohttp import web

from gateway.api import keys
from gateway.api.assets import Asset
from gateway.api.sites import revalidated
from gateway.api.unscripted import with_pictures
from gateway.model.errors import ErrorKind, GatewayError


async def index(request: web.Request) -> web.Response:
    """``GET /``: all sites that one may see."""
    return _file(request, await request.app[keys.ASSETS].get("index.html"))


async def watch(request: web.Request) -> web.Response:
    """``GET /watch/{site}``: one site's players.

    But for the pictures that a public site shows without scripts, the page is the same for every
    site, known or not: what there is to see is told by the API to those who may see it.
    """
    app = request.app
    page = await app[keys.ASSETS].get("watch.html")
    site = app[keys.FLEET]().sites.get(request.match_info["site"])
    return _file(request, with_pictures(page, site, app[keys.POSTERS], app[keys.CLOCK].now()))


async def console(request: web.Request) -> web.Response:
    """``GET /console``: the company's own page; it shows nothing before somebody signs in."""
    return _file(request, await request.app[keys.ASSETS].get("console.html"))


async def embed(request: web.Request) -> web.Response:
    """``GET /embed/{site}``: the players alone, for a frame on a website that the site allows."""
    return _file(request, await request.app[keys.ASSETS].get("embed.html"))


async def embed_preview(request: web.Request) -> web.Response:
    """``GET /embed-preview/{site}``: the snippet of a site, for staff.

    Like the console it shows nothing before somebody signs in.
    """
    return _file(request, await request.app[keys.ASSETS].get("embed-preview.html"))


async def docs(request: web.Request) -> web.Response:
    """``GET /api/v1/docs``: the API's description for people."""
    return _file(request, await request.app[keys.ASSETS].get("docs.html"))


async def asset(request: web.Request) -> web.Response:
    """``GET /assets/...``: scripts, styles, texts and icons; pages have addresses of their own."""
    name = request.match_info["path"]
    if name.endswith(".html"):
        raise GatewayError(ErrorKind.NOT_FOUND, "There is no such file.")
    return _file(request, await request.app[keys.ASSETS].get(name))


def _file(request: web.Request, found: Asset) -> web.Response:
    packed = found.packed is not None and _takes_gzip(request)
    response = web.Response(
        body=found.packed if packed else found.body,
        headers={
            "Content-Type": found.content_type
            if found.binary
            else f"{found.content_type}; charset=utf-8",
            "Cache-Control": "public, max-age=3600" if found.binary else "no-cache",
        },
    )
    if found.packed is not None:
        response.headers["Vary"] = "Accept-Encoding"
    if packed:
        response.headers["Content-Encoding"] = "gzip"
    # Two encodings are two representations, and a strong tag is for one (RFC 9110 section 8.8.3).
    return revalidated(request, response, f"{found.tag}-gz" if packed else found.tag)


def _takes_gzip(request: web.Request) -> bool:
    for item in request.headers.get("Accept-Encoding", "").lower().split(","):
        coding, _, weight = item.partition(";")
        if coding.strip() == "gzip":
            return weight.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False
