"""``gateway probe --fix``: one camera's encoder, with a person's consent."""

from collections.abc import Callable, Sequence

import typer

from gateway.commands.office import Office
from gateway.control.encoder_fix import Workshop
from gateway.control.survey_run import Survey
from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.site import Credential


async def mended(
    office: Office, done: Survey, users: Sequence[Credential], consent: Callable[[str], bool]
) -> bool:
    """Change the main stream's encoder where that helps; tell whether something was changed.

    Raises GatewayError when the camera cannot be set by ONVIF.
    """
    sightings = done.book.sightings
    if len(sightings) != 1:
        raise GatewayError(
            ErrorKind.BAD_REQUEST,
            f"There are {len(sightings)} pictures at this address.",
            "a recorder's channels are set in its own page",
        )
    [seen] = sightings
    login = next((one for one in users if one.reference == seen.credential), None)
    tools = office.tools
    workshop = Workshop(tools.setter, tools.prober, tools.judge, tools.clock)
    change = await workshop.propose(seen, login)
    if not change.needed:
        typer.echo(f"the encoder is set as it should be: {change.before}", err=True)
        return False
    if not consent(f"now: {change.before}\nnew: {change.after}"):
        return False
    fixed = await workshop.fix(seen, change, login, tell=lambda line: typer.echo(line, err=True))
    typer.echo("the new setting is kept" if fixed.kept else "the old setting is back", err=True)
    return fixed.kept
