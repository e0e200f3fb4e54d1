"""Chooses what media servers run on, by the company's settings."""

import functools
from typing import Final

from gateway.control.ports import Runtime
from gateway.model.company import RuntimeKind, Settings
from gateway.model.errors import ErrorKind, GatewayError
from gateway.runtime.process import ProcessRuntime
from gateway.wcs.settings import embedded_container_files, embedded_files, wcs_files

LEASE_S: Final = 900.0
"""How long an embedded media server goes on when no gateway asks it any more."""


def make_runtime(settings: Settings, *, lease_s: float = LEASE_S) -> Runtime:
    """Return what media servers run on; raises CONFIG_INVALID for one that is not built in."""
    kind, servers = settings.media_servers.runtime, settings.media_servers
    if kind is RuntimeKind.SWARM:
        raise GatewayError(
            ErrorKind.CONFIG_INVALID,
            f"the runtime {kind} is not part of this version",
            "set media_servers.runtime to docker or process in gateway.yaml",
        )
    if kind is RuntimeKind.DOCKER:
        # Not imported at the top: a machine without containers need not load the engine's SDK.
        from gateway.runtime.docker.runtime import DockerOptions, DockerRuntime

        return DockerRuntime(
            DockerOptions(
                data_dir=settings.data_dir,
                network=servers.network,
                media_ports=servers.media_ports,
                max_viewers=servers.max_viewers,
                embedded=embedded_container_files,
                wcs=wcs_files,
                engine=servers.engine,
            )
        )
    return ProcessRuntime(
        settings.data_dir,
        media_ports=settings.media_servers.media_ports,
        configure=functools.partial(embedded_files, lease_s=lease_s),
    )


def needs_restart(settings: Settings) -> tuple[object, ...]:
    """Return the settings that a running gateway does not take over."""
    servers = settings.media_servers
    return (
        settings.listen_host,
        settings.listen_port,
        settings.staff_listen,
        settings.tls is None,
        settings.data_dir,
        servers.runtime,
        servers.media_ports,
        servers.engine,
        servers.network,
    )
