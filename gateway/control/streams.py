"""The stream addresses of cameras whose file names only their ONVIF service.

Asked once, remembered in the records, and asked again when the camera does not play: firmware
updates and new profiles change stream paths. A refused password is not tried again soon, because
cameras lock themselves.
"""

import asyncio
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

import structlog

from gateway.control.board import Board
from gateway.control.moves import moved, placed
from gateway.control.notes import Notes
from gateway.control.ports import Interviewer, Records
from gateway.control.recognise import remembered
from gateway.kit.backoff import Backoff
from gateway.kit.clock import Clock
from gateway.kit.tasks import Tasks
from gateway.model.company import Fleet, Settings
from gateway.model.device import DeviceFailure, DeviceFailureKind, DeviceReport, VideoSource
from gateway.model.errors import GatewayError
from gateway.model.site import Camera, Follow, Site
from gateway.model.status import CameraState
from gateway.model.survey import Remembered, Sighting, SightingState, StreamLook

_AT_ONCE: Final = 16
_LOOK_S: Final = 2.0
_QUIET_S: Final = 60.0
_AGAIN_S: Final = 600.0
_PASSWORD_S: Final = 1800.0
_PASSWORD: Final = frozenset(
    {
        DeviceFailureKind.WRONG_PASSWORD,
        DeviceFailureKind.NEEDS_PASSWORD,
        DeviceFailureKind.LOCKED,
        DeviceFailureKind.CLOCK_OFF,
    }
)
_SICK: Final = frozenset({CameraState.SILENT, CameraState.FAILED})
_MISTAKE: Final = DeviceFailure(
    DeviceFailureKind.BAD_ANSWER,
    "the gateway made a mistake with this camera",
    "the gateway's log says more",
)
_Key = tuple[str, str]


@dataclass(slots=True)
class _Asking:
    """How one camera is being asked; ``camera`` is the entry that it was asked for."""

    camera: Camera
    not_before: float = 0.0
    backoff: Backoff = field(default_factory=lambda: Backoff(first=4, most=300))
    trouble: str = ""


class Streams:
    """Gives a fleet in which every camera whose streams are known has its RTSP addresses.

    ``changed`` is called when those of another camera have become known: :attr:`fleet` is a new
    one then.
    """

    def __init__(
        self,
        *,
        interviewer: Interviewer,
        records: Records,
        board: Board,
        clock: Clock,
        notes: Notes,
        changed: Callable[[], object],
    ) -> None:
        self._interviewer = interviewer
        self._records = records
        self._board = board
        self._clock = clock
        self._notes = notes
        self._changed = changed
        self._given = self._fleet = Fleet(Settings(), {})
        self._known: dict[_Key, Remembered] = {}
        self._asking: dict[_Key, _Asking] = {}
        self._woken = asyncio.Event()
        self._stale = False
        self._tasks = Tasks("streams")
        self._log = structlog.get_logger("streams")

    @property
    def fleet(self) -> Fleet:
        """The fleet that was taken last, with what is known by now."""
        return self._fleet

    @property
    def given(self) -> Fleet:
        """The fleet that was taken last, as the files say it."""
        return self._given

    def memory(self, site: str, camera: str) -> Remembered | None:
        """Return what is remembered of a camera."""
        return self._known.get((site, camera))

    async def learn(self, known: Remembered) -> None:
        """Take over, and keep, what has become known of a camera."""
        self._known[known.site, known.camera] = known
        try:
            await self._records.remember(known)
        except GatewayError as error:
            self._log.warning("what a camera has told cannot be kept", reason=str(error))
        self._fill()

    async def start(self) -> None:
        """Read what is remembered, and begin to ask for what is not."""
        await self.refresh()
        self._tasks.spawn(self._run(), "asking")

    async def close(self) -> None:
        """Stop to ask."""
        await self._tasks.close()

    async def refresh(self) -> None:
        """Read the records anew, after a survey or a registration has written some."""
        try:
            found = await self._records.remembered()
        except GatewayError as error:
            self._log.warning("remembered streams cannot be read", reason=str(error))
            return
        self._known = {(one.site, one.camera): one for one in found}
        self._fill()

    def refresh_soon(self) -> None:
        """Read the records anew as soon as it goes."""
        self._stale = True
        self._woken.set()

    def take(self, fleet: Fleet) -> Fleet:
        """Take over a new configuration; return it with the addresses that are known."""
        self._given = fleet
        self._fleet = self._filled()
        self._woken.set()
        return self._fleet

    def filled(self, site: Site) -> Site:
        """Return a site with the addresses that are known."""
        return self._site(site)

    def _fill(self) -> None:
        filled = self._filled()
        if filled.sites != self._fleet.sites:
            self._fleet = filled
            self._changed()

    def _filled(self) -> Fleet:
        sites = {site.id: self._site(site) for site in self._given.sites.values()}
        return replace(self._given, sites=MappingProxyType(sites))

    def _site(self, site: Site) -> Site:
        cameras = tuple(self._camera(site, camera) for camera in site.cameras)
        return site if cameras == site.cameras else replace(site, cameras=cameras)

    def _camera(self, site: Site, camera: Camera) -> Camera:
        return placed(camera, self.memory(site.id, camera.id), site.discovery.follow)

    async def _run(self) -> None:
        while True:
            if self._stale:
                self._stale = False
                await self.refresh()
            due = list(self._due())
            gate = asyncio.Semaphore(_AT_ONCE)
            await asyncio.gather(*(self._ask_safely(gate, *one) for one in due))
            self._woken.clear()
            try:
                async with asyncio.timeout(_LOOK_S):
                    await self._woken.wait()
            except TimeoutError:
                continue

    def _due(self) -> Iterator[tuple[Site, Camera]]:
        """Yield the cameras to ask now, and forget those that nobody has any more."""
        now = self._clock.monotonic()
        there: set[_Key] = set()
        for site in self._given.sites.values():
            for camera in site.cameras:
                if not (site.enabled and camera.enabled) or camera.rtsp or not camera.onvif:
                    continue
                key = (site.id, camera.id)
                there.add(key)
                asking = self._asking.get(key)
                if asking is None or asking.camera != camera:
                    asking = self._asking[key] = _Asking(camera)
                    self._notes.trouble(*key, None)
                known = self._camera(site, camera).rtsp is not None
                if asking.not_before <= now and (not known or self._sick(site, camera)):
                    yield site, camera
        for gone in self._asking.keys() - there:
            del self._asking[gone]
            self._notes.trouble(*gone, None)

    def _sick(self, site: Site, camera: Camera) -> bool:
        status = self._board.site(site.id)
        one = status.camera(camera.id) if status else None
        if one is None or one.state not in _SICK:
            return False
        return (self._clock.now() - one.since).total_seconds() > _QUIET_S

    async def _ask_safely(self, gate: asyncio.Semaphore, site: Site, camera: Camera) -> None:
        asking = self._asking[site.id, camera.id]
        try:
            async with gate:
                report = await self._ask(site, camera)
        except Exception:  # noqa: BLE001  # one camera must not end the asking
            self._log.exception("a camera could not be asked", site=site.id, camera=camera.id)
            asking.not_before = self._clock.monotonic() + _AGAIN_S
            self._notes.trouble(site.id, camera.id, _MISTAKE)
            return
        now = self._clock.monotonic()
        if report.failure is not None:
            pause = asking.backoff.next()
            if report.failure.kind in _PASSWORD:
                pause = _PASSWORD_S * random.uniform(1, 1.2)  # noqa: S311  # spreads load
            asking.not_before = now + pause
            self._complain(site, camera, asking, report.failure)
            return
        asking.backoff.reset()
        asking.not_before, asking.trouble = now + _AGAIN_S, ""
        self._notes.trouble(site.id, camera.id, None)
        await self._learn(site, camera, report)

    async def _ask(self, site: Site, camera: Camera) -> DeviceReport:
        known = self.memory(site.id, camera.id)
        here = known.moved if known is not None and site.discovery.follow is not Follow.TELL else ""
        try:
            found = await self._interviewer.locate(moved(camera.onvif, here) or "")
        except GatewayError as error:
            failure = DeviceFailure(DeviceFailureKind.UNREACHABLE, error.message, error.hint)
            return DeviceReport(address="", failure=failure)
        credentials = [] if camera.credential is None else [camera.credential]
        return await self._interviewer.ask(found, credentials)

    async def _learn(self, site: Site, camera: Camera, report: DeviceReport) -> None:
        before = self._known.get((site.id, camera.id))
        source = _source(report, before)
        sighting = Sighting(
            n=0,
            address=report.address,
            target=camera.onvif or "",
            state=SightingState.INTERVIEWED,
            report=report,
            source=source,
            main=StreamLook(source.main.rtsp or ""),
            sub=StreamLook(source.sub.rtsp) if source.sub and source.sub.rtsp else None,
            credential=report.credential,
        )
        now = self._clock.now()
        known = remembered(site.id, camera.id, camera.onvif or "", sighting, now)
        if before is not None:
            known = replace(known, verdict=before.verdict, moved=before.moved)
        if before is None or (before.main, before.sub) != (known.main, known.sub):
            self._log.info(
                "a camera has told its streams", site=site.id, camera=camera.id, model=report.model
            )
        await self.learn(known)

    def _complain(
        self, site: Site, camera: Camera, asking: _Asking, failure: DeviceFailure
    ) -> None:
        """Put a failure up, and say it once, not at every try."""
        self._notes.trouble(site.id, camera.id, failure)
        if failure.message != asking.trouble:
            self._log.warning(
                "a camera does not tell its streams",
                site=site.id,
                camera=camera.id,
                reason=f"{failure.message} ({failure.hint})",
            )
        asking.trouble = failure.message


def _source(report: DeviceReport, before: Remembered | None) -> VideoSource:
    """Return the picture of a recorder that the camera was known as, else the first one."""
    for source in report.sources:
        if before is not None and source.token == before.source:
            return source
    return report.sources[0]
