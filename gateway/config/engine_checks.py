"""The rules of engines on several machines. Pure.

Whoever may speak to a Docker Engine is root on its machine, so one that is reached over a network
without TLS or ssh is refused; and so is one whose media servers the gateway could not drive.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from urllib.parse import urlsplit

from gateway.config.checks import Report
from gateway.config.document import Path
from gateway.config.network_checks import Span
from gateway.model.company import (
    EngineSettings,
    MediaServers,
    RuntimeKind,
    Settings,
    Severity,
    is_loopback,
)
from gateway.model.site import Site

ENGINES: Path = ("media_servers", "engines")
_TLS = ("ca", "cert", "key")
_SSH = ("ssh_key", "known_hosts")
_ROOT = "anybody on the way could start containers, and so be root on that machine"


def check_engines(servers: MediaServers, report: Report) -> None:
    """Report what is wrong with the engines' addresses, keys and ranges."""
    _check_default(servers, report)
    names: set[str] = set()
    urls: dict[str | None, str] = {}
    for index, engine in enumerate(servers.engines):
        path: Path = (*ENGINES, index)
        if engine.name in names:
            report((*path, "name"), f"{engine.name} is used twice; give each its own name")
        if engine.url in urls:
            report((*path, "url"), f"is also that of {urls[engine.url]}; name each machine once")
        names.add(engine.name)
        urls.setdefault(engine.url, engine.name)
        _check_way(engine, path, report)
    _check_ranges(servers, report)


def _check_default(servers: MediaServers, report: Report) -> None:
    path: Path = ("media_servers", "engine")
    name = servers.engine
    if name is None:
        return
    known = [engine.name for engine in servers.engines]
    if "://" not in name:
        if name not in known:
            report(path, f"{name} is none of engines; {_one_of(known)}")
        return
    if _far(name):
        report(
            path,
            "is on another machine, whose TLS files and network need a place; write it under "
            "engines: [{name: north, url: ...}], and here its name",
        )


def _check_way(engine: EngineSettings, path: Path, report: Report) -> None:
    scheme = urlsplit(engine.url or "").scheme
    tls = [key for key in _TLS if getattr(engine, key) is not None]
    ssh = [key for key in _SSH if getattr(engine, key) is not None]
    if tls and scheme not in ("tcp", "https"):
        report((*path, tls[0]), "is for tcp:// only; leave it out")
    elif tls and len(tls) < len(_TLS):
        missing = " and ".join(f"{key}:" for key in _TLS if key not in tls)
        report((*path, tls[0]), f"is not enough for TLS; write {missing} too")
    if ssh and scheme != "ssh" and engine.control is None:
        report((*path, ssh[0]), "is for ssh:// only; leave it out, or write control: ssh://...")
    if scheme == "ssh" and engine.control is not None:
        report((*path, "control"), "is not needed: url is ssh, and leads there too; leave it out")
    if not _far(engine.url or ""):
        return
    if scheme != "https" and not tls:
        advice = "write ca:, cert: and key:, or url: ssh://user@host"
        report((*path, "url"), f"is reached without TLS: {_ROOT}; {advice}")
    if engine.control is None:
        report(
            (*path, "url"),
            "leads to the engine, not to its media servers' control ports, which never leave that "
            "machine; write control: ssh://user@host too, or url: ssh://user@host alone",
        )


def _far(url: str) -> bool:
    """Tell whether an address needs TLS: that of another machine by TCP."""
    parts = urlsplit(url)
    return parts.scheme in ("tcp", "http", "https") and not is_loopback(parts.hostname or "")


def _check_ranges(servers: MediaServers, report: Report) -> None:
    """Warn of engines that hand out the same addresses: each knows only its own containers."""
    spans = sorted(_spans(servers), key=lambda item: (item[0].version, item[0].low))
    for (span, _, first), (other, path, name) in pairwise(spans):
        if span.meets(other):
            report(
                path,
                f"({other}) of {name or 'media_servers'} overlaps that of "
                f"{first or 'media_servers'} ({span}), and each engine hands out addresses by "
                "itself; if both are in one LAN, write ranges apart",
                Severity.WARNING,
            )


def _spans(servers: MediaServers) -> Iterator[tuple[Span, Path, str]]:
    own = servers.network.ip_range
    if own is not None and "://" in (servers.engine or ""):
        yield Span.of(own), ("media_servers", "network", "ip_range"), ""
    for index, engine in enumerate(servers.engines):
        written = engine.network.ip_range
        if written is not None and engine.enabled:
            yield Span.of(written), (*ENGINES, index, "network", "ip_range"), engine.name


def check_engine(site: Site, settings: Settings, report: Report) -> None:
    """Report a site's engine that is not there or is switched off."""
    name, servers = site.media_server.engine, settings.media_servers
    path: Path = ("media_server", "engine")
    if name is not None and servers.runtime is RuntimeKind.PROCESS:
        report(path, "is not used: media_servers.runtime is process", Severity.WARNING)
        return
    if servers.runtime is RuntimeKind.SWARM:
        return
    engine = servers.engine_of(name)
    if engine is None:
        known = [one.name for one in servers.engines]
        report(path, f"{name} is no name of media_servers.engines; {_one_of(known)}")
    elif not engine.enabled and site.enabled:
        report(
            path,
            f"{engine.name} is switched off in gateway.yaml, so nothing is made or changed there",
            Severity.WARNING,
        )


def _one_of(names: Sequence[str]) -> str:
    if not names:
        return "write it there: engines: [{name: north, url: ssh://user@host}]"
    return f"write one of: {', '.join(names)}"
