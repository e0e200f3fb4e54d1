"""What a gateway would do now, without one: for ``gateway plan``."""

from collections.abc import Mapping, Sequence

from gateway.control.board import Board
from gateway.control.clients import Clients
from gateway.control.demand import Demand
from gateway.control.preview import preview
from gateway.control.siteloop import World
from gateway.kit.clock import SystemClock
from gateway.model.company import Fleet
from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.plan import Plan
from gateway.runtimes import make_runtime, take_over
from gateway.wcs.server import WcsServer


async def plans(
    fleet: Fleet, only: str | None = None
) -> tuple[Sequence[Plan], Mapping[str, GatewayError]]:
    """Return what a gateway would do now, site by site, and why that cannot be told of others.

    Changes nothing; raises GatewayError when nothing can be told at all.
    """
    if not fleet.settled:
        raise GatewayError(
            ErrorKind.CONFIG_INVALID,
            "gateway.yaml is broken, so nobody knows what is wanted.",
            "run gateway check",
        )
    runtime, clock = make_runtime(fleet.settings), SystemClock()
    take_over(runtime, fleet)
    world = World(runtime, Clients(WcsServer), Board(), Demand(clock), clock)
    try:
        there = {server.site for server in await runtime.observe()} - fleet.unreadable
        sites = sorted(there | fleet.sites.keys()) if only is None else [only]
        found: list[Plan] = []
        untold: dict[str, GatewayError] = {}
        for site_id in sites:
            try:
                found.append(await preview(site_id, fleet, world))
            except GatewayError as error:
                untold[site_id] = error
        return found, untold
    finally:
        await world.clients.close()
        await runtime.close()
