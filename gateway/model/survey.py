"""What a survey of a site has come across, and what stays of it."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from gateway.model.device import DeviceReport, VideoSource
from gateway.model.probe import CameraVerdict, ProbeFailure, StreamFacts
from gateway.model.remark import Remark


class SightingState(StrEnum):
    """How far a survey has come with one camera."""

    FOUND = "found"
    INTERVIEWED = "interviewed"
    PROBED = "probed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class StreamLook:
    """One stream of a camera: its address without user and password, and what was seen of it."""

    rtsp: str
    facts: StreamFacts = field(default_factory=StreamFacts)
    failure: ProbeFailure | None = None
    took_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Sighting:
    """One picture of a building: a camera, or one channel of a recorder.

    ``n`` counts from 1 within its survey. ``target`` is what stands for it in a site's file: an
    ONVIF or RTSP address. ``camera`` is the id of the site's camera that it is recognised as,
    empty for a new one; ``moved_from`` is the host that the file still names. ``remarks`` are
    what a person must read. ``credential`` is the reference of the accepted one.
    """

    n: int
    address: str
    target: str
    state: SightingState = SightingState.FOUND
    heard: tuple[str, ...] = ()
    label: str = ""
    mac: str | None = None
    report: DeviceReport | None = None
    source: VideoSource | None = None
    camera: str = ""
    moved_from: str = ""
    remarks: tuple[Remark, ...] = ()
    main: StreamLook | None = None
    sub: StreamLook | None = None
    verdict: CameraVerdict | None = None
    failure: ProbeFailure | None = None
    credential: str = ""
    has_picture: bool = False

    @property
    def alarms(self) -> tuple[str, ...]:
        """The sentences of the remarks."""
        return tuple(one.text for one in self.remarks)

    @property
    def identity(self) -> str:
        """What tells this device from others; never its place alone when it has said more."""
        if self.report is None:
            return f"mac:{self.mac}" if self.mac else f"address:{self.address}"
        report = self.report
        if not report.mac and self.mac:
            report = replace(report, mac=self.mac)
        return report.identity


class SurveyState(StrEnum):
    """Where a survey stands."""

    RUNNING = "running"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    TOO_LONG = "too_long"
    FAILED = "failed"


class SurveyEventKind(StrEnum):
    """What has happened in a survey."""

    FOUND = "found"
    INTERVIEWED = "interviewed"
    PROBED = "probed"
    FINISHED = "finished"


@dataclass(frozen=True, slots=True)
class Progress:
    """Counts of sightings; ``searching`` while the network is still looked through."""

    found: int = 0
    interviewed: int = 0
    probed: int = 0
    pictures: int = 0
    failed: int = 0
    searching: bool = False
    elapsed_s: float = 0.0

    @property
    def left(self) -> int:
        """Sightings that are not done yet."""
        return self.found - self.probed - self.failed


@dataclass(frozen=True, slots=True)
class SurveyStatus:
    """A survey at one glance; ``reason`` says why it is not complete, ``code`` in a word."""

    id: str
    site: str
    state: SurveyState
    started: datetime
    progress: Progress
    sightings: tuple[Sighting, ...] = ()
    reason: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class SurveyEvent:
    """One step; ``sighting`` is ``None`` at the end of the survey, which is its last event."""

    kind: SurveyEventKind
    progress: Progress
    sighting: Sighting | None = None
    state: SurveyState = SurveyState.RUNNING
    reason: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class Remembered:
    """What is known of a camera from before: how to recognise it, and where its streams were.

    ``identity`` is :attr:`Sighting.identity`; ``source`` the video source's token, which tells
    the channels of a recorder apart; ``target`` is the address in the file it was learnt for,
    ``moved`` the host at which the camera is instead.
    """

    site: str
    camera: str
    identity: str
    address: str
    source: str = ""
    target: str = ""
    main: str | None = None
    sub: str | None = None
    credential: str = ""
    serial_identity: str = ""
    verdict: str = ""
    seen: datetime | None = None
    moved: str = ""


@dataclass(frozen=True, slots=True)
class Acceptance:
    """The record that a camera was put to work: what, where, by whom, and how well it plays.

    ``seconds`` is the time from the registration to the first video in the running gateway.
    ``number`` is given by the store.
    """

    site: str
    site_name: dict[str, str]
    camera: str
    camera_name: dict[str, str]
    when: datetime
    who: str
    action: str = "registered"
    make: str = ""
    model: str = ""
    serial: str = ""
    firmware: str = ""
    mac: str = ""
    address: str = ""
    facts: StreamFacts = field(default_factory=StreamFacts)
    verdict: CameraVerdict | None = None
    seconds: float | None = None
    picture: bytes | None = field(default=None, repr=False)
    number: int = 0
