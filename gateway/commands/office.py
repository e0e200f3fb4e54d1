"""What the technician's commands work with: the files, the records, and surveys in this process."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from gateway.commands.tables import progress_line
from gateway.commands.words import Words
from gateway.config.load import load
from gateway.control.survey import Surveys
from gateway.control.survey_run import Survey
from gateway.control.survey_tools import Tools
from gateway.model.company import Fleet, Settings
from gateway.model.errors import ErrorKind
from gateway.model.site import Credential, Site
from gateway.model.survey import SightingState
from gateway.onvif.discovery.multicast import PORT
from gateway.store.records import RecordStore
from gateway.surveying import open_tools


@dataclass(frozen=True, slots=True)
class Office:
    """One command's surroundings."""

    fleet: Fleet
    tools: Tools
    records: RecordStore
    surveys: Surveys
    words: Words

    async def survey(
        self,
        site: str,
        *,
        targets: Sequence[str] = (),
        credentials: Sequence[Credential] = (),
        tell: Callable[[str], object] = lambda _line: None,
    ) -> Survey:
        """Survey to the end, telling each step."""
        survey = self.surveys.start(site, targets=targets, credentials=credentials)
        with survey.book.feed.subscribe() as events:
            async for event in events:
                line = progress_line(self.words, event)
                if line:
                    tell(line)
        return survey


@asynccontextmanager
async def open_office(
    fleet: Fleet, words: Words, *, port: int = PORT, keep: bool = True
) -> AsyncIterator[Office]:
    """Open everything; ``keep`` false remembers nothing beyond this command."""
    folder = fleet.settings.data_dir
    async with AsyncExitStack() as stack:
        records = RecordStore(folder if keep and folder.is_dir() else None)
        await stack.enter_async_context(records)
        tools = await stack.enter_async_context(open_tools(records, port=port))
        surveys = Surveys(tools, lambda: fleet)
        stack.push_async_callback(surveys.close)
        yield Office(fleet, tools, records, surveys, words)


def fleet_of(directory: Path, words: Words) -> Fleet:
    """Return what the files say; raises CONFIG_INVALID when there is no such folder."""
    if not directory.is_dir():
        raise words.error(ErrorKind.CONFIG_INVALID, "no_folder", folder=directory)
    return load(directory)


def known_site(fleet: Fleet, site: str, words: Words) -> Site:
    """Return a site; raises NOT_FOUND, or CONFIG_INVALID when its file is broken."""
    found = fleet.sites.get(site)
    if found is None and site in fleet.unreadable:
        problems = fleet.problems_of(site)
        first = str(problems[0]) if problems else ""
        raise words.error(ErrorKind.CONFIG_INVALID, "broken", site=site, problem=first)
    if found is None:
        known = ", ".join(fleet.sites) or words.say("none")
        raise words.error(ErrorKind.NOT_FOUND, "no_site", site=site, known=known)
    return found


def fleet_with(site: Site, settings: Settings | None = None) -> Fleet:
    """Return a fleet of one site that is in no file."""
    return Fleet(settings or Settings(), MappingProxyType({site.id: site}))


def needs_attention(survey: Survey) -> bool:
    """Tell whether a person has to look at what a survey has seen."""
    return any(
        one.state is not SightingState.PROBED or one.alarms or one.moved_from
        for one in survey.book.sightings
    )
