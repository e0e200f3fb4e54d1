"""Who may see and play what."""

import hmac
from dataclasses import dataclass

from aiohttp import web

from gateway.api import keys
from gateway.api.tickets import Ticket, verify
from gateway.kit.clock import Clock
from gateway.model.company import Settings
from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.site import Access, Site


@dataclass(frozen=True, slots=True)
class Visitor:
    """The one who asks: staff, the holder of a ticket, or anybody."""

    staff: bool = False
    ticket: Ticket | None = None

    def sees(self, site: Site) -> bool:
        """Tell whether the site is shown to this visitor."""
        if self.staff or site.viewing.access is Access.PUBLIC:
            return True
        if site.viewing.access is Access.TICKET:
            return self.ticket is not None and self.ticket.allows_site(site.id)
        return False

    def sees_camera(self, site: Site, camera_id: str) -> bool:
        """Tell whether a camera is shown and played to this visitor."""
        if self.staff or site.viewing.access is Access.PUBLIC:
            return True
        if site.viewing.access is Access.TICKET:
            return self.ticket is not None and self.ticket.allows(site.id, camera_id)
        return False

    def watch_until(self, site: Site, now: float) -> float | None:
        """Return the hard stop of a play that begins ``now`` (both Unix times), if there is one.

        The ticket's or the site's, what comes first; staff watches as long as it likes.
        """
        if self.staff:
            return None
        stops = []
        if site.viewing.max_watch_s is not None:
            stops.append(now + site.viewing.max_watch_s)
        if self.ticket is not None and self.ticket.watch_until is not None:
            stops.append(self.ticket.watch_until)
        return min(stops, default=None)


def visitor_of(request: web.Request) -> Visitor:
    """Tell who asks; raises GatewayError UNAUTHORIZED for a token that is not good."""
    return identify(
        request.headers.get("Authorization", ""),
        request.app[keys.FLEET]().settings,
        request.app[keys.CLOCK],
    )


def identify(authorization: str, settings: Settings, clock: Clock) -> Visitor:
    """Read an ``Authorization`` header.

    Other schemes than Bearer are none of our business: a proxy in front may use them.
    """
    scheme, _, token = authorization.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        return Visitor()
    if settings.staff_token and _same(token, settings.staff_token.reveal()):
        return Visitor(staff=True)
    if not settings.ticket_secret:
        raise GatewayError(ErrorKind.UNAUTHORIZED, "This token opens nothing here.")
    return Visitor(ticket=verify(token, settings.ticket_secret, now=clock.now()))


def require_play(visitor: Visitor, site: Site, camera_id: str) -> None:
    """Let a visitor play a camera; raises GatewayError UNAUTHORIZED or FORBIDDEN."""
    if visitor.sees_camera(site, camera_id):
        return
    if visitor.ticket is not None:
        raise GatewayError(
            ErrorKind.FORBIDDEN,
            "The ticket is not for this camera.",
            "Open the page again from where you found it.",
        )
    raise GatewayError(
        ErrorKind.UNAUTHORIZED,
        "This camera is shown to ticket holders only.",
        "Open the page from the website of your management company.",
    )


def seen_site(request: web.Request, visitor: Visitor, site_id: str) -> Site:
    """Return a site that the visitor may see; unknown and unseen are the same NOT_FOUND."""
    site = request.app[keys.FLEET]().sites.get(site_id)
    if site is None or not visitor.sees(site):
        raise GatewayError(ErrorKind.NOT_FOUND, "There is no such site.")
    return site


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(
        given.encode(errors="surrogateescape"), wanted.encode(errors="surrogateescape")
    )
