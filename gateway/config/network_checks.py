"""The rules of Docker networks and ports that cost an evening each when they are found out late.

Pure. Docker rounds an ``ip_range`` down to its own boundary without a word, publishes ports one
by one at about 20 ms each (602 bindings took 12.4 s on Engine 20.10), and containers on the
host's network share all ports.
"""

import ipaddress
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from gateway.config.checks import Report, check_pool
from gateway.config.document import Path
from gateway.model.company import (
    EngineSettings,
    MediaServers,
    Network,
    NetworkDriver,
    RuntimeKind,
    Settings,
    Severity,
)
from gateway.model.site import Site

_NETWORK: Path = ("media_servers", "network")
_ENGINES: Path = ("media_servers", "engines")
_LAN_DRIVERS = (NetworkDriver.IPVLAN, NetworkDriver.MACVLAN)
_MOST_PUBLISHED = 300
_SECONDS_PER_PORT = 0.02
WCS_PORTS = (554, 1935, 2001, 8080, 8081, 8082, 8084, 8443, 8444, 8445, 8888, 9091)
"""TCP ports that a Web Call Server opens (docs.flashphoner.com, server ports)."""


@dataclass(frozen=True, slots=True)
class Span:
    """Addresses from ``low`` to ``high``, both included."""

    version: int
    low: int
    high: int

    @classmethod
    def of(cls, text: str) -> "Span":
        """Read a network (rounded down as Docker does it) or ``first-last``."""
        if "-" in text:
            low, high = (ipaddress.ip_address(part) for part in text.split("-"))
            return cls(low.version, int(low), int(high))
        network = ipaddress.ip_network(text, strict=False)
        low, high = network.network_address, network.broadcast_address
        return cls(network.version, int(low), int(high))

    def holds(self, address: str) -> bool:
        """Tell whether ``address`` is one of them."""
        ip = ipaddress.ip_address(address)
        return ip.version == self.version and self.low <= int(ip) <= self.high

    def within(self, other: "Span") -> bool:
        """Tell whether all of them are in ``other``."""
        same = self.version == other.version
        return same and other.low <= self.low and self.high <= other.high

    def meets(self, other: "Span") -> bool:
        """Tell whether ``other`` has one of them."""
        same = self.version == other.version
        return same and self.low <= other.high and other.low <= self.high

    def __str__(self) -> str:
        kind = ipaddress.IPv4Address if self.version == 4 else ipaddress.IPv6Address  # noqa: PLR2004  # IP version
        return f"{kind(self.low)}-{kind(self.high)}"


def _check_ice(settings: Settings, report: Report) -> None:
    for index, server in enumerate(settings.ice_servers):
        turn = any(url.startswith("turn") for url in server.urls)
        login = server.username is not None and server.credential is not None
        if turn and not login and server.secret is None:
            report(("ice_servers", index), "a TURN server needs username: and credential:")
        if server.secret is not None and server.credential is not None:
            report(("ice_servers", index, "secret"), "stands beside credential:; write one of them")


def check_company(settings: Settings, report: Report, hosts: Collection[str] = ()) -> None:
    """Report what is wrong with the media servers' network.

    ``hosts`` are addresses of the gateway's machine; those that the settings name are known.
    """
    servers = settings.media_servers
    if settings.scaling.max_servers > 1 and settings.scaling.viewers_per_server > (
        servers.max_viewers
    ):
        report(
            ("scaling", "viewers_per_server"),
            f"is above media_servers.max_viewers ({servers.max_viewers}), so no site ever grows; "
            f"write {servers.max_viewers} or less",
            Severity.WARNING,
        )
    if settings.scaling.max_servers < settings.scaling.min_servers:
        words = f"is below min_servers; write {settings.scaling.min_servers} or more"
        report(("scaling", "max_servers"), words)
    check_pool(settings.scaling.licenses, report)
    _check_ice(settings, report)
    if servers.runtime is RuntimeKind.PROCESS:
        return
    _check_image(servers, report)
    for path, network in _networks(servers):
        if network.driver in _LAN_DRIVERS:
            for key, example in (("parent", "enp0s3"), ("subnet", "192.168.23.0/24")):
                if getattr(network, key) is None:
                    words = f"is missing for {network.driver}; write {key}: {example}"
                    report((*path, key), words)
        _check_range(network, path, report)
        _check_hosts(network, path, [*_hosts(settings), *hosts], report)
    drivers = {network.driver for _, network in _networks(servers)}
    if NetworkDriver.BRIDGE in drivers:
        _check_published(servers, report)
    own = servers.engine_of(None)
    if (
        own is not None
        and own.host is None
        and own.network.driver is NetworkDriver.HOST
        and settings.listen_port in WCS_PORTS
    ):
        report(
            ("listen",),
            f"port {settings.listen_port} is also one of a media server on the host's network; "
            "write another one, for example 8090",
        )


def _networks(servers: MediaServers) -> Iterator[tuple[Path, Network]]:
    """Yield every network that is used; that of the company only if something stands in it."""
    engines = servers.engines
    if not engines or "://" in (servers.engine or "") or servers.network != Network():
        yield _NETWORK, servers.network
    for index, engine in enumerate(engines):
        if engine.network != servers.network:
            yield (*_ENGINES, index, "network"), engine.network


def _check_image(servers: MediaServers, report: Report) -> None:
    path: Path = ("media_servers", "image")
    if servers.image is None:
        report(
            path,
            f"is missing for {servers.runtime}; write image: flashphoner/webcallserver:5.2.2124",
        )
        return
    name = servers.image.rpartition("/")[2]
    if "@" not in name and (":" not in name or name.endswith(":latest")):
        report(
            path,
            "names no fixed version, so a restart may bring another one; write its tag",
        )


def _check_range(network: Network, where: Path, report: Report) -> None:
    if network.ip_range is None or network.subnet is None:
        if network.ip_range is not None and network.driver in _LAN_DRIVERS:
            return
        if network.ip_range is not None:
            report((*where, "ip_range"), "needs subnet: too")
        return
    path: Path = (*where, "ip_range")
    subnet, span = Span.of(network.subnet), Span.of(network.ip_range)
    aligned = ipaddress.ip_network(network.ip_range, strict=False)
    written = ipaddress.ip_interface(network.ip_range)
    if written.ip != aligned.network_address:
        report(path, _misaligned(network.ip_range, span, subnet, aligned.prefixlen))
    elif not span.within(subnet):
        report(path, f"({span}) is not inside subnet {network.subnet}")
    if network.dhcp_range is not None and Span.of(network.dhcp_range).meets(span):
        report(
            path,
            f"({span}, as Docker takes it) overlaps dhcp_range {network.dhcp_range}: two devices "
            "would get one address; write a range that the DHCP server does not use",
        )


def _misaligned(written: str, span: Span, subnet: Span, prefix: int) -> str:
    size = span.high - span.low + 1
    following = Span(span.version, span.low + size, span.high + size)
    choices = [
        f"{str(choice).partition('-')[0]}/{prefix} ({choice})"
        for choice in (span, following)
        if choice.within(subnet)
    ]
    advice = f"write {' or '.join(choices)}" if choices else "write a range inside subnet"
    return f"{written} does not begin at its boundary, and Docker takes {span}; {advice}"


def _hosts(settings: Settings) -> Iterator[str]:
    """Yield the addresses of the gateway's machine that the settings name."""
    public = urlsplit(settings.public_url or "").hostname
    for host in (settings.listen_host, public):
        try:
            yield str(ipaddress.ip_address(host or ""))
        except ValueError:
            continue


def _check_hosts(network: Network, path: Path, hosts: Sequence[str], report: Report) -> None:
    if network.gateway is not None and network.subnet is not None:
        subnet = Span.of(network.subnet)
        if not subnet.holds(network.gateway):
            report((*path, "gateway"), f"is not inside subnet {network.subnet}")
    if network.ip_range is None:
        return
    span = Span.of(network.ip_range)
    advice = "a media server would get the same address; choose a range without it"
    if network.gateway is not None and span.holds(network.gateway):
        report((*path, "gateway"), f"is inside ip_range ({span}): {advice}")
    for host in dict.fromkeys(hosts):
        if span.holds(host):
            report(
                (*path, "ip_range"),
                f"({span}) holds {host}, this machine's own address: {advice}",
            )


def _check_published(servers: MediaServers, report: Report) -> None:
    first, last = servers.media_ports
    count = last - first + 1
    if count > _MOST_PUBLISHED:
        report(
            ("media_servers", "media_ports"),
            f"bridge publishes {count} ports of a WCS one by one (one of an embedded server), "
            f"about {count * _SECONDS_PER_PORT:.0f} s per start (20 ms a port); write at most "
            f"{_MOST_PUBLISHED} ports, for example {first}-{first + _MOST_PUBLISHED - 1}, "
            "or driver: ipvlan",
            Severity.WARNING,
        )


def check_address(site: Site, settings: Settings, report: Report) -> None:
    """Report a media server's address that the company's network cannot give it."""
    servers, address = settings.media_servers, site.media_server.address
    engine = servers.engine_of(site.media_server.engine)
    if address is None or servers.runtime is not RuntimeKind.DOCKER or engine is None:
        return
    network = engine.network
    path: Path = ("media_server", "address")
    if network.driver not in _LAN_DRIVERS or network.subnet is None:
        return
    if site.media_server.external_address is not None and site.scaling.max_servers > 1:
        report(
            ("media_server", "external_address"),
            "is the address of the first media server only; viewers outside reach further ones "
            "through a TURN server (ice_servers) or not at all",
            Severity.WARNING,
        )
    subnet = ipaddress.ip_network(network.subnet)
    ip = ipaddress.ip_address(address)
    span = Span.of(network.ip_range) if network.ip_range else None
    if ip not in subnet:
        report(path, f"is not inside the media servers' subnet {network.subnet}")
    elif ip in (subnet.network_address, subnet.broadcast_address):
        report(path, f"is the network's or broadcast address of {network.subnet}; write another")
    elif address == network.gateway:
        report(path, "is the address of the network's router; write another")
    elif network.dhcp_range and Span.of(network.dhcp_range).holds(address):
        report(path, f"is inside dhcp_range {network.dhcp_range}; write one outside it")
    elif span is not None and not span.holds(address):
        report(path, f"is not inside ip_range ({span}); write one of these")


def check_capacity(settings: Settings, sites: Collection[Site], report: Report) -> None:
    """Warn when all sites together may need more than there is."""
    servers = settings.media_servers
    wanted = sum(site.scaling.max_servers for site in sites if site.enabled)
    if servers.runtime is RuntimeKind.PROCESS:
        ports = servers.media_ports[1] - servers.media_ports[0] + 1
        if ports < wanted:
            report(
                ("media_servers", "media_ports"),
                f"holds {ports} ports and the sites may need {wanted}, one per media server",
                Severity.WARNING,
            )
        return
    for name in dict.fromkeys(site.media_server.engine for site in sites):
        there = [site for site in sites if site.media_server.engine == name and site.enabled]
        engine = servers.engine_of(name)
        if engine is not None:
            _check_room(servers, engine, sum(site.scaling.max_servers for site in there), report)


def _check_room(servers: MediaServers, engine: EngineSettings, wanted: int, report: Report) -> None:
    """Warn when the sites of one engine may need more than its network has."""
    network, path = engine.network, _NETWORK
    if engine in servers.engines and network != servers.network:
        path = (*_ENGINES, servers.engines.index(engine), "network")
    if network.driver is NetworkDriver.HOST and wanted > 1:
        report(
            (*path, "driver"),
            f"on the host's network {wanted} WCS servers want the same command-line port (2001) "
            "and their control ports are open to the LAN (the embedded server's are not); write "
            "driver: ipvlan",
            Severity.WARNING,
        )
    if network.driver in _LAN_DRIVERS and network.ip_range is not None:
        span = Span.of(network.ip_range)
        if span.high - span.low + 1 < wanted:
            report(
                (*path, "ip_range"),
                f"({span}) holds {span.high - span.low + 1} addresses and the sites may need "
                f"{wanted}; write a larger one",
                Severity.WARNING,
            )
