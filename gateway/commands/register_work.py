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
from gateway.config.edit import SiteFiles
from gateway.control.drafts import addresses_of, credential_key
from gateway.control.registration import Newcomer, Registered, Registrations
from gateway.kit.clock import SystemClock
from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.site import Credential
from gateway.model.survey import Acceptance, Sighting, SightingState
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


async def register(order: Order) -> tuple[Registered, bool]:
    """Return what has come of it, and whether a gateway runs that could show it."""
    fleet = await asyncio.to_thread(fleet_of, order.directory)
    site, settings = known_site(fleet, order.site), fleet.settings
    async with AsyncExitStack() as stack:
        office = await stack.enter_async_context(open_office(fleet))
        done = await office.survey(
            site.id,
            targets=[order.target],
            credentials=order.users,
            tell=lambda line: typer.echo(line, err=True),
        )
        seen = _chosen(done.book.sightings, force=order.force)
        url = order.url or f"http://{ask.reachable(settings.listen_host)}:{settings.listen_port}"
        board, served = await stack.enter_async_context(remote_board(url, settings.staff_token))
        registrations = Registrations(
            editor=SiteFiles(order.directory, fleet=lambda: fleet),
            board=board,
            fleet=lambda: fleet_of(order.directory),
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


def _chosen(sightings: Sequence[Sighting], *, force: bool) -> Sighting:
    """Return the one camera to register; raises when there is none, several, or a known one."""
    if len(sightings) != 1:
        raise GatewayError(
            ErrorKind.BAD_REQUEST,
            f"There are {len(sightings)} pictures at this address:\n{sightings_table(sightings)}",
            "name the rtsp:// address of one of them",
        )
    [seen] = sightings
    if seen.camera:
        raise GatewayError(
            ErrorKind.CONFLICT,
            f"This camera is registered as {seen.camera} already.",
            "rename it in the file, or remove it first",
        )
    if seen.state is not SightingState.PROBED and not force:
        hint = seen.failure.hint if seen.failure else ""
        raise GatewayError(
            ErrorKind.CAMERA_NO_VIDEO,
            f"The camera does not play: {result(seen)}",
            f"{hint}; or register it as it is with --force",
        )
    return seen


def _as_named(target: str) -> dict[str, Any]:
    return {"rtsp": target} if target.lower().startswith("rtsp") else {"onvif": target}


def sentence(done: Registered, *, served: bool) -> str:
    """Return how it went."""
    if not served:
        return f"{done.camera} is registered; no gateway runs that could show it now"
    if done.live:
        after = f" after {done.seconds:.1f} s" if done.seconds is not None else ""
        return f"{done.camera} is live{after}: residents see it"
    return f"{done.camera} is registered and not live yet: {done.reason} {done.hint}".rstrip()


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
        "record": None if done.record is None else acceptance_view(done.record),
    }


def write_record(path: Path, record: Acceptance, language: str) -> None:
    """Write the printable record; raises GatewayError."""
    try:
        path.write_text(page(record, language), encoding="utf-8")
    except OSError as error:
        raise GatewayError(
            ErrorKind.BAD_REQUEST,
            f"The record {path} cannot be written: {error.strerror}",
            "the camera is registered; name another place for the record",
        ) from error


def user() -> str:
    """Return who runs the command."""
    try:
        return getuser()
    except (OSError, KeyError):
        return ""
