"""The HTTP application: its parts, its routes, its beginning and end."""

from pathlib import Path
from typing import Final

from aiohttp import web

from gateway.api import (
    audit,
    beacons,
    buildings,
    cameras,
    cors,
    demo,
    embedding,
    events,
    headers,
    health,
    history,
    keys,
    metrics,
    openapi,
    pages,
    play_state,
    ports,
    revoke,
    sign_in,
    sites,
    surveys,
    whep,
)
from gateway.api.access import identify
from gateway.api.assets import Assets
from gateway.api.beacon_sums import Beacons
from gateway.api.doorkeeping import keep_doors
from gateway.api.limits import Limits, Pace
from gateway.api.problems import problems
from gateway.api.proxies import real_client
from gateway.api.side import Sides
from gateway.api.sides import keep_sides
from gateway.api.streams import Streams
from gateway.control.fieldwork import Fieldwork
from gateway.kit.clock import Clock, SystemClock
from gateway.kit.measures import Measures

_SITE: Final = "/api/v1/sites/{site}"
_POSTER: Final = "/api/v1/sites/{site}/cameras/{camera}/poster.jpg"
_CAMERA: Final = "/whep/{site}/{camera}"
_PLAY: Final = "/whep/{site}/{camera}/{play}"
_PLAY_STATE: Final = "/api/v1/sites/{site}/cameras/{camera}/plays/{play}"
_BEACON: Final = _PLAY_STATE + "/beacon"


def create_app(
    *,
    fleet: ports.CurrentFleet,
    board: ports.Board,
    watching: ports.Watching,
    posters: ports.Posters,
    ages: ports.LoopAges,
    web_dir: Path,
    demo_switch: ports.DemoSwitch | None = None,
    fieldwork: Fieldwork | None = None,
    stores: ports.Stores | None = None,
    limits: Limits | None = None,
    clock: Clock | None = None,
    facts: ports.CurrentFacts = dict,
    measures: Measures | None = None,
) -> web.Application:
    """Join the parts to an application that any aiohttp runner serves.

    ``web_dir`` holds ``index.html``, ``watch.html`` and the assets. Without ``stores`` sessions
    and revocations end with the application, and nobody is told who watched. Plays go on when the
    application is cleaned up; event streams end.
    """
    limits = limits or Limits()
    clock = clock or SystemClock()
    app = web.Application(
        middlewares=[real_client, problems, keep_sides, identify],
        client_max_size=limits.offer_bytes,
    )
    app[keys.FLEET] = fleet
    app[keys.SIDES] = Sides()
    app[keys.FACTS] = facts
    app[keys.MEASURES] = measures or Measures()
    app[keys.BEACONS] = Beacons(app[keys.MEASURES])
    app[keys.BOARD] = board
    app[keys.POSTERS] = posters
    app[keys.AGES] = ages
    app[keys.DEMO] = demo_switch
    app[keys.FIELDWORK] = fieldwork
    app[keys.CLOCK] = clock
    app[keys.LIMITS] = limits
    app[keys.PACE] = Pace(limits, clock)
    app[keys.STREAMS] = Streams(limits)
    app[keys.ASSETS] = Assets(web_dir)
    app[keys.HISTORY] = None if stores is None else stores.history
    keep_doors(app, watching, stores or ports.Stores())
    app.add_routes(_routes())
    app.on_response_prepare.append(cors.mark)
    app.on_response_prepare.append(headers.secure)
    app.on_shutdown.append(_end_streams)
    return app


def _routes() -> list[web.RouteDef]:
    open_to_websites = (_SITE, _POSTER, "/api/v1/events", _CAMERA, _PLAY, _PLAY_STATE)
    return [
        web.post(_CAMERA, whep.start),
        web.delete(_PLAY, whep.stop),
        web.patch(_PLAY, whep.refuse_patch),
        web.get("/api/v1/sites", sites.list_sites),
        web.get(_SITE, sites.show_site),
        web.get(_POSTER, sites.show_poster),
        web.get(_SITE + "/embed", embedding.show_embed),
        web.get("/api/v1/events", events.follow, allow_head=False),
        web.get("/api/v1/demo/cameras", demo.list_cameras),
        web.post("/api/v1/demo/cameras/{camera}", demo.set_plugged),
        web.get("/api/v1/session", sign_in.who_am_i),
        web.post("/api/v1/session", sign_in.sign_in),
        web.delete("/api/v1/session", sign_in.sign_out),
        web.get("/api/v1/revocations", revoke.list_revocations),
        web.post("/api/v1/revocations", revoke.revoke),
        web.get("/api/v1/audit", audit.list_views),
        web.get("/api/v1/audit.csv", audit.export_views),
        web.get(_PLAY_STATE, play_state.show_play),
        web.post(_BEACON, beacons.take_beacon),
        web.get("/metrics", metrics.show_metrics),
        web.get("/api/v1/openapi.json", openapi.show_openapi),
        web.get("/api/v1/docs", pages.docs),
        *surveys.routes(),
        *cameras.routes(),
        *buildings.routes(),
        *history.routes(),
        web.get("/healthz", health.healthz),
        web.get("/readyz", health.readyz),
        web.get("/", pages.index),
        web.get("/watch/{site}", pages.watch),
        web.get("/embed/{site}", pages.embed),
        web.get("/embed-preview/{site}", pages.embed_preview),
        web.get("/console", pages.console),
        web.get("/assets/{path:.+}", pages.asset),
        *(web.options(path, cors.preflight) for path in open_to_websites),
    ]


async def _end_streams(app: web.Application) -> None:
    app[keys.STREAMS].close()
