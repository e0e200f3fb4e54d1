"""How ``gateway register`` does its work."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from getpass import getuser
from pathlib import Path
from typing import Any

import typer

from gateway import ask
from gateway.api.survey_views import acceptance_view
from gateway.commands.office import fleet_of, known_site, open_office
from gateway.commands.remote_board import remote_board
from gateway.commands.tables import result, sightings_table
from gateway.commands.words import Words
from gateway.config.edit import SiteFiles
from gateway.control.drafts import addresses_of, credential_key
from gateway.control.registration import Newcomer, Registered, Registrations
from gateway.kit.clock import SystemClock
from gateway.model.errors import ErrorKind
from gateway.model.site import Credential
from gateway.model.survey import Acceptance, Sighting, SightingState
from gateway.saying import Sayings
from gateway.store.record_page import page


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What the command line has said."""

    site: str
    directory: Path
    target: str
    fields: dict[str, Any]
    users: Sequence[Credential]
    who: str
    wait: float
    force: bool
    url: str


async def register(order: Order, words: Words) -> tuple[Registered, bool]:
    """Return what has come of it, and whether a gateway runs that could show it."""
    fleet = await asyncio.to_thread(fleet_of, order.directory, words)
    site, settings = known_site(fleet, order.site, words), fleet.settings
    async with AsyncExitStack() as stack:
        office = await stack.enter_async_context(open_office(fleet, words))
        done = await office.survey(
            site.id,
            targets=[order.target],
            credentials=order.users,
            tell=lambda line: typer.echo(line, err=True),
        )
        seen = _chosen(words, done.book.sightings, force=order.force)
        url = order.url or f"http://{ask.reachable(settings.listen_host)}:{settings.listen_port}"
        board, served = await stack.enter_async_context(remote_board(url, settings.staff_token))
        registrations = Registrations(
            editor=SiteFiles(order.directory, fleet=lambda: fleet),
            board=board,
            fleet=lambda: fleet_of(order.directory, words),
            records=office.records,
            clock=SystemClock(),
        )
        stack.push_async_callback(registrations.close)
        fields = order.fields | (addresses_of(seen) or _as_named(order.target))
        key = credential_key(site, seen.credential, order.users)
        newcomer = Newcomer(
            fields if key is None else {**fields, "credential": key},
            who=order.who,
            sighting=seen,
            survey=done.order.id,
        )
        wait_s = order.wait if served else 0
        return await registrations.add(site.id, newcomer, wait_s=wait_s), served


def _chosen(words: Words, sightings: Sequence[Sighting], *, force: bool) -> Sighting:
    """Return the one camera to register; raises when there is none, several, or a known one."""
    if len(sightings) != 1:
        table = sightings_table(words, sightings)
        raise words.error(ErrorKind.BAD_REQUEST, "not_one", count=len(sightings), table=table)
    [seen] = sightings
    if seen.camera:
        raise words.error(ErrorKind.CONFLICT, "known", camera=seen.camera)
    if seen.state is not SightingState.PROBED and not force:
        mend = words.failure(seen.failure)[1] if seen.failure else ""
        key = "no_video" if mend else "unseen"
        said = result(words, seen)
        raise words.error(ErrorKind.CAMERA_NO_VIDEO, key, result=said, mend=mend)
    return seen


def _as_named(target: str) -> dict[str, Any]:
    return {"rtsp": target} if target.lower().startswith("rtsp") else {"onvif": target}


def sentence(words: Words, done: Registered, *, served: bool) -> str:
    """Return how it went."""
    if not served:
        return words.say("register.nobody", camera=done.camera)
    if done.live and done.seconds is not None:
        return words.say("register.live_after", camera=done.camera, seconds=f"{done.seconds:.1f}")
    if done.live:
        return words.say("register.live", camera=done.camera)
    why = words.cause(done.code, done.reason, done.hint, done.about)
    return words.say("register.waits", camera=done.camera, why=" ".join(filter(None, why)))


def shown(done: Registered) -> dict[str, Any]:
    """Return how it went, for machines."""
    return {
        "camera": done.camera,
        "diff": done.diff,
        "version": done.version,
        "live": done.live,
        "seconds": done.seconds,
        "reason": done.reason,
        "hint": done.hint,
        "code": done.code,
        "about": done.about,
        "record": None if done.record is None else acceptance_view(done.record),
    }


def write_record(path: Path, record: Acceptance, language: str, words: Words) -> None:
    """Write the printable record; raises GatewayError."""
    try:
        path.write_text(page(record, language, Sayings(language).mend), encoding="utf-8")
    except OSError as error:
        raise words.error(
            ErrorKind.BAD_REQUEST, "no_record", path=path, why=error.strerror
        ) from error


def user() -> str:
    """Return who runs the command."""
    try:
        return getuser()
    except (OSError, KeyError):
        return ""
