"""The typed keys under which handlers find the application's parts."""

from typing import Final

from aiohttp import web

from gateway.api import ports
from gateway.api.assets import Assets
from gateway.api.beacon_sums import Beacons
from gateway.api.guessing import Guesses
from gateway.api.identity import Identity
from gateway.api.limits import Limits, Pace
from gateway.api.passwords import Passwords
from gateway.api.plays import Plays
from gateway.api.principal import Principal
from gateway.api.revocations import Revocations
from gateway.api.sessions import Sessions
from gateway.api.side import Sides
from gateway.api.streams import Streams
from gateway.api.viewings import Viewings
from gateway.control.fieldwork import Fieldwork
from gateway.kit.clock import Clock
from gateway.kit.measures import Measures
from gateway.model.errors import GatewayError

FLEET: Final = web.AppKey[ports.CurrentFleet]("fleet")
BOARD: Final = web.AppKey[ports.Board]("board")
POSTERS: Final = web.AppKey[ports.Posters]("posters")
AGES: Final = web.AppKey[ports.LoopAges]("ages")
DEMO: Final = web.AppKey[ports.DemoSwitch | None]("demo")
CLOCK: Final = web.AppKey[Clock]("clock")
LIMITS: Final = web.AppKey[Limits]("limits")
PACE: Final = web.AppKey[Pace]("pace")
PLAYS: Final = web.AppKey[Plays]("plays")
STREAMS: Final = web.AppKey[Streams]("streams")
ASSETS: Final = web.AppKey[Assets]("assets")
IDENTITY: Final = web.AppKey[Identity]("identity")
SESSIONS: Final = web.AppKey[Sessions]("sessions")
REVOCATIONS: Final = web.AppKey[Revocations]("revocations")
PASSWORDS: Final = web.AppKey[Passwords]("passwords")
GUESSES: Final = web.AppKey[Guesses]("guesses")
VIEWINGS: Final = web.AppKey[Viewings]("viewings")
FIELDWORK: Final = web.AppKey[Fieldwork | None]("fieldwork")
HISTORY: Final = web.AppKey[ports.HistoryStore | None]("history")

SIDES: Final = web.AppKey[Sides]("sides")
FACTS: Final = web.AppKey[ports.CurrentFacts]("facts")
MEASURES: Final = web.AppKey[Measures]("measures")
BEACONS: Final = web.AppKey[Beacons]("beacons")

PEER: Final = web.RequestKey[str]("peer")
"""The address that the connection comes from, whatever a header says."""

PRINCIPAL: Final = web.RequestKey[Principal | GatewayError]("principal")
"""Who asks, or why that cannot be told."""
