"""The rules of media servers on a Swarm: what it cannot do, and the way around it. Pure."""

from gateway.config.checks import Report
from gateway.config.document import Path
from gateway.model.company import NetworkDriver, RuntimeKind, Settings, Severity
from gateway.model.site import Site

_SERVERS: Path = ("media_servers",)
_SITE: Path = ("media_server",)


def check_company(settings: Settings, report: Report) -> None:
    """Report what of the company's settings a Swarm does in another way, or not at all."""
    servers = settings.media_servers
    if servers.runtime is not RuntimeKind.SWARM:
        if servers.nodes:
            report((*_SERVERS, "nodes"), "is for runtime: swarm only", Severity.WARNING)
        return
    if servers.network.driver in (NetworkDriver.HOST, NetworkDriver.BRIDGE):
        report(
            (*_SERVERS, "network", "driver"),
            f"{servers.network.driver} gives media servers of a Swarm no address that the gateway "
            "could know; write ipvlan or macvlan",
        )
    if any(engine.name != servers.engine for engine in servers.engines):
        report(
            (*_SERVERS, "engines"),
            "is not used but for the one that media_servers.engine names: a manager of the Swarm",
            Severity.WARNING,
        )
    if servers.limits.cpuset is not None:
        report(
            (*_SERVERS, "limits", "cpuset"),
            "is not used: a Swarm limits how much of the processors, not which; write cpus",
            Severity.WARNING,
        )
    if servers.network.guard_image is not None:
        report(
            (*_SERVERS, "network", "guard_image"),
            "is not used: on a Swarm each container closes its own ports, so the media server's "
            "image itself needs iptables",
            Severity.WARNING,
        )


def check_site(site: Site, settings: Settings, report: Report) -> None:
    """Report what a site's file asks of a Swarm in vain, or of another runtime."""
    own = site.media_server
    if settings.media_servers.runtime is not RuntimeKind.SWARM:
        if own.nodes:
            report((*_SITE, "nodes"), "is for runtime: swarm only", Severity.WARNING)
        return
    if own.address is not None:
        report(
            (*_SITE, "address"),
            "is not used: a Swarm gives no fixed addresses, each node gives one of its own range; "
            "let router rules name the ranges, or players a TURN server (ice_servers)",
            Severity.WARNING,
        )
    if own.external_address is not None:
        report(
            (*_SITE, "external_address"),
            "is announced, but a router can forward to it only where the server's address stays; "
            "players reach a server that moves through a TURN server (ice_servers)",
            Severity.WARNING,
        )
    if own.engine is not None:
        report(
            (*_SITE, "engine"),
            "is not used on a Swarm; write nodes: with labels of the nodes that it may run on",
            Severity.WARNING,
        )
