"""``gateway notify``: a trial message through every channel."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.notify import Notice, NoticeKind, Notifications
from gateway.model.text import LocalText


def notify(
    directory: Annotated[
        Path, typer.Argument(help="Folder with gateway.yaml and one file per building.")
    ] = Path("sites"),
) -> None:
    """Send a trial message to everybody who is told of outages."""
    from gateway.config.load import load

    fleet = load(directory)
    if not fleet.settled:
        raise GatewayError(
            ErrorKind.CONFIG_INVALID, "gateway.yaml is broken.", "gateway check says where"
        )
    rules = fleet.settings.notifications
    if not rules.channels:
        raise GatewayError(
            ErrorKind.CONFIG_INVALID,
            "gateway.yaml names nobody who is told of outages.",
            "write notifications: {telegram: [...]}, {email: [...]} or {webhooks: [...]}",
        )
    if asyncio.run(_try_all(rules)):
        raise typer.Exit(1)


async def _try_all(rules: Notifications) -> int:
    """Return how many channels failed."""
    from gateway.kit.clock import SystemClock
    from gateway.notify.post import Post, name_of

    post, failed = Post(), 0
    notice = Notice(NoticeKind.TRIAL, "", LocalText.of(""), SystemClock().now())
    try:
        for channel in rules.channels:
            try:
                await post.deliver(channel, notice, rules.language)
            except GatewayError as error:
                failed += 1
                typer.echo(f"{name_of(channel)}: {error}", err=True)
            else:
                typer.echo(f"{name_of(channel)}: sent")
    finally:
        await post.close()
    return failed
