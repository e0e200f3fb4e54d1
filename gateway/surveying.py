"""Joins the rooms that surveys and registrations work with, as the service joins the rest."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from gateway.config.edit import SiteFiles
from gateway.control.board import Board
from gateway.control.buildings import Buildings
from gateway.control.fieldwork import Fieldwork
from gateway.control.foresight import Foresight
from gateway.control.notes import Notes
from gateway.control.ports import Records
from gateway.control.registration import Picture, Registrations
from gateway.control.streams import Streams
from gateway.control.survey import Surveys
from gateway.control.survey_tools import Tools
from gateway.kit.clock import Clock, SystemClock
from gateway.kit.measures import Measures
from gateway.model.company import Fleet
from gateway.model.probe import CameraVerdict, StreamFacts
from gateway.model.site import Site
from gateway.model.survey import Acceptance
from gateway.onvif.discovery.multicast import PORT
from gateway.onvif.field import OnvifField
from gateway.rtsp.probe import Prober
from gateway.rtsp.verdict import judge_camera
from gateway.saying import Sayings
from gateway.store import record_page
from gateway.store.records import RecordStore


@asynccontextmanager
async def open_tools(
    records: Records,
    *,
    clock: Clock | None = None,
    port: int = PORT,
    measures: Measures | None = None,
) -> AsyncIterator[Tools]:
    """Open what surveys need; threads and child processes begin with the first survey.

    ``port`` is where devices answer WS-Discovery probes.
    """
    prober = Prober(measures=measures)
    network = OnvifField(port=port)
    try:
        yield Tools(
            finder=network,
            interviewer=network,
            setter=network,
            prober=prober,
            judge=_judge,
            records=records,
            clock=clock or SystemClock(),
        )
    finally:
        await prober.close()
        await network.close()


async def open_fieldwork(
    stack: AsyncExitStack,
    directory: Path,
    data_dir: Path,
    *,
    board: Board,
    notes: Notes,
    changed: Callable[[Fleet], object],
    foresee: Callable[[str, Site | None], Foresight],
    poster: Callable[[str, str], Picture | None],
    measures: Measures,
) -> tuple[Fieldwork, Streams]:
    """Open what technicians work with; ``stack`` closes it.

    ``changed`` gets the fleet with every stream address that has become known; ``foresee`` says
    what another version of a site's file would lead to.
    """
    records = await stack.enter_async_context(RecordStore(data_dir))
    tools = await stack.enter_async_context(open_tools(records, measures=measures))
    streams = Streams(
        interviewer=tools.interviewer,
        records=records,
        board=board,
        clock=tools.clock,
        notes=notes,
        changed=lambda: changed(streams.fleet),
    )
    stack.push_async_callback(streams.close)
    surveys = Surveys(tools, lambda: streams.given)
    stack.push_async_callback(surveys.close)
    files = SiteFiles(directory, fleet=lambda: streams.given)
    registrations = Registrations(
        editor=files,
        board=board,
        fleet=lambda: streams.given,
        records=records,
        clock=tools.clock,
        poster=poster,
    )
    stack.push_async_callback(registrations.close)
    buildings = Buildings(
        files, lambda site, draft: foresee(site, None if draft is None else streams.filled(draft))
    )
    sayings = {language: Sayings(language) for language in ("en", "ru")}

    def page(record: Acceptance, language: str) -> str:
        return record_page.page(record, language, sayings[language].mend)

    style = record_page.STYLE_HASH
    return Fieldwork(surveys, registrations, records, buildings, page, style), streams


def _judge(main: StreamFacts, sub: StreamFacts | None, skew_s: float | None) -> CameraVerdict:
    return judge_camera(main, sub, clock_skew_s=skew_s)
