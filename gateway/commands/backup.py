"""``gateway backup``: a copy of everything that the gateway keeps, while it runs."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.model.errors import ErrorKind, GatewayError


def backup(
    target: Annotated[Path, typer.Argument(help="Folder to be made for the copy.")],
    directory: Annotated[
        Path, typer.Argument(help="Folder with gateway.yaml and one file per building.")
    ] = Path("sites"),
) -> None:
    """Copy the files and the data folder to TARGET/sites and TARGET/data while the gateway runs.

    The copy holds passwords of media servers and names of people: keep it as you keep those.
    """
    from gateway.config.load import load
    from gateway.store.backup import copy_folder

    if not directory.is_dir():
        raise GatewayError(
            ErrorKind.CONFIG_INVALID,
            f"There is no folder {directory}.",
            "name the folder with gateway.yaml: gateway backup TARGET /etc/camera-gateway",
        )
    fleet = load(directory)
    if not fleet.settled:
        raise GatewayError(
            ErrorKind.CONFIG_INVALID,
            "gateway.yaml is broken, so nobody knows where the data folder is.",
            "gateway check says where; or copy both folders by hand while the gateway stands still",
        )
    if target.exists():
        raise GatewayError(
            ErrorKind.CONFLICT, f"{target} is there already.", "name a folder that is not there yet"
        )
    if target.resolve().is_relative_to(fleet.settings.data_dir.resolve()):
        raise GatewayError(
            ErrorKind.BAD_REQUEST, f"{target} is in the data folder.", "name another place"
        )
    files = copy_folder(directory, target / "sites")
    kept = copy_folder(fleet.settings.data_dir, target / "data")
    typer.echo(f"{target}: sites with {files} files, data with {kept}")
