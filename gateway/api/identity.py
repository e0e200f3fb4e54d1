"""Finds out who asks, before a route runs.

In this order: a Bearer token (the staff token, or a ticket), the cookie of a session, the header
of the company's sign-on. What a request says of itself counts only if it can be checked.
"""

import hashlib
import hmac
from typing import Final

from aiohttp import web

from gateway.api import ports
from gateway.api.networks import within
from gateway.api.principal import Principal, Role
from gateway.api.revocations import Revocations
from gateway.api.sessions import COOKIES, Sessions, csrf_of, proof_of
from gateway.api.ticket_keys import TicketDesk
from gateway.api.tickets import LEEWAY_S, Ticket
from gateway.kit.clock import Clock
from gateway.model.access import Way
from gateway.model.company import Account, AccountRole, Settings, SignOn
from gateway.model.errors import ErrorKind, GatewayError

_MAX_USER: Final = 128
_MAX_SITES: Final = 1000
_STAFF_TOKEN: Final = Principal(role=Role.ADMINISTRATOR, name="staff token", way=Way.TOKEN)


class Identity:
    """Knows staff, tickets, sessions and the sign-on."""

    def __init__(
        self,
        *,
        fleet: ports.CurrentFleet,
        tickets: TicketDesk,
        sessions: Sessions,
        revocations: Revocations,
        clock: Clock,
    ) -> None:
        self._fleet = fleet
        self._tickets = tickets
        self._sessions = sessions
        self._revocations = revocations
        self._clock = clock
        self.key = b""
        """The installation's own key; CSRF tokens of the sign-on's users are made of it."""

    async def of(self, request: web.Request, peer: str) -> Principal:
        """Tell who asks over a connection from ``peer``.

        Raises GatewayError UNAUTHORIZED for a token that is not good.
        """
        settings = self._fleet().settings
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        # Other schemes than Bearer are none of our business: a proxy in front may use them.
        if scheme.lower() == "bearer" and token.strip():
            return await self._of_token(token.strip(), settings)
        for name in COOKIES:
            found = self._of_session(request.cookies.get(name, ""), settings)
            if found is not None:
                return found
        if settings.sign_on is not None and within(peer, settings.sign_on.addresses):
            return self._of_sign_on(request, settings, settings.sign_on)
        return Principal()

    def holds(self, principal: Principal) -> bool:
        """Tell whether a principal is still what it was when its request began."""
        if principal.ticket is not None:
            return self._ticket_holds(principal.ticket)
        if principal.session is not None:
            return self._sessions.alive(principal.session)
        return True

    def _ticket_holds(self, ticket: Ticket) -> bool:
        if self._clock.now().timestamp() >= ticket.expires + LEEWAY_S:
            return False
        sites = self._fleet().sites
        return not any(
            self._revocations.is_void(sites.get(one), one, ticket.subject, ticket.issued)
            for one in ticket.sites
        )

    async def _of_token(self, token: str, settings: Settings) -> Principal:
        if settings.staff_token and _same(token, settings.staff_token.reveal()):
            return _STAFF_TOKEN
        if not self._tickets.open:
            raise GatewayError(ErrorKind.UNAUTHORIZED, "This token opens nothing here.")
        ticket = await self._tickets.check(token)
        ticket = self._revocations.remaining(ticket, self._fleet().sites)
        return Principal(role=Role.TICKET, name=ticket.subject, ticket=ticket, way=Way.TICKET)

    def _of_session(self, cookie: str, settings: Settings) -> Principal | None:
        record = self._sessions.find(cookie) if cookie else None
        if record is None:
            return None
        account = account_of(settings, record.account)
        # A session ends with its account and with the password that opened it.
        if account is None or not _same(proof_of(account), record.proof):
            return None
        return of_account(account, csrf=csrf_of(cookie), session=record.id)

    def _of_sign_on(self, request: web.Request, settings: Settings, rules: SignOn) -> Principal:
        named = request.headers.getall(rules.header, [])
        user = named[0].strip() if len(named) == 1 else ""
        if not user or len(user) > _MAX_USER or not user.isprintable():
            return Principal()  # nobody, or two users at once: one of them came from the browser
        account = account_of(settings, user)
        role = account.role if account is not None else None
        sites = account.sites if account is not None else ()
        if rules.role_header is not None:
            role = _role(request.headers.get(rules.role_header, ""))
        if rules.sites_header is not None:
            listed = request.headers.get(rules.sites_header, "").split(",")[:_MAX_SITES]
            sites = tuple(item.strip() for item in listed)
        if role is None:
            return Principal()
        csrf = hmac.new(self.key, b"csrf:" + user.encode(), hashlib.sha256).hexdigest()
        return of_account(Account(user, role, sites=sites), csrf=csrf)


def account_of(settings: Settings, name: str) -> Account | None:
    """Return the account called ``name``, capitals or not."""
    wanted = name.lower()
    return next((item for item in settings.accounts if item.name.lower() == wanted), None)


def has_staff(settings: Settings) -> bool:
    """Tell whether the company has named anybody who may administer."""
    return bool(settings.staff_token or settings.accounts or settings.sign_on)


def of_account(account: Account, *, csrf: str, session: str | None = None) -> Principal:
    """Return the principal of an account that has proved who it is."""
    administrator = account.role is AccountRole.ADMINISTRATOR
    return Principal(
        role=Role.ADMINISTRATOR if administrator else Role.TECHNICIAN,
        name=account.name,
        sites=frozenset() if administrator else frozenset(account.sites),
        way=Way.ACCOUNT,
        csrf=csrf,
        session=session,
    )


def _role(text: str) -> AccountRole | None:
    try:
        return AccountRole(text.strip().lower())
    except ValueError:
        return None


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(
        given.encode(errors="surrogateescape"), wanted.encode(errors="surrogateescape")
    )
