"""``gateway discover``, ``gateway probe`` and ``gateway survey``.

What is slow to import (zeep) is imported by the command that needs it.
"""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from gateway.commands import logins
from gateway.commands.options import (
    ATTENTION,
    AsJson,
    CredentialOption,
    Directory,
    SiteArgument,
    speaking,
)
from gateway.commands.tables import found_table
from gateway.commands.words import Words


def discover(
    site: SiteArgument, *, directory: Directory = Path("sites"), as_json: AsJson = False
) -> None:
    """Find the devices of a building's networks, without asking them anything."""
    from gateway.commands import survey_work

    with speaking() as words:
        devices = asyncio.run(survey_work.discover(site, directory, words))
    if as_json:
        shown = [
            {
                "address": one.address,
                "onvif": one.onvif,
                "xaddrs": list(one.xaddrs),
                "heard": sorted(one.heard),
                "scopes": one.scopes,
                "mac": one.mac,
            }
            for one in devices
        ]
        typer.echo(json.dumps({"devices": shown}, ensure_ascii=False, indent=2))
    else:
        typer.echo(found_table(words, devices))
    if not devices:
        typer.echo(words.say("nothing_found"), err=True)
        raise typer.Exit(ATTENTION)


def survey(
    site: SiteArgument,
    *,
    directory: Directory = Path("sites"),
    pictures: Annotated[
        Path | None, typer.Option(help="Folder for the pictures; survey-SITE when absent.")
    ] = None,
    address: Annotated[
        list[str] | None, typer.Option(help="Survey only these addresses of the building.")
    ] = None,
    credential: CredentialOption = None,
    as_json: AsJson = False,
) -> None:
    """Find a building's cameras, look at their pictures and say whether residents can see them.

    Exits with 2 when a camera needs attention. ``gateway survey demo`` shows it on pretend ones.
    """
    from gateway.commands import survey_work

    with speaking() as words:
        work = survey_work.survey(
            site,
            directory,
            pictures,
            words=words,
            targets=address or (),
            users=[logins.read(text, words) for text in credential or ()],
            as_json=as_json,
        )
        attention = asyncio.run(work)
    if attention:
        raise typer.Exit(ATTENTION)


def probe(
    address: Annotated[
        str, typer.Argument(help="rtsp://..., http://..., a host or host:port; without password.")
    ],
    *,
    credential: CredentialOption = None,
    picture: Annotated[Path | None, typer.Option(help="File for the picture.")] = None,
    fix: Annotated[
        bool,
        typer.Option("--fix", help="Set the camera's encoder so that it plays everywhere."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before the change.")] = False,
    as_json: AsJson = False,
) -> None:
    """Look at one camera, whether it is in a file or not; exits with 2 when it does not play.

    With --fix the encoder becomes H.264 with a key frame every 2 s and without B-frames; the old
    setting is put back when no better picture comes.
    """
    from gateway.commands import survey_work

    with speaking() as words:
        users = [logins.read(text, words) for text in credential or ()]
        mend = _confirmed(words, yes=yes) if fix else None
        work = survey_work.probe(address, users, picture, words=words, as_json=as_json, mend=mend)
        plays = asyncio.run(work)
    if not plays:
        raise typer.Exit(ATTENTION)


def _confirmed(words: Words, *, yes: bool) -> Callable[[str], bool]:
    """Return how a person is asked whether a change may be made."""

    def ask(change: str) -> bool:
        typer.echo(change, err=True)
        return yes or typer.confirm(words.say("fix.ask"), show_default=False, err=True)

    return ask
