"""Joins the parts that know who may come in, who is in, and who has to leave."""

from collections.abc import AsyncIterator

from aiohttp import web

from gateway.api import keys, ports
from gateway.api.guard import Guard
from gateway.api.guessing import Guesses
from gateway.api.identity import Identity
from gateway.api.moves import Moves
from gateway.api.passwords import Passwords
from gateway.api.plays import Plays
from gateway.api.revocations import Revocations
from gateway.api.sessions import Sessions
from gateway.api.ticket_keys import TicketDesk
from gateway.api.viewings import Viewings


def keep_doors(app: web.Application, watching: ports.Watching, stores: ports.Stores) -> None:
    """Put the parts into the application; they begin and end with it.

    The beginning raises GatewayError when it cannot read what was revoked.
    """
    fleet, clock = app[keys.FLEET], app[keys.CLOCK]
    viewings = Viewings(stores.audit, lambda: fleet().settings, clock)
    plays = Plays(watching, app[keys.LIMITS], clock, viewings)
    revocations = Revocations(stores.revocations)
    sessions = Sessions(stores.sessions, clock)
    tickets = TicketDesk(lambda: fleet().settings, clock)
    passwords = Passwords()
    identity = Identity(
        fleet=fleet, tickets=tickets, sessions=sessions, revocations=revocations, clock=clock
    )
    moves = Moves(fleet=fleet, plays=plays, watching=watching, clock=clock)
    guard = Guard(fleet=fleet, plays=plays, revocations=revocations, watching=watching, clock=clock)
    app[keys.VIEWINGS] = viewings
    app[keys.PLAYS] = plays
    app[keys.REVOCATIONS] = revocations
    app[keys.SESSIONS] = sessions
    app[keys.PASSWORDS] = passwords
    app[keys.GUESSES] = Guesses(clock)
    app[keys.IDENTITY] = identity

    async def live(_app: web.Application) -> AsyncIterator[None]:
        await revocations.load()
        await sessions.load()
        plays.adopt(await viewings.start())
        identity.key = viewings.salt
        guard.start()
        moves.start()
        yield
        await moves.close()
        await guard.close()
        await plays.close()
        await viewings.close()
        await sessions.close()
        await tickets.close()
        passwords.close()

    app.cleanup_ctx.append(live)
