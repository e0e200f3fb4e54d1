"""What a gateway would do now, without one: for ``gateway plan``."""

from collections.abc import Sequence

from gateway.control.board import Board
from gateway.control.clients import Clients
from gateway.control.demand import Demand
from gateway.control.preview import preview
from gateway.control.siteloop import World
from gateway.kit.clock import SystemClock
from gateway.model.company import Fleet
from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.plan import Plan
from gateway.runtimes import make_runtime
from gateway.wcs.server import WcsServer


async def plans(fleet: Fleet, only: str | None = None) -> Sequence[Plan]:
    """Return what a gateway would do now, site by site; raises GatewayError and changes nothing."""
    if not fleet.settled:
        raise GatewayError(
            ErrorKind.CONFIG_INVALID,
            "gateway.yaml is broken, so nobody knows what is wanted.",
            "run gateway check",
        )
    runtime, clock = make_runtime(fleet.settings), SystemClock()
    world = World(runtime, Clients(WcsServer), Board(), Demand(clock), clock)
    try:
        there = {server.site for server in await runtime.observe()} - fleet.unreadable
        sites = sorted(there | fleet.sites.keys()) if only is None else [only]
        return [await preview(site_id, fleet, world) for site_id in sites]
    finally:
        await world.clients.close()
        await runtime.close()
