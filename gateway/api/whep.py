"""WHEP (draft-ietf-wish-whep): a browser posts its SDP offer and gets the camera's answer.

The answer holds all candidates, so there is no PATCH (405); the play's address is its key, so
DELETE asks for no ticket, which may have expired by then.
"""

import hashlib
import re
from dataclasses import replace
from typing import Final

from aiohttp import web

from gateway.api import cors, keys, turn
from gateway.api.access import require_no_privacy, require_play, visitor_of
from gateway.api.body import read_body
from gateway.api.limits import client_of
from gateway.api.plays import PlayRequest
from gateway.api.principal import Principal, Role
from gateway.api.problems import too_many
from gateway.api.seats import Seat
from gateway.api.viewings import website_of
from gateway.kit.secret import Secret
from gateway.model.access import View, Way
from gateway.model.company import IceServer, Settings
from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.site import Access, Site

_PLAY_ID: Final = re.compile(r"[A-Za-z0-9._~-]{1,200}")
_MAX_TOKEN: Final = 64
_LINK_TARGET: Final = re.compile(r"(stun|turn)s?:[A-Za-z0-9.\-_:\[\]?=&]{1,250}")


async def start(request: web.Request) -> web.Response:
    """``POST /whep/{site}/{camera}[?low=1]``: play a camera; 201 with the SDP answer.

    ``transport=tcp`` asks the media server for video over TCP, for viewers whom UDP did not reach.
    ``queue`` is the token of an answer that said to wait in line; ``moves`` is a play of this
    camera that was told to go on elsewhere: it asks for no other ticket, and ends when it would.
    """
    site = _site(request)
    camera_id = request.match_info["camera"]
    cors.require(request, site)
    _take_turn(request)
    leaves = _leaves(request)
    if leaves is None:
        visitor = visitor_of(request)
        require_play(visitor, site, camera_id)
    if site.camera(camera_id) is None:
        raise GatewayError(ErrorKind.NOT_FOUND, "There is no such camera.")
    now = request.app[keys.CLOCK].now()
    require_no_privacy(site, camera_id, now)
    wish = PlayRequest(
        view=_view(request, visitor, site, now.timestamp())
        if leaves is None
        else replace(leaves.view, play="", started=now.timestamp()),
        low=_low(request),
        tcp=_tcp(request),
        offer=await _offer(request),
        client=client_of(request),
        queue=request.query.get("queue", "")[:_MAX_TOKEN],
        leaves=leaves,
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
    if site.scaling.max_servers > 1:
        headers["Play-Ask-After"] = f"{plays.ask_after_s():.0f}"
    response = web.Response(
        status=201, body=handle.answer.encode(), content_type="application/sdp", headers=headers
    )
    settings = request.app[keys.FLEET]().settings
    for link in ice_links(settings, handle.id, now=now.timestamp(), until=wish.view.until):
        response.headers.add("Link", link)
    return response


def _leaves(request: web.Request) -> Seat | None:
    """Return the play that the viewer was told to leave; raises NOT_FOUND for any other."""
    play_id = request.query.get("moves")
    if play_id is None:
        return None
    site, camera = request.match_info["site"], request.match_info["camera"]
    found = request.app[keys.PLAYS].seats.find(site, camera, play_id)
    if isinstance(found, Seat) and found.moving and not found.moved and not found.told.done():
        return found
    raise GatewayError(
        ErrorKind.NOT_FOUND,
        "There is no such play that has to move.",
        "Ask without ?moves=.",
    )


def _view(request: web.Request, visitor: Principal, site: Site, now: float) -> View:
    """Return what is written down of a play that begins now."""
    viewings = request.app[keys.VIEWINGS]
    way = visitor.way
    if visitor.role is Role.TICKET and site.viewing.access is Access.PUBLIC:
        way = Way.PUBLIC  # the ticket opens nothing that is not open: losing it ends nothing
    elif visitor.role is Role.TECHNICIAN and not visitor.works_at(site.id):
        way = Way.PUBLIC
    return View(
        play="",
        site=site.id,
        camera=request.match_info["camera"],
        way=way,
        who=visitor.name,
        address=viewings.hashed(client_of(request)),
        website=website_of(request.headers.get("Origin")),
        started=now,
        until=visitor.watch_until(site, now),
        issued=None if visitor.ticket is None else visitor.ticket.issued,
    )


async def stop(request: web.Request) -> web.Response:
    """``DELETE /whep/{site}/{camera}/{play}``: end a play; 404 when there is no such play."""
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


def ice_links(settings: Settings, play_id: str, *, now: float, until: float | None) -> list[str]:
    """Return a Link header for each STUN and TURN address (RFC 9725 section 4.6)."""
    return [
        link
        for server in settings.ice_servers
        for url in server.urls
        if (link := _link(url, *_login(server, play_id, now, until))) is not None
    ]


def _login(
    server: IceServer, play_id: str, now: float, until: float | None
) -> tuple[str, Secret | None]:
    if server.secret is not None:
        return turn.login(server.secret, play_id, now=now, until=until)
    return server.username or "", server.credential


def _link(url: str, username: str, credential: Secret | None) -> str | None:
    if not _LINK_TARGET.fullmatch(url):
        return None
    link = f'<{url}>; rel="ice-server"'
    if url.startswith("turn") and username and credential is not None:
        link += f"; username={_quoted(username)}"
        link += f"; credential={_quoted(credential.reveal())}"
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


def _tcp(request: web.Request) -> bool:
    value = request.query.get("transport", "udp")
    if value not in {"udp", "tcp"}:
        raise GatewayError(
            ErrorKind.BAD_REQUEST,
            "transport is neither udp nor tcp.",
            "Ask with ?transport=tcp or without it.",
        )
    return value == "tcp"


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
