"""Who may see, play and change what: the questions that every route asks.

The principal itself is found out by :mod:`gateway.api.identity`, before a route runs.
"""

import hmac
from datetime import datetime
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from gateway.api import cors, keys
from gateway.api.principal import STAFF, Principal, Role
from gateway.api.tickets import REVOKED, TicketRefused
from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.site import Site

CSRF_HEADER: Final = "X-CSRF-Token"
_ASKED: Final = ("/api", "/whep", "/healthz", "/metrics")
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


@web.middleware
async def identify(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Find out who asks; a token that is not good counts only where a route wants to know."""
    found: Principal | GatewayError = Principal()
    if request.path.startswith(_ASKED):
        try:
            found = await request.app[keys.IDENTITY].of(request, request[keys.PEER])
            if found.role in STAFF and request.app[keys.SIDES].is_public(request):
                found = Principal()
        except GatewayError as error:
            found = error
    request[keys.PRINCIPAL] = found
    return await handler(request)


def visitor_of(request: web.Request) -> Principal:
    """Tell who asks; raises GatewayError UNAUTHORIZED for a token that is not good.

    A write without its CSRF token is nobody's: another website may have sent it.
    """
    principal = _identified(request)
    return principal if _meant(request, principal) else Principal()


def signed_in_as(request: web.Request) -> Principal:
    """Tell who asks whether or not the request was meant; only to tell them or to end it."""
    return _identified(request)


def require_staff(request: web.Request, site_id: str | None = None) -> Principal:
    """Let staff through: with ``site_id`` who works at that site, without it anybody of staff.

    Every route for staff calls this before anything else; for writes it checks the CSRF token
    too. Raises GatewayError UNAUTHORIZED (nobody known asks), FORBIDDEN (not staff, or a write
    that the browser's user may not have meant) or NOT_FOUND (another site's, or no such site).
    """
    principal = _identified(request)
    if principal.role is Role.ANONYMOUS:
        raise GatewayError(
            ErrorKind.UNAUTHORIZED, "This is for staff only.", "Sign in, or send the staff token."
        )
    if principal.role is Role.TICKET:
        raise GatewayError(ErrorKind.FORBIDDEN, "A ticket lets nobody do this.")
    if not _meant(request, principal):
        raise GatewayError(
            ErrorKind.FORBIDDEN,
            "The request does not show that it comes from the gateway's own page.",
            f"Send the csrf_token of /api/v1/session as {CSRF_HEADER}, or reload the page.",
        )
    if site_id is not None:
        known = site_id in request.app[keys.FLEET]().sites
        if not known or not principal.works_at(site_id):
            raise _no_site()
    return principal


def require_administrator(request: web.Request) -> Principal:
    """Let administrators through; raises GatewayError UNAUTHORIZED or FORBIDDEN."""
    principal = require_staff(request)
    if not principal.staff:
        raise GatewayError(
            ErrorKind.FORBIDDEN, "This is for administrators.", "Ask one of them to do it."
        )
    return principal


def require_play(visitor: Principal, site: Site, camera_id: str) -> None:
    """Let a visitor play a camera; raises GatewayError UNAUTHORIZED or FORBIDDEN."""
    if visitor.sees_camera(site, camera_id):
        return
    if visitor.ticket is not None and site.id in visitor.ticket.void:
        raise TicketRefused(REVOKED, "The ticket was withdrawn.")
    if visitor.role is not Role.ANONYMOUS:
        raise GatewayError(
            ErrorKind.FORBIDDEN,
            "The ticket is not for this camera."
            if visitor.ticket is not None
            else "Your account is not for this site.",
            "Open the page again from where you found it.",
        )
    raise GatewayError(
        ErrorKind.UNAUTHORIZED,
        "This camera is shown to ticket holders only.",
        "Open the page from the website of your management company.",
    )


def require_no_privacy(site: Site, camera_id: str, now: datetime) -> None:
    """Let a camera be watched outside its privacy hours; raises GatewayError PRIVACY."""
    if site.is_private(camera_id, now):
        raise GatewayError(
            ErrorKind.PRIVACY,
            "Nobody watches this camera at this hour.",
            "The video comes back when its privacy hours are over.",
        )


def seen_site(request: web.Request, visitor: Principal, site_id: str) -> Site:
    """Return a site that the visitor may see; unknown and unseen are the same NOT_FOUND."""
    site = request.app[keys.FLEET]().sites.get(site_id)
    if site is None or not visitor.sees(site):
        raise _no_site()
    return site


def _identified(request: web.Request) -> Principal:
    found = request[keys.PRINCIPAL]
    if isinstance(found, GatewayError):
        raise found
    return found


def _meant(request: web.Request, principal: Principal) -> bool:
    """Tell whether a request was meant by whoever it is of: reads are, writes must prove it."""
    if principal.csrf is None or request.method in _SAFE:
        return True
    given = request.headers.get(CSRF_HEADER, "")
    return cors.is_own(request) and hmac.compare_digest(
        given.encode(errors="surrogateescape"), principal.csrf.encode()
    )


def _no_site() -> GatewayError:
    return GatewayError(ErrorKind.NOT_FOUND, "There is no such site.")
