"""Chooses what media servers run on, by the company's settings."""

import functools
from collections.abc import Mapping, Sequence
from typing import Final, Protocol, runtime_checkable

from gateway.control.ports import Runtime
from gateway.model.company import EngineSettings, Fleet, RuntimeKind, Settings
from gateway.runtime.places import Places
from gateway.runtime.process import ProcessRuntime
from gateway.wcs.settings import embedded_container_files, embedded_files, wcs_files

LEASE_S: Final = 900.0
"""How long an embedded media server goes on when no gateway asks it any more."""


@runtime_checkable
class OnEngines(Protocol):
    """A runtime that is told by :func:`take_over` which engines there are."""

    def take(self, engines: Sequence[EngineSettings], homes: Mapping[str, str]) -> None:
        """Take over the engines, and the name of each site's own."""


def make_runtime(settings: Settings, *, lease_s: float = LEASE_S) -> Runtime:
    """Return what media servers run on."""
    kind = settings.media_servers.runtime
    if kind is RuntimeKind.SWARM:
        return _on_swarm(settings)
    if kind is RuntimeKind.DOCKER:
        return _on_engines(settings)
    return ProcessRuntime(
        settings.data_dir,
        media_ports=settings.media_servers.media_ports,
        configure=functools.partial(embedded_files, lease_s=lease_s),
    )


def _on_engines(settings: Settings) -> Runtime:
    # Not imported at the top: a machine without containers need not load the engine's SDK.
    from gateway.runtime.docker.engines import Engines
    from gateway.runtime.docker.runtime import DockerOptions, DockerRuntime

    def make(engine: EngineSettings) -> DockerRuntime:
        return DockerRuntime(
            DockerOptions(
                data_dir=settings.data_dir,
                network=engine.network,
                media_ports=settings.media_servers.media_ports,
                max_viewers=settings.media_servers.max_viewers,
                embedded=embedded_container_files,
                wcs=wcs_files,
                at=engine,
            )
        )

    return Engines(make)


def _on_swarm(settings: Settings) -> Runtime:
    from gateway.runtime.swarm.runtime import SwarmOptions, SwarmRuntime

    return SwarmRuntime(
        SwarmOptions(
            data_dir=settings.data_dir,
            network=settings.media_servers.network,
            media_ports=settings.media_servers.media_ports,
            max_viewers=settings.media_servers.max_viewers,
            embedded=embedded_container_files,
            wcs=wcs_files,
            at=manager(settings),
        )
    )


def manager(settings: Settings) -> EngineSettings:
    """Return the way to a manager of the Swarm: the company's own engine."""
    servers = settings.media_servers
    return servers.engine_of(None) or EngineSettings(url=servers.engine, network=servers.network)


def take_over(runtime: Runtime, fleet: Fleet) -> None:
    """Tell a runtime of engines what the files say now; any other knows it from its beginning."""
    containers = fleet.settings.media_servers.runtime is RuntimeKind.DOCKER
    if fleet.settled and containers and isinstance(runtime, OnEngines):
        runtime.take(engines(fleet), homes(fleet))


def homes(fleet: Fleet) -> Mapping[str, str]:
    """Return the name of each site's engine; that of the company has none."""
    servers = fleet.settings.media_servers
    found = {}
    for site_id, site in fleet.sites.items():
        engine = servers.engine_of(site.media_server.engine)
        found[site_id] = engine.name if engine else site.media_server.engine or ""
    return found


def engines(fleet: Fleet) -> Sequence[EngineSettings]:
    """Return all engines; the company's own only if somebody names it, or something is there."""
    servers = fleet.settings.media_servers
    own = servers.engine_of(None)
    if own is None or own in servers.engines:
        return servers.engines
    needed = not servers.engines or own.url is not None or "" in homes(fleet).values()
    held = Places(fleet.settings.data_dir / "docker" / "places.json").others("")
    return (own, *servers.engines) if needed or held else servers.engines


def needs_restart(settings: Settings) -> tuple[object, ...]:
    """Return the settings that a running gateway does not take over."""
    servers = settings.media_servers
    return (
        settings.listen_host,
        settings.listen_port,
        settings.staff_listen,
        settings.metrics_listen,
        settings.tls is None,
        settings.data_dir,
        servers.runtime,
        servers.media_ports,
    )
