"""The typed keys under which handlers find the application's parts."""

from typing import Final

from aiohttp import web

from gateway.api import ports
from gateway.api.assets import Assets
from gateway.api.limits import Limits, Pace
from gateway.api.plays import Plays
from gateway.api.streams import Streams
from gateway.kit.clock import Clock

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
