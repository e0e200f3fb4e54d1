"""The options that the technician's commands share."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Final

import typer

from gateway.commands import logins
from gateway.commands.words import Words, words_for
from gateway.kit import logs
from gateway.model.errors import GatewayError

ATTENTION: Final = 2
"""The exit code when all went well and a person has to look at something."""

Directory = Annotated[
    Path, typer.Option("--dir", help="Folder with gateway.yaml and one file per building.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]
SiteArgument = Annotated[str, typer.Argument(metavar="SITE", help="The building.")]
CredentialOption = Annotated[list[str] | None, typer.Option(help=logins.HELP)]


@contextmanager
def speaking() -> Iterator[Words]:
    """Give the words of the terminal's language; a failure is told in it, and ends the command.

    Of the log only warnings go to standard error: the command itself tells its steps.
    """
    logs.set_up(level=logging.WARNING)
    words = words_for(os.environ)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A terminal that knows only some letters gets those, and a language of those.
            stream.reconfigure(errors="replace")
            words = words if words.writable(stream.encoding) else Words("en")
    try:
        yield words
    except GatewayError as error:
        said = words.spoken(error)
        typer.echo(f"gateway: {said.message}", err=True)
        if said.hint:
            typer.echo(f"  {said.label}: {said.hint}", err=True)
        raise typer.Exit(1) from error
