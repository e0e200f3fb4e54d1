"""How ``gateway discover``, ``probe`` and ``survey`` do their work."""

import asyncio
import json
import re
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import typer

from gateway.api.survey_views import status_view
from gateway.commands.mend import mended
from gateway.commands.office import (
    Office,
    fleet_of,
    fleet_with,
    known_site,
    needs_attention,
    open_office,
)
from gateway.commands.pretend import SITE as PRETEND
from gateway.commands.pretend import pretend_site
from gateway.commands.tables import facts_text, sightings_table
from gateway.commands.words import Words
from gateway.control.recognise import host_of
from gateway.control.survey import checked_target
from gateway.control.survey_run import Survey
from gateway.model.company import Fleet
from gateway.model.errors import ErrorKind
from gateway.model.found import FoundDevice
from gateway.model.probe import Playable
from gateway.model.site import Credential, Discovery, Site
from gateway.model.survey import SurveyState
from gateway.model.text import LocalText
from gateway.onvif.discovery.multicast import PORT

_UNSAFE: Final = re.compile(r"[^A-Za-z0-9.-]+")


async def discover(site: str, directory: Path, words: Words) -> list[FoundDevice]:
    """Return the devices of a building's networks."""
    async with AsyncExitStack() as stack:
        fleet, port = await _stage(site, directory, stack, words)
        found = known_site(fleet, site, words)
        office = await stack.enter_async_context(open_office(fleet, words, port=port, keep=False))
        return [one async for one in office.tools.finder.search(found.discovery)]


async def survey(
    site: str,
    directory: Path,
    pictures: Path | None,
    *,
    words: Words,
    targets: Sequence[str],
    users: Sequence[Credential],
    as_json: bool,
) -> bool:
    """Survey and print; tell whether a person has to look at something."""
    folder = pictures or Path(f"survey-{_UNSAFE.sub('-', site)}")
    async with AsyncExitStack() as stack:
        fleet, port = await _stage(site, directory, stack, words)
        found = known_site(fleet, site, words)
        office = await stack.enter_async_context(open_office(fleet, words, port=port))
        done = await office.survey(
            site,
            targets=targets,
            credentials=users,
            tell=lambda line: typer.echo(line, err=True),
        )
        saved = await _save_pictures(office, done, folder)
    _raise_if_failed(done, words)
    if as_json:
        shown = status_view(done.status(), found)
        for one in shown["sightings"]:
            one["picture"] = saved.get(one["n"])
        typer.echo(json.dumps(shown, ensure_ascii=False, indent=2))
    else:
        typer.echo(sightings_table(words, done.book.sightings))
        if saved:
            typer.echo(words.say("pictures", count=len(saved), folder=folder))
    return needs_attention(done) or not done.book.sightings


async def probe(
    address: str,
    users: Sequence[Credential],
    picture: Path | None,
    *,
    words: Words,
    as_json: bool,
    mend: Callable[[str], bool] | None = None,
) -> bool:
    """Look at one address and print; tell whether it plays. Raises GatewayError.

    ``mend`` is shown the change of the encoder that would help, and says whether to make it.
    """
    address = checked_target(address)
    host = host_of(address)
    site = Site(
        id="probe",
        name=LocalText.of(host),
        cameras=(),
        discovery=Discovery(subnets=(f"{host}/32",)),
    )
    async with open_office(fleet_with(site), words, keep=False) as office:
        resolved = (await office.tools.interviewer.locate(host)).address
        fleet = fleet_with(_at(site, resolved))
        office.surveys.fleet = lambda: fleet
        target = address if host == resolved else address.replace(host, resolved, 1)
        done = await office.survey(site.id, targets=[target], credentials=users)
        if mend is not None and await mended(office, done, users, mend, words):
            done = await office.survey(site.id, targets=[target], credentials=users)
        first = next((one for one in done.book.sightings if one.has_picture), None)
        if picture is not None and first is not None:
            jpeg = await office.records.picture(done.order.id, first.n)
            await asyncio.to_thread(_write, picture, jpeg or b"", words)
    if as_json:
        shown = status_view(done.status(), site)["sightings"]
        for one in shown:
            del one["picture"]
        typer.echo(json.dumps({"sightings": shown}, ensure_ascii=False, indent=2))
    else:
        typer.echo(_probe_text(words, done))
    good = {Playable.EVERYWHERE, Playable.SOMEWHERE}
    return all(one.verdict and one.verdict.playable in good for one in done.book.sightings)


def _at(site: Site, address: str) -> Site:
    return Site(site.id, site.name, (), discovery=Discovery(subnets=(f"{address}/32",)))


def _probe_text(words: Words, done: Survey) -> str:
    lines = [sightings_table(words, done.book.sightings)]
    for one in done.book.sightings:
        for name, look in (("main", one.main), ("sub", one.sub)):
            if look is not None:
                facts = facts_text(words, look.facts)
                said = words.failure(look.failure)[0] if look.failure else facts
                lines.append(f"  {words.say(name)}: {look.rtsp}: {said}")
    return "\n".join(lines)


async def _stage(
    site: str, directory: Path, stack: AsyncExitStack, words: Words
) -> tuple[Fleet, int]:
    """Return the fleet and where its devices answer; ``demo`` is pretended when no file has it."""
    if site == PRETEND and not (directory / f"{PRETEND}.yaml").exists():
        typer.echo(words.say("pretend"), err=True)
        pretended, port = await stack.enter_async_context(pretend_site())
        return fleet_with(pretended), port
    return await asyncio.to_thread(fleet_of, directory, words), PORT


async def _save_pictures(office: Office, done: Survey, folder: Path) -> dict[int, str]:
    saved: dict[int, str] = {}
    for one in done.book.sightings:
        jpeg = await office.records.picture(done.order.id, one.n) if one.has_picture else None
        if jpeg is not None:
            name = _UNSAFE.sub("-", one.camera or f"{one.address}-{one.n}")
            path = folder / f"{name}.jpg"
            await asyncio.to_thread(_write, path, jpeg, office.words)
            saved[one.n] = str(path)
    return saved


def _write(path: Path, content: bytes, words: Words) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise words.error(
            ErrorKind.BAD_REQUEST, "no_picture", path=path, why=error.strerror
        ) from error


def _raise_if_failed(done: Survey, words: Words) -> None:
    status = done.status()
    if status.state is SurveyState.FAILED:
        why = words.problem(status.code) or status.reason
        raise words.error(ErrorKind.CONFIG_INVALID, "survey", why=why)
