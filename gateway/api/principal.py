"""Who asks, and what that lets them see."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gateway.api.tickets import Ticket
from gateway.model.access import Way
from gateway.model.site import Access, Site


class Role(StrEnum):
    """What the one who asks is to the company."""

    ADMINISTRATOR = "administrator"
    TECHNICIAN = "technician"
    TICKET = "ticket"
    ANONYMOUS = "anonymous"


STAFF: Final = frozenset({Role.ADMINISTRATOR, Role.TECHNICIAN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """The one who asks: an administrator, a technician, the holder of a ticket, or anybody.

    ``name`` is the account or the ticket's subject; ``sites`` those that a technician works at.
    ``csrf`` is set for whoever is known by what a browser sends by itself (a cookie, the company's
    sign-on): every write must then carry it in ``X-CSRF-Token``. ``session`` is the session's id.
    """

    role: Role = Role.ANONYMOUS
    name: str = ""
    sites: frozenset[str] = frozenset()
    ticket: Ticket | None = None
    way: Way = Way.PUBLIC
    csrf: str | None = None
    session: str | None = None

    @property
    def staff(self) -> bool:
        """Whether everything is seen and done by this principal: an administrator."""
        return self.role is Role.ADMINISTRATOR

    def works_at(self, site_id: str) -> bool:
        """Tell whether the principal looks after a site: an administrator, or its technician."""
        return self.staff or (self.role is Role.TECHNICIAN and site_id in self.sites)

    def sees(self, site: Site) -> bool:
        """Tell whether the site is shown to this principal."""
        if self.works_at(site.id) or site.viewing.access is Access.PUBLIC:
            return True
        if site.viewing.access is Access.TICKET:
            return self.ticket is not None and self.ticket.allows_site(site.id)
        return False

    def sees_camera(self, site: Site, camera_id: str) -> bool:
        """Tell whether a camera is shown and played to this principal."""
        if self.works_at(site.id) or site.viewing.access is Access.PUBLIC:
            return True
        if site.viewing.access is Access.TICKET:
            return self.ticket is not None and self.ticket.allows(site.id, camera_id)
        return False

    def watch_until(self, site: Site, now: float) -> float | None:
        """Return the hard stop of a play that begins ``now`` (both Unix times), if there is one.

        The ticket's or the site's, what comes first; who works at the site watches without end.
        """
        if self.works_at(site.id):
            return None
        stops = []
        if site.viewing.max_watch_s is not None:
            stops.append(now + site.viewing.max_watch_s)
        if self.ticket is not None and self.ticket.watch_until is not None:
            stops.append(self.ticket.watch_until)
        return min(stops, default=None)
