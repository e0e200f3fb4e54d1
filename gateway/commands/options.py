"""The options that the technician's commands share."""

import logging
from pathlib import Path
from typing import Annotated, Final

import typer

from gateway.commands import logins
from gateway.kit import logs

ATTENTION: Final = 2
"""The exit code when all went well and a person has to look at something."""

Directory = Annotated[
    Path, typer.Option("--dir", help="Folder with gateway.yaml and one file per building.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]
SiteArgument = Annotated[str, typer.Argument(metavar="SITE", help="The building.")]
CredentialOption = Annotated[list[str] | None, typer.Option(help=logins.HELP)]


def hush() -> None:
    """Send warnings to standard error and nothing else: the command itself tells its steps."""
    logs.set_up(level=logging.WARNING)
