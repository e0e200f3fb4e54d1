"""WHEP (draft-ietf-wish-whep): a browser posts its SDP offer and gets the camera's answer.

The answer holds all candidates, so there is no PATCH (405); the play's address is its key, so
DELETE asks for no ticket, which may have expired by then.
"""

import hashlib
import re
from typing import Final

from aiohttp import web

from gateway.api import cors, keys
from gateway.api.access import require_play, visitor_of
from gateway.api.body import read_body
from gateway.api.limits import client_of
from gateway.api.plays import PlayRequest
from gateway.api.problems import too_many
from gateway.model.company import IceServer, Settings
from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.site import Site

_PLAY_ID: Final = re.compile(r"[A-Za-z0-9._~-]{1,200}")
_LINK_TARGET: Final = re.compile(r"(stun|turn)s?:[A-Za-z0-9.\-_:\[\]?=&]{1,250}")


async def start(request: web.Request) -> web.Response:
    """``POST /whep/{site}/{camera}[?low=1]``: 201 with the answer, or a problem."""
    site = _site(request)
    camera_id = request.match_info["camera"]
    cors.require(request, site)
    _take_turn(request)
    visitor = visitor_of(request)
    require_play(visitor, site, camera_id)
    if site.camera(camera_id) is None:
        raise GatewayError(ErrorKind.NOT_FOUND, "There is no such camera.")
    wish = PlayRequest(
        site=site.id,
        camera=camera_id,
        low=_low(request),
        offer=await _offer(request),
        client=client_of(request),
        until=visitor.watch_until(site, request.app[keys.CLOCK].now().timestamp()),
    )
    plays = request.app[keys.PLAYS]
    handle = await plays.start(wish)
    if request.transport is None or request.transport.is_closing():
        # The viewer left while the camera was being waited for; nobody would ever say DELETE.
        await plays.stop(site.id, camera_id, handle.id)
    headers = {
        "Location": f"/whep/{site.id}/{camera_id}/{handle.id}",
        "ETag": f'"{hashlib.sha256(handle.id.encode()).hexdigest()[:16]}"',
    }
    response = web.Response(
        status=201, body=handle.answer.encode(), content_type="application/sdp", headers=headers
    )
    for link in ice_links(request.app[keys.FLEET]().settings):
        response.headers.add("Link", link)
    return response


async def stop(request: web.Request) -> web.Response:
    """``DELETE /whep/{site}/{camera}/{play}``: 200, or 404 when there is no such play."""
    site = _site(request)
    cors.require(request, site)
    _take_turn(request)
    play_id = request.match_info["play"]
    known = _PLAY_ID.fullmatch(play_id) is not None
    if not known or not await request.app[keys.PLAYS].stop(
        site.id, request.match_info["camera"], play_id
    ):
        raise GatewayError(ErrorKind.NOT_FOUND, "There is no such play; it may have ended.")
    return web.Response()


async def refuse_patch(_request: web.Request) -> web.Response:
    """``PATCH``: no trickle ICE and no restarts (RFC 9725 section 4.3).

    A route of its own, so that players of other websites can read the refusal and go on.
    """
    raise web.HTTPMethodNotAllowed("PATCH", ["DELETE", "OPTIONS"])


def ice_links(settings: Settings) -> list[str]:
    """Return a Link header for each STUN and TURN address (RFC 9725 section 4.6)."""
    return [
        link
        for server in settings.ice_servers
        for url in server.urls
        if (link := _link(url, server)) is not None
    ]


def _link(url: str, server: IceServer) -> str | None:
    if not _LINK_TARGET.fullmatch(url):
        return None
    link = f'<{url}>; rel="ice-server"'
    if server.username is not None and server.credential is not None:
        link += f"; username={_quoted(server.username)}"
        link += f"; credential={_quoted(server.credential.reveal())}"
        link += '; credential-type="password"'
    return link


def _quoted(text: str) -> str:
    """Return a quoted-string (RFC 9110 section 5.6.4)."""
    printable = "".join(character for character in text if character.isprintable())
    return '"' + printable.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _site(request: web.Request) -> Site:
    site = request.app[keys.FLEET]().sites.get(request.match_info["site"])
    if site is None:
        raise GatewayError(ErrorKind.NOT_FOUND, "There is no such site.")
    return site


def _take_turn(request: web.Request) -> None:
    wait_s = request.app[keys.PACE].take(client_of(request))
    if wait_s:
        raise too_many("Too many requests come from this network address.", wait_s)


def _low(request: web.Request) -> bool:
    value = request.query.get("low", "0")
    if value not in {"0", "1"}:
        raise GatewayError(
            ErrorKind.BAD_REQUEST, "low is neither 0 nor 1.", "Ask with ?low=1 or without it."
        )
    return value == "1"


async def _offer(request: web.Request) -> str:
    limits = request.app[keys.LIMITS]
    body = await read_body(
        request,
        content_type="application/sdp",
        max_bytes=limits.offer_bytes,
        within_s=limits.body_s,
    )
    try:
        offer = body.decode()
    except UnicodeDecodeError as error:
        raise _malformed() from error
    if not offer.startswith("v=0") or "\0" in offer:  # RFC 8866 section 5: v= comes first
        raise _malformed()
    return offer


def _malformed() -> GatewayError:
    return GatewayError(
        ErrorKind.OFFER_MALFORMED,
        "The body is no SDP offer.",
        "Send what RTCPeerConnection.createOffer() made.",
    )
