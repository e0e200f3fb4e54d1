"""``gateway doctor``: is this machine fit for what the files want, and if not, what to do."""

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer


def doctor(
    directory: Annotated[
        Path, typer.Argument(help="Folder with gateway.yaml and one file per building.")
    ] = Path("sites"),
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check engine, networks, image, clock and limits of this machine; exit 1 if one must fail."""
    from gateway.commands import doctor_work

    found = asyncio.run(doctor_work.examine(directory))
    if as_json:
        typer.echo(json.dumps(doctor_work.as_json(found), ensure_ascii=False, indent=2))
    else:
        for finding in found:
            typer.echo(str(finding))
    if not doctor_work.fit(found):
        raise typer.Exit(1)
