"""How one gets to an engine, and from there to its media servers' control ports."""

from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import urlsplit, urlunsplit

from gateway.model.company import EngineSettings
from gateway.model.server import ControlAddress, ServerObserved
from gateway.runtime.docker.engine import Connect, Engine, Tls, connector, shown_url
from gateway.runtime.docker.tunnel import SshWay, Target, Tunnel


def engine_at(settings: EngineSettings, connect: Connect | None = None) -> Engine:
    """Return the engine that ``settings`` lead to; nothing is contacted yet."""
    where = shown_url(settings.url)
    if settings.name:
        where = f"{settings.name} ({where})"
    way = _ssh(settings)
    tunnel = None if way is None else Tunnel(way)
    if connect is None:
        url = settings.url
        if tunnel is not None and way is not None and way.engine:
            url = f"unix://{tunnel.socket}"
        connect = connector(url, _tls(settings))
    return Engine(connect, where=where, tunnel=tunnel)


def _ssh(settings: EngineSettings) -> SshWay | None:
    engine = (settings.url or "").startswith("ssh://")
    url = settings.url if engine else settings.control
    if url is None:
        return None
    return SshWay(url, settings.ssh_key, settings.known_hosts, engine=engine)


def _tls(settings: EngineSettings) -> Tls | None:
    if settings.ca is None or settings.cert is None or settings.key is None:
        return None
    return Tls(settings.ca, settings.cert, settings.key)


async def reachable(
    tunnel: Tunnel | None, servers: Sequence[ServerObserved]
) -> list[ServerObserved]:
    """Return ``servers`` with control addresses that can be reached from here.

    Raises ENGINE_UNAVAILABLE when the tunnel is down.
    """
    if tunnel is None:
        return list(servers)
    controls = [server.control for server in servers if server.control is not None]
    urls = [url for control in controls for url in (control.http_url, control.ws_url)]
    await tunnel.keep([_target(url) for url in urls])
    return [replace(server, control=await _through(tunnel, server.control)) for server in servers]


async def _through(tunnel: Tunnel, control: ControlAddress | None) -> ControlAddress | None:
    if control is None:
        return None
    return replace(
        control,
        http_url=await _rewritten(tunnel, control.http_url),
        ws_url=await _rewritten(tunnel, control.ws_url),
    )


async def _rewritten(tunnel: Tunnel, url: str) -> str:
    host, port = await tunnel.reach(_target(url))
    return urlunsplit(urlsplit(url)._replace(netloc=f"{host}:{port}"))


def _target(url: str) -> Target:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or 0
