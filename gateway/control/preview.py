"""What a running or starting gateway would do to a site now, without doing it."""

from collections.abc import Sequence

from gateway.control.desired import Desired, desired
from gateway.control.edges import edges_found, edges_missing
from gateway.control.facts import ServerFacts
from gateway.control.reconcile import Reconciler
from gateway.control.siteloop import World
from gateway.model.company import Fleet
from gateway.model.plan import Plan


async def preview(site_id: str, fleet: Fleet, world: World) -> Plan:
    """Return a site's steps; a site without a file is one to be removed. Raises GatewayError."""
    reconciler = Reconciler(
        site=site_id,
        runtime=world.runtime,
        clients=world.clients,
        clock=world.clock,
        gates=world.gates,
        stirred=lambda: None,
    )
    try:
        servers = await reconciler.observe(fresh=True)
        return reconciler.plan(_wanted(site_id, fleet, servers, world), servers)
    finally:
        await reconciler.close()


def _wanted(site_id: str, fleet: Fleet, servers: Sequence[ServerFacts], world: World) -> Desired:
    """Take what is pulled on demand, and the edges, for wanted, as a starting gateway does."""
    site = fleet.sites.get(site_id)
    if site is None:
        return Desired(site_id)
    pulled = {one.stream for server in servers for one in server.captures if one.stream}
    there = [server.observed for server in servers]
    edges = edges_found(site, fleet.settings, there, world.runtime.fingerprint)
    edges += edges_missing(site, fleet.settings, edges)
    return desired(site, fleet.settings, pulled, edges)
