"""The pages for people and the files that they are made of."""

from dataclasses import replace

from aiohttp import web

from gateway.api import keys
from gateway.api.assets import Asset, remade
from gateway.api.carried import carrying, with_versions
from gateway.api.sites import revalidated
from gateway.api.unscripted import with_pictures
from gateway.model.errors import ErrorKind, GatewayError


async def index(request: web.Request) -> web.Response:
    """``GET /``: all sites that one may see."""
    return await _page(request, await request.app[keys.ASSETS].get("index.html"))


async def watch(request: web.Request) -> web.Response:
    """``GET /watch/{site}``: one site's players.

    But for what a public site shows to everybody, the page is the same for every site, known or
    not: what there is to see is told by the API to those who may see it.
    """
    app = request.app
    page = await app[keys.ASSETS].get("watch.html")
    site = app[keys.FLEET]().sites.get(request.match_info["site"])
    body = with_pictures(page.body, site, app[keys.POSTERS], app[keys.CLOCK].now())
    return await _carrying(request, replace(page, body=body))


async def console(request: web.Request) -> web.Response:
    """``GET /console``: the company's own page; it shows nothing before somebody signs in."""
    return await _page(request, await request.app[keys.ASSETS].get("console.html"))


async def embed(request: web.Request) -> web.Response:
    """``GET /embed/{site}``: the players alone, for a frame on a website that the site allows."""
    page = await request.app[keys.ASSETS].get("embed.html")
    return await _carrying(request, page)


async def embed_preview(request: web.Request) -> web.Response:
    """``GET /embed-preview/{site}``: the snippet of a site, for staff.

    Like the console it shows nothing before somebody signs in.
    """
    return await _page(request, await request.app[keys.ASSETS].get("embed-preview.html"))


async def docs(request: web.Request) -> web.Response:
    """``GET /api/v1/docs``: the API's description for people."""
    return await _page(request, await request.app[keys.ASSETS].get("docs.html"))


async def asset(request: web.Request) -> web.Response:
    """``GET /assets/...``: scripts, styles, texts and icons; pages have addresses of their own."""
    name = request.match_info["path"]
    if name.endswith(".html"):
        raise GatewayError(ErrorKind.NOT_FOUND, "There is no such file.")
    found = await request.app[keys.ASSETS].get(name)
    return _file(request, found, for_good=request.query.get("v") == found.tag)


async def _carrying(request: web.Request, page: Asset) -> web.Response:
    body = await carrying(request, page.body, ("resident",))
    response = await _page(request, replace(page, body=body))
    response.headers["Vary"] = "Accept-Encoding, Accept-Language"
    return response


async def _page(request: web.Request, page: Asset) -> web.Response:
    return _file(request, remade(page, await with_versions(request, page.body)))


def _file(request: web.Request, found: Asset, *, for_good: bool = False) -> web.Response:
    """Answer with a file; ``for_good``: its address names its version (RFC 8246)."""
    packed = found.packed is not None and _takes_gzip(request)
    response = web.Response(
        body=found.packed if packed else found.body,
        headers={
            "Content-Type": found.content_type
            if found.binary
            else f"{found.content_type}; charset=utf-8",
            "Cache-Control": _keep(found, for_good=for_good),
        },
    )
    if found.packed is not None:
        response.headers["Vary"] = "Accept-Encoding"
    if packed:
        response.headers["Content-Encoding"] = "gzip"
    # Two encodings are two representations, and a strong tag is for one (RFC 9110 section 8.8.3).
    return revalidated(request, response, f"{found.tag}-gz" if packed else found.tag)


def _keep(found: Asset, *, for_good: bool) -> str:
    if for_good:
        return "public, max-age=31536000, immutable"
    return "public, max-age=3600" if found.binary else "no-cache"


def _takes_gzip(request: web.Request) -> bool:
    for item in request.headers.get("Accept-Encoding", "").lower().split(","):
        coding, _, weight = item.partition(";")
        if coding.strip() == "gzip":
            return weight.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False
