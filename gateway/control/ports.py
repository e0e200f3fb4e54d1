"""What control asks of the rooms below it, declared by the one who asks.

Adapters satisfy these by shape (``runtime``, ``wcs``, ``onvif``, ``rtsp``, ``config``, ``store``);
only ``gateway.service`` and the commands join them. Every method raises
:class:`gateway.model.errors.GatewayError` and nothing else, within a deadline of its own.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from gateway.kit.secret import Secret
from gateway.model.checkup import Checkup
from gateway.model.device import DeviceReport, Profile
from gateway.model.encoder import EncoderChange
from gateway.model.found import FoundDevice
from gateway.model.load import MachineLoad
from gateway.model.probe import CameraVerdict, ProbeResult, StreamFacts
from gateway.model.server import (
    CaptureObserved,
    ControlAddress,
    ServerObserved,
    ServerSpec,
    ServerStats,
    StreamObserved,
)
from gateway.model.site import Credential, Discovery, Site
from gateway.model.survey import Acceptance, Remembered, SurveyStatus


class Runtime(Protocol):
    """Where media servers run."""

    def fingerprint(self, spec: ServerSpec) -> str:
        """Return a text that changes whenever a server must be replaced to satisfy ``spec``."""

    async def observe(self, site: str | None = None) -> Sequence[ServerObserved]:
        """Return all media servers that carry our label (of one ``site``, if named)."""

    def processor(self, server_id: str) -> float | None:
        """Return a server's share of the processors that it may use, at once; 1 is all of them.

        ``None`` while nothing is known: it is found out in the background for whoever asks again.
        """

    async def create(self, spec: ServerSpec) -> None:
        """Make and start a server; one of the same id that we own is replaced."""

    async def start(self, server_id: str) -> None:
        """Start a stopped server again."""

    async def stop(self, server_id: str) -> None:
        """Stop a server and keep what belongs to it; one that is not running counts as stopped."""

    async def remove(self, server_id: str) -> None:
        """Stop and remove a server; one that is not there counts as removed."""

    def events(self) -> AsyncIterator[str]:
        """Yield the site whose servers have changed, as soon as it is seen."""

    async def close(self) -> None:
        """Let go of the servers (they may go on running) and free what the adapter holds."""


class Host(Protocol):
    """The machine that the gateway runs on."""

    def load(self) -> MachineLoad | None:
        """Return what is taken of it at once, ``None`` where nobody can tell."""


class Play(Protocol):
    """One viewer's play on a media server."""

    @property
    def id(self) -> str:
        """The media session's id, known to the media server's REST API too."""

    @property
    def answer(self) -> str:
        """The SDP answer."""

    @property
    def ended(self) -> asyncio.Future[str]:
        """Done with the reason when the play is over, whoever ended it."""

    async def stop(self) -> None:
        """End the play."""


class MediaServer(Protocol):
    """How one drives a media server (WCS REST and signalling)."""

    async def ready(self) -> bool:
        """Tell whether it answers as a media server that can be used."""

    async def captures(self) -> Sequence[CaptureObserved]:
        """Return the cameras that it pulls."""

    def changes(self) -> AsyncIterator[None]:
        """Yield whenever a pull has changed; raises NOT_FOUND for a server that tells nothing.

        It ends, or raises SERVER_NOT_READY, when the server is not heard any more.
        """

    async def startup(self, uri: Secret, stream: str) -> None:
        """Start to pull ``uri`` as ``stream``; a pull that runs already is no error."""

    async def terminate_capture(self, uri: Secret) -> None:
        """Stop to pull ``uri``; one that is not pulled is no error."""

    async def streams(self) -> Sequence[StreamObserved]:
        """Return all ingests and viewers."""

    async def stop_viewer(self, media_session_id: str) -> bool:
        """End one viewer's play by its id; tell whether it was there."""

    async def stats(self) -> ServerStats:
        """Return its numbers."""

    async def snapshot(self, stream: str) -> bytes:
        """Return the current picture of ``stream`` as PNG."""

    async def play(self, stream: str, offer: str, *, tcp: bool = False) -> Play:
        """Play ``stream`` to a browser that sent ``offer``; ``tcp``: UDP did not reach it.

        Raises kinds NOT_FOUND (no such stream), CAMERA_OFFLINE (no video yet),
        CODEC_UNSUPPORTED, OFFER_MALFORMED, OFFER_UNUSABLE, SERVER_FULL, SERVER_NOT_READY.
        """

    async def close(self) -> None:
        """Close the connections; plays that go on elsewhere are left alone."""


MediaServers = Callable[[ControlAddress], MediaServer]


class Finder(Protocol):
    """Looks through a building's network."""

    def search(self, discovery: Discovery) -> AsyncIterator[FoundDevice]:
        """Yield each device once, as it answers; raises CONFIG_INVALID for a bad scope."""

    def allows(self, discovery: Discovery, host: str) -> bool:
        """Tell whether ``host`` is an address inside the site's networks."""


class Interviewer(Protocol):
    """Questions cameras over ONVIF, a bounded number at once."""

    async def locate(self, target: str) -> FoundDevice:
        """Return where to ask the device of an ``onvif:`` key; raises CAMERA_UNREACHABLE."""

    async def ask(
        self,
        found: FoundDevice,
        credentials: Sequence[Credential],
        discovery: Discovery | None = None,
    ) -> DeviceReport:
        """Return what a device says; never raises for what it does, its report holds the failure.

        Each credential is tried once. Without ``discovery`` only the device's own address is
        contacted, with it any address of the site's networks that the device names.
        """


class EncoderSetter(Protocol):
    """Changes how a camera encodes, when a person asks for it; raises CAMERA_BAD_ANSWER."""

    async def propose(
        self, report: DeviceReport, profile: Profile, credential: Credential | None
    ) -> EncoderChange:
        """Return how a profile's encoder is set and how it should be."""

    async def apply(
        self,
        report: DeviceReport,
        profile: Profile,
        credential: Credential | None,
        words: bytes,
    ) -> None:
        """Set the encoder to ``old`` or ``new`` of a change."""


class Prober(Protocol):
    """Looks at streams, a bounded number at once."""

    async def look_at(self, rtsp: str, credential: Credential | None) -> ProbeResult:
        """Return what a stream sends, with a picture; never raises for what a camera does."""


Judge = Callable[[StreamFacts, StreamFacts | None, float | None], CameraVerdict]
"""Returns the verdict of a main and a sub stream, given the camera's clock skew in seconds."""


class SiteEdit(Protocol):
    """What an edit of a site's file has done."""

    @property
    def site(self) -> str:
        """Whose file it is."""

    @property
    def draft(self) -> Site | None:
        """The building as the file describes it after the edit; ``None`` when it is removed."""

    @property
    def diff(self) -> str:
        """The change as a unified diff, empty when nothing had to change."""

    @property
    def version(self) -> str:
        """The file's version after it."""


class SiteEditor(Protocol):
    """Writes registrations into the sites' files. Blocks for milliseconds: call it in a thread."""

    def trial(self) -> "SiteEditor":
        """Return an editor that checks every edit and writes none."""

    def read(self, site: str) -> tuple[str, str]:
        """Return the text of a site's file and its version."""

    def create_site(self, site: str, fields: Mapping[str, Any]) -> SiteEdit:
        """Make the file of a new building."""

    def change_site(
        self, site: str, fields: Mapping[str, Any], *, version: str | None = None
    ) -> SiteEdit:
        """Set keys of a building."""

    def remove_site(self, site: str, *, version: str | None = None) -> SiteEdit:
        """Take a building out of service; its file stays under another name."""

    def add_camera(
        self, site: str, camera: Mapping[str, Any], *, version: str | None = None
    ) -> SiteEdit:
        """Add a camera, given by its keys."""

    def change_camera(
        self, site: str, camera: str, fields: Mapping[str, Any], *, version: str | None = None
    ) -> SiteEdit:
        """Set keys of a camera; a key whose value is ``None`` is removed."""

    def replace_camera(
        self, site: str, camera: str, fields: Mapping[str, Any], *, version: str | None = None
    ) -> SiteEdit:
        """Put another device in a camera's place."""

    def remove_camera(self, site: str, camera: str, *, version: str | None = None) -> SiteEdit:
        """Remove a camera."""


class Records(Protocol):
    """What is remembered of surveys and registrations."""

    async def remember(self, known: Remembered) -> None:
        """Keep what is known of one camera, in place of what was known before."""

    async def remembered(self, site: str | None = None) -> Sequence[Remembered]:
        """Return what is known of the cameras of one site, or of all."""

    async def forget(self, site: str, camera: str) -> None:
        """Forget a camera that was removed; its acceptance records stay."""

    async def keep_checkup(self, checkup: Checkup) -> None:
        """Keep the last full look at a camera, in place of the one before."""

    async def checkups(self, since: datetime | None = None) -> Sequence[Checkup]:
        """Return the last full look at every camera, or only those taken since."""

    async def begin_survey(self, site: str, survey: str) -> None:
        """Make room for a survey's pictures; of earlier ones only the last that has ended stays."""

    async def end_survey(self, status: SurveyStatus) -> None:
        """Keep what a survey has come to; the site's other surveys go."""

    async def ended_surveys(self, sites: Collection[str]) -> Sequence[SurveyStatus]:
        """Return the last survey of each site that has ended; those of other sites go."""

    async def surveying(self, site: str) -> bool:
        """Tell whether a survey of the site has begun and not ended, in whichever process."""

    async def save_picture(self, survey: str, n: int, jpeg: bytes) -> None:
        """Keep the picture of one sighting of a survey that was begun."""

    async def picture(self, survey: str, n: int) -> bytes | None:
        """Return the picture of one sighting."""

    async def accept(self, record: Acceptance) -> Acceptance:
        """Keep an acceptance record; returns it with its number."""

    async def acceptance(self, site: str, camera: str) -> Acceptance | None:
        """Return the latest acceptance record of a camera."""
