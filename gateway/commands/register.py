"""``gateway register``: from "a camera hangs here" to "residents see it", in one command."""

import asyncio
import json
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


def register(
    site: SiteArgument,
    *,
    camera: Annotated[str, typer.Option(help="Its address: a host, http://... or rtsp://...")],
    camera_id: Annotated[str, typer.Option("--id", help="Its id, such as entrance-3.")],
    name: Annotated[str, typer.Option(help="Its name for residents (Russian or the only one).")],
    name_en: Annotated[str, typer.Option(help="Its English name.")] = "",
    who: Annotated[str, typer.Option(help="Who registers it, for the record.")] = "",
    credential: CredentialOption = None,
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for its video.")] = 60.0,
    force: Annotated[
        bool, typer.Option("--force", help="Register it although it does not play now.")
    ] = False,
    record: Annotated[
        Path | None, typer.Option(help="File for the printable acceptance record (HTML).")
    ] = None,
    url: Annotated[str, typer.Option(help="Address of the running gateway.")] = "",
    directory: Directory = Path("sites"),
    as_json: AsJson = False,
) -> None:
    """Probe a camera, write it into the building's file, and wait until residents see it.

    Exits with 2 when it is registered and does not play (yet).
    """
    from gateway.commands import register_work

    with speaking() as words:
        order = register_work.Order(
            site=site,
            directory=directory,
            target=camera,
            fields={"id": camera_id, "name": {"ru": name, "en": name_en} if name_en else name},
            users=[logins.read(text, words) for text in credential or ()],
            who=who or register_work.user(),
            wait=wait,
            force=force,
            url=url,
        )
        done, served = asyncio.run(register_work.register(order, words))
        if record is not None and done.record is not None:
            register_work.write_record(record, done.record, "en" if name_en else "ru", words)
    if as_json:
        typer.echo(json.dumps(register_work.shown(done), ensure_ascii=False, indent=2))
    else:
        typer.echo(done.diff.rstrip() or words.say("register.same"))
        typer.echo(register_work.sentence(words, done, served=served))
    if served and not done.live:
        raise typer.Exit(ATTENTION)
