"""Tickets that are void: those of a site or a subject that were issued before some time."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from gateway.api.ports import RevocationStore
from gateway.api.problems import busy
from gateway.api.tickets import REVOKED, Ticket, TicketRefused
from gateway.model.access import Revocation
from gateway.model.site import Site

MAX_REVOCATIONS: Final = 100_000

_Key = tuple[str | None, str | None]


class Revocations:
    """What was withdrawn, in memory for every request and in the store for the next start.

    ``version`` changes with every new revocation.
    """

    def __init__(self, store: RevocationStore | None) -> None:
        self._store = store
        self._since: dict[_Key, float] = {}
        self.version = 0

    async def load(self) -> None:
        """Read what earlier runs have withdrawn; raises GatewayError.

        A gateway that cannot read it must not start: void tickets would open cameras again.
        """
        if self._store is not None:
            for item in await self._store.load():
                self._note(item)

    def all(self) -> list[Revocation]:
        """Return every revocation, the newest first."""
        found = [
            Revocation(site=site, subject=subject, since=since)
            for (site, subject), since in self._since.items()
        ]
        return sorted(found, key=lambda item: -item.since)

    async def add(self, item: Revocation) -> None:
        """Withdraw tickets, for good once this returns; raises GatewayError, HttpProblem 503."""
        if len(self._since) >= MAX_REVOCATIONS and (item.site, item.subject) not in self._since:
            raise busy("As many tickets are withdrawn as can be remembered; rotate the key.")
        self._note(item)  # at once, even if the disk is full
        if self._store is not None:
            await self._store.save(item)

    def is_void(self, site: Site | None, site_id: str, subject: str, issued: float | None) -> bool:
        """Tell whether a ticket's right to a site was withdrawn."""
        since = [
            self._since.get(key)
            for key in ((None, None), (site_id, None), (site_id, subject or None))
        ]
        if subject:
            since.append(self._since.get((None, subject)))
        if site is not None and site.viewing.tickets_since is not None:
            since.append(site.viewing.tickets_since.timestamp())
        # Without a time of issue nobody can tell that the ticket is new.
        return any(item is not None and (issued or 0.0) < item for item in since)

    def remaining(self, ticket: Ticket, sites: Mapping[str, Site]) -> Ticket:
        """Return the ticket without the sites that it has lost; raises TicketRefused if all."""
        void = frozenset(
            site_id
            for site_id in ticket.sites
            if self.is_void(sites.get(site_id), site_id, ticket.subject, ticket.issued)
        )
        if void == ticket.sites:
            raise TicketRefused(REVOKED, "The ticket was withdrawn.")
        return replace(ticket, sites=ticket.sites - void, void=void)

    def _note(self, item: Revocation) -> None:
        key = (item.site, item.subject)
        self._since[key] = max(item.since, self._since.get(key, 0.0))
        self.version += 1
