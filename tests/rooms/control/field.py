"""A building's network on loopback, and surveys of it by the real rooms."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.control.survey import Surveys
from gateway.control.survey_run import Survey
from gateway.control.survey_tools import Tools
from gateway.kit.clock import SystemClock
from gateway.kit.secret import Secret
from gateway.model.company import Fleet, Settings
from gateway.model.site import Camera, Credential, Discovery, Site
from gateway.model.survey import Sighting, SurveyEvent
from gateway.model.text import LocalText
from gateway.onvif.field import OnvifField
from gateway.onvif.transport import CALL_S
from gateway.rtsp.probe import Prober
from gateway.rtsp.verdict import judge_camera
from gateway.store.records import RecordStore
from tests.peers.onvif_device import PASSWORD

GOOD = Credential("viewer", Secret(PASSWORD), "env:CAMERAS")
WRONG = Credential("viewer", Secret("planted-wrong-7"), "env:OLD")


@dataclass
class Field:
    """Surveys with everything that they work with."""

    surveys: Surveys
    records: RecordStore
    fleet: dict[str, Site]

    async def survey(
        self, site: Site, *, targets: Sequence[str] = (), pictures: bool = True
    ) -> tuple[Survey, list[SurveyEvent]]:
        """Survey a site to the end; return the survey and its events as they came."""
        self.fleet[site.id] = site
        survey = self.surveys.start(site.id, targets=targets, pictures=pictures)
        with survey.book.feed.subscribe() as events:
            return survey, [event async for event in events]


@asynccontextmanager
async def field(
    *,
    port: int = 3702,
    window_s: float = 2.0,
    folder: Path | None = None,
    with_tcp: bool = False,
    hello_s: float = CALL_S,
) -> AsyncIterator[Field]:
    """Open the rooms; ``port`` is where the devices of the test answer probes."""
    prober, fleet = Prober(window_s=window_s), dict[str, Site]()
    async with (
        RecordStore(folder) as records,
        OnvifField(port=port, with_tcp=with_tcp, hello_s=hello_s) as network,
    ):
        tools = Tools(
            finder=network,
            interviewer=network,
            setter=network,
            prober=prober,
            judge=lambda main, sub, skew: judge_camera(main, sub, clock_skew_s=skew),
            records=records,
            clock=SystemClock(),
        )
        surveys = Surveys(tools, lambda: Fleet(Settings(), fleet))
        try:
            yield Field(surveys, records, fleet)
        finally:
            await surveys.close()
            await prober.close()


def site_of(
    *cameras: Camera,
    subnets: tuple[str, ...] = ("127.0.0.1/32",),
    credentials: tuple[Credential, ...] = (GOOD,),
    site_id: str = "house",
) -> Site:
    """Return a site with discovery on loopback."""
    return Site(
        id=site_id,
        name=LocalText.of({"ru": "Дом", "en": "House"}),
        cameras=cameras,
        discovery=Discovery(subnets=subnets, credentials=credentials),
    )


def camera_of(camera_id: str, **keys: object) -> Camera:
    """Return a camera of a site's file."""
    return Camera(camera_id, LocalText.of(camera_id), **keys)  # type: ignore[arg-type]  # keys of a Camera


def by_camera(survey: Survey) -> dict[str, Sighting]:
    """Return the sightings that were recognised, by camera."""
    return {one.camera: one for one in survey.book.sightings if one.camera}
