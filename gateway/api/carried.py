"""What a page carries along, so that its script need not ask for it: words, and a public building.

On a phone's network each question costs a sixth of a second before the first picture. The page
gets data blocks (``<script type="application/json">``, HTML section 4.12.1), which no browser
runs, so the security policy stays as strict as it is. Whoever asks for a page is nobody (a ticket
stands in the fragment, and a cookie is not looked at): only a building that everybody may see is
ever in one.
"""

import json
import re
from collections.abc import Sequence
from typing import Any, Final

from aiohttp import web

from gateway.api import keys
from gateway.api.principal import Principal
from gateway.api.sites import site_view
from gateway.model.errors import GatewayError
from gateway.model.site import Access

PLACE: Final = b"<!-- data -->"
LANGUAGES: Final = ("ru", "en")
_FALLBACK: Final = "en"
_ADDRESS: Final = re.compile(rb'(?<=")/assets/([\w./-]+\.(?:js|css))(?=")')


def language_of(request: web.Request) -> str:
    """Return the language that the page's script will choose, as far as the request tells.

    That is ``?lang=``, then the best of Accept-Language (RFC 9110 section 12.5.4), then English;
    a choice that a browser keeps is known to its script alone.
    """
    asked = (request.query.get("lang", ""), *_preferred(request.headers.get("Accept-Language", "")))
    codes = (item.strip().lower().split("-")[0] for item in asked)
    return next((code for code in codes if code in LANGUAGES), _FALLBACK)


def _preferred(header: str) -> list[str]:
    """Return the language ranges of a header, the most wanted first."""
    weighed = []
    for item in header.split(","):
        tag, _, weight = item.partition(";")
        try:
            wanted = float(weight.strip().removeprefix("q=") or 1)
        except ValueError:
            wanted = 0.0
        if wanted > 0:
            weighed.append((wanted, tag))
    return [tag for _, tag in sorted(weighed, key=lambda pair: pair[0], reverse=True)]


async def carrying(request: web.Request, page: bytes, texts: Sequence[str]) -> bytes:
    """Return ``page`` with the words of the visitor's language and, if public, its building.

    ``texts`` are names like ``resident``, of which a page in Russian gets ``resident.ru``.
    """
    assets = request.app[keys.ASSETS]
    language, blocks = language_of(request), []
    for name in (f"{text}.{language}" for text in texts):
        try:
            words = await assets.get(f"i18n/{name}.json")
        except GatewayError:
            continue  # the script asks for itself, and tells what it misses
        blocks.append(_block("texts", name, json.loads(words.body)))
    blocks += _building(request)
    return page.replace(PLACE, "".join(blocks).encode())


def _building(request: web.Request) -> list[str]:
    site = request.app[keys.FLEET]().sites.get(request.match_info.get("site", ""))
    if site is None or site.viewing.access is not Access.PUBLIC:
        return []
    view = site_view(request.app, site, Principal())
    return [] if view is None else [_block("site", site.id, view)]


def _block(kind: str, name: str, data: dict[str, Any]) -> str:
    """Return a data block; nothing in it can end it, nor begin a comment (HTML section 4.12.1.3).

    ``name`` is a site's id or that of a text, which hold nothing that HTML would mean.
    """
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    return f'<script type="application/json" data-{kind}="{name}">{text}</script>'


async def with_versions(request: web.Request, page: bytes) -> bytes:
    """Return ``page`` with the version of each script and style in its address.

    A browser that comes again then need not ask whether they are still the same.
    """
    assets = request.app[keys.ASSETS]
    for name in {found.decode() for found in _ADDRESS.findall(page)}:
        try:
            tag = (await assets.get(name)).tag
        except GatewayError:
            continue
        page = page.replace(f'"/assets/{name}"'.encode(), f'"/assets/{name}?v={tag}"'.encode())
    return page
