"""``gateway healthy``: whether the gateway of these files runs; for a container's health check."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from gateway.model.company import Settings, Tls


def healthy(
    directory: Annotated[
        Path, typer.Argument(help="Folder with gateway.yaml and one file per building.")
    ] = Path("sites"),
) -> None:
    """Exit 1 if the gateway on this machine does not answer, or hangs."""
    from gateway import ask
    from gateway.config.load import load

    url, tls = _asked(load(directory).settings)
    asyncio.run(ask.healthy(url, tls))


def _asked(settings: Settings) -> tuple[str, Tls | None]:
    """Return the listener that answers whatever the others are for, and its certificate."""
    from gateway import ask

    listen = (settings.listen_host, settings.listen_port)
    host, port = settings.metrics_listen or settings.staff_listen or listen
    tls = None if settings.metrics_listen else settings.tls
    return f"{'http' if tls is None else 'https'}://{ask.reachable(host)}:{port}", tls
