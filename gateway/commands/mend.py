"""``gateway probe --fix``: one camera's encoder, with a person's consent."""

from collections.abc import Callable, Sequence

import typer

from gateway.commands.office import Office
from gateway.commands.tables import encoder_text
from gateway.commands.words import Words
from gateway.control.encoder_fix import Doing, Workshop
from gateway.control.survey_run import Survey
from gateway.model.errors import ErrorKind
from gateway.model.site import Credential


async def mended(
    office: Office,
    done: Survey,
    users: Sequence[Credential],
    consent: Callable[[str], bool],
    words: Words,
) -> bool:
    """Change the main stream's encoder where that helps; tell whether something was changed.

    Raises GatewayError when the camera cannot be set by ONVIF.
    """
    sightings = done.book.sightings
    if len(sightings) != 1:
        raise words.error(ErrorKind.BAD_REQUEST, "many_to_fix", count=len(sightings))
    [seen] = sightings
    login = next((one for one in users if one.reference == seen.credential), None)
    tools = office.tools
    workshop = Workshop(tools.setter, tools.prober, tools.judge, tools.clock)
    change = await workshop.propose(seen, login)
    before, after = encoder_text(words, change.before), encoder_text(words, change.after)
    if not change.needed:
        typer.echo(words.say("fix.needless", before=before), err=True)
        return False
    if not consent(words.say("fix.change", before=before, after=after)):
        return False

    def tell(doing: Doing) -> None:
        setting = {Doing.SET: after, Doing.BACK: before}[doing]
        typer.echo(words.say(f"fix.{doing}", setting=setting), err=True)

    fixed = await workshop.fix(seen, change, login, tell=tell)
    typer.echo(words.say("fix.kept" if fixed.kept else "fix.undone"), err=True)
    return fixed.kept
