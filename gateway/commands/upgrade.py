"""``gateway upgrade-config``: the files of an older gateway, brought to this one's keys."""

from pathlib import Path
from typing import Annotated, Final

import typer

from gateway.model.errors import ErrorKind, GatewayError

_CHANGES_PENDING: Final = 2


def upgrade_config(
    directory: Annotated[
        Path, typer.Argument(help="Folder with gateway.yaml and one file per building.")
    ] = Path("sites"),
    *,
    write: Annotated[bool, typer.Option("--write", help="Change the files.")] = False,
) -> None:
    """Show how the files must change for this gateway; exit 2 if they must."""
    from gateway.config.upgrade import prepare

    if not directory.is_dir():
        raise GatewayError(
            ErrorKind.CONFIG_INVALID,
            f"There is no folder {directory}.",
            "name the folder with your sites' files",
        )
    upgrade = prepare(directory)
    if not upgrade.files:
        typer.echo(f"{directory}: version {upgrade.version}, nothing to upgrade")
        return
    for sentence in upgrade.says:
        typer.echo(sentence)
    for file in upgrade.files:
        typer.echo(file.diff, nl=False)
    if not write:
        typer.echo("nothing is written yet; add --write")
        raise typer.Exit(_CHANGES_PENDING)
    for kept in upgrade.write():
        typer.echo(f"kept the old file as {kept}")
    typer.echo(f"done; look at it once more: gateway check {directory}")
