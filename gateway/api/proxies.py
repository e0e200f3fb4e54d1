"""Reverse proxies in front: whose word on the client is believed.

``X-Forwarded-For`` and ``X-Forwarded-Proto`` count only when the connection itself comes from a
network of ``trusted_proxies``; the client is then the last address in the list that is none.
"""

from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from gateway.api import keys
from gateway.api.networks import address_of, within

_MOST_HOPS: Final = 20


@web.middleware
async def real_client(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give the handlers a request whose ``remote`` and ``scheme`` are the client's own."""
    request[keys.PEER] = request.remote or ""
    trusted = request.app[keys.FLEET]().settings.trusted_proxies
    if not within(request.remote, trusted):
        return await handler(request)
    client = _client(request.headers.getall("X-Forwarded-For", []), trusted) or request.remote
    scheme = request.headers.get("X-Forwarded-Proto", "").strip().lower()
    return await handler(
        request.clone(
            remote=client or "", scheme=scheme if scheme in {"http", "https"} else request.scheme
        )
    )


def _client(lines: list[str], trusted: tuple[str, ...]) -> str | None:
    """Return the address that the outermost trusted proxy saw; each one appends what it saw."""
    seen = [item.strip() for line in lines for item in line.split(",")]
    for item in reversed(seen[-_MOST_HOPS:]):
        address = address_of(item)
        if address is None:
            return None  # a proxy wrote no address: nothing further left can be believed
        if not within(str(address), trusted):
            return str(address)
    return None
