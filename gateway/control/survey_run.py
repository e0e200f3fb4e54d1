"""One survey of a site: find, interview, probe, judge; every step is told as it happens.

A camera that hangs costs only its own time: each device has its own task.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

import structlog

from gateway.control.causes import NOTHING, Cause
from gateway.control.recognise import KnownCameras, host_of
from gateway.control.survey_book import Book
from gateway.control.survey_logins import Logins
from gateway.control.survey_memory import keep
from gateway.control.survey_probe import Streams, probe
from gateway.control.survey_tools import Order, Tools
from gateway.model.device import DeviceReport, VideoSource
from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.found import FoundDevice
from gateway.model.probe import ProbeFailure
from gateway.model.remark import remark
from gateway.model.site import Camera
from gateway.model.survey import (
    Remembered,
    Sighting,
    SightingState,
    SurveyEventKind,
    SurveyState,
    SurveyStatus,
)

MOST_SIGHTINGS: Final = 2048
_OUTSIDE: Final = ProbeFailure(
    "outside",
    "the address is outside the site's networks",
    "write its subnet under discovery.subnets of the site if the camera really is there",
)
_RTSP_ONLY: Final = ProbeFailure(
    "no_onvif",
    "a camera answers by RTSP, but not by ONVIF",
    "switch ONVIF on in the camera's page, or survey its whole RTSP address",
)
_BROKEN: Final = Cause(ErrorKind.INTERNAL, "the survey has failed; the log says more")
_CANCELLED: Final = Cause("", "cancelled")
_MISTAKE: Final = ProbeFailure(
    "internal", "the gateway made a mistake with this camera", "the gateway's log says more"
)


class Survey:
    """One survey; :meth:`run` is called once, by its owner."""

    def __init__(self, order: Order, tools: Tools) -> None:
        self.order = order
        self.started: datetime = tools.clock.now()
        self.book = Book(tools.clock)
        self._tools = tools
        self._known = KnownCameras(order.site, ())
        self._logins = Logins(order.site, order.credentials)
        self._state = SurveyState.RUNNING
        self._why = NOTHING
        self._log = structlog.get_logger("survey").bind(site=order.site.id)

    @property
    def running(self) -> bool:
        """It is not over yet."""
        return self._state is SurveyState.RUNNING

    def status(self) -> SurveyStatus:
        """Return all that is known now."""
        return SurveyStatus(
            id=self.order.id,
            site=self.order.site.id,
            state=self._state,
            started=self.started,
            progress=self.book.progress(),
            sightings=tuple(self.book.sightings),
            reason=self._why.text,
            code=self._why.code,
        )

    def restore(self, status: SurveyStatus) -> None:
        """Be the survey that has come to this: it is over, and never run again."""
        self.started, self._state = status.started, status.state
        self._why = Cause(status.code, status.reason)
        self.book.restore(status)

    def sighting(self, n: int) -> Sighting | None:
        """Return one sighting."""
        return next((one for one in self.book.sightings if one.n == n), None)

    async def run(self) -> None:
        """Survey; ends with the event ``finished``, also when it is cancelled."""
        state, why = SurveyState.FAILED, _BROKEN
        try:
            async with asyncio.timeout(self.order.deadline_s):
                await self._all()
            state, why = SurveyState.FINISHED, NOTHING
        except TimeoutError:
            state = SurveyState.TOO_LONG
            text = f"ended after {self.order.deadline_s:g} s; what was seen until then is shown"
            why = Cause("", text)
        except asyncio.CancelledError:
            state, why = SurveyState.CANCELLED, _CANCELLED
            raise
        except GatewayError as error:
            why = _told(error)
        except ExceptionGroup as group:
            expected, _ = group.split(GatewayError)
            if expected is None:
                self._log.exception("a survey has failed")
            else:
                why = _told(expected.exceptions[0])
        finally:
            self._finish(state, why)

    def abandoned(self) -> None:
        """Say that nobody runs it (any more), be it that it never began."""
        if self.running:
            self._finish(SurveyState.CANCELLED, _CANCELLED)

    def _finish(self, state: SurveyState, why: Cause) -> None:
        self._state, self._why = state, why
        progress = self.book.finish(state, why)
        self._log.info(
            "a survey is over",
            state=str(state),
            found=progress.found,
            pictures=progress.pictures,
            seconds=progress.elapsed_s,
        )

    async def _all(self) -> None:
        site = self.order.site
        self.book.known = self._known = KnownCameras(site, await self._memory())
        try:
            await self._tools.records.begin_survey(site.id, self.order.id)
        except GatewayError as error:
            self._log.warning("pictures of this survey cannot be kept", reason=str(error))
        async with asyncio.TaskGroup() as group:
            if self.order.targets:
                for target in self.order.targets:
                    group.create_task(self._target(group, target))
            else:
                await self._search(group)
                met = {one.camera for one in self.book.sightings}
                for camera in site.cameras:
                    if camera.id not in met and camera.enabled:
                        group.create_task(self._written(group, camera))
        await keep(tuple(self.book.sightings), self.order, self._tools)

    async def _memory(self) -> Sequence[Remembered]:
        try:
            return await self._tools.records.remembered(self.order.site.id)
        except GatewayError as error:
            self._log.warning("what is known of the cameras cannot be read", reason=str(error))
            return ()

    async def _search(self, group: asyncio.TaskGroup) -> None:
        """Find devices and interview each at once; ends when the last interview has ended."""
        discovery = self.order.site.discovery
        if not discovery.subnets and not discovery.interface:
            return
        self.book.searching = True
        interviews = []
        async for found in self._tools.finder.search(discovery):
            if len(self.book) >= MOST_SIGHTINGS:
                self._log.warning("the search has found too many devices", most=MOST_SIGHTINGS)
                break
            sighting = self.book.open(found)
            interviews.append(group.create_task(self._device(group, sighting, found)))
        self.book.searching = False
        if interviews:
            await asyncio.wait(interviews)

    async def _target(self, group: asyncio.TaskGroup, target: str) -> None:
        """Survey one address that a person has named; it must be the site's."""
        host = host_of(target)
        own = {
            host_of(one)
            for camera in self.order.site.cameras
            for one in (camera.onvif, camera.rtsp)
            if one
        }
        found = FoundDevice(host, onvif=False)
        if not target.lower().startswith("rtsp"):
            try:
                found = await self._tools.interviewer.locate(target)
            except GatewayError as error:
                self.book.fail(self.book.open(FoundDevice(host), target), _failure_of(error))
                return
        sighting = self.book.open(found, target)
        allowed = self._tools.finder.allows(self.order.site.discovery, sighting.address)
        if host in own or allowed:
            await self._device(group, sighting, found, alone=not allowed)
        else:
            self.book.fail(sighting, _OUTSIDE)

    async def _written(self, group: asyncio.TaskGroup, camera: Camera) -> None:
        """Survey a camera of the file that the search has not met."""
        if camera.onvif is None:
            host = host_of(camera.rtsp or "")
            found = FoundDevice(host, onvif=False)
            await self._device(group, self.book.open(found, camera.rtsp or ""), found, alone=True)
            return
        try:
            found = await self._tools.interviewer.locate(camera.onvif)
        except GatewayError as error:
            sighting = self.book.open(FoundDevice(host_of(camera.onvif)), camera.onvif)
            self.book.fail(sighting, _failure_of(error))
            return
        sighting = self.book.open(found, camera.onvif)
        await self._device(group, sighting, found, alone=True)

    async def _device(
        self,
        group: asyncio.TaskGroup,
        sighting: Sighting,
        found: FoundDevice,
        *,
        alone: bool = False,
    ) -> None:
        """Interview a device, then let each of its pictures be probed.

        ``alone``: nothing but the device's own address may be contacted.
        """
        if not found.onvif:
            group.create_task(self._safely(sighting, self._plain(sighting)))
            return
        report = await self._interview(sighting, found, alone=alone)
        if report is None:
            self.book.fail(sighting, _MISTAKE)
        elif report.failure is not None:
            sighting = replace(sighting, report=report)
            group.create_task(self._safely(sighting, self._silent(sighting, report)))
        else:
            for number, source in enumerate(report.sources):
                one = sighting if number == 0 else replace(sighting, n=self.book.next())
                one = replace(one, report=report, source=source, credential=report.credential)
                one = replace(one, state=SightingState.INTERVIEWED)
                one = self.book.put(SurveyEventKind.INTERVIEWED, one)
                if self.order.pictures:
                    group.create_task(self._safely(one, self._channel(one, source)))

    async def _interview(
        self, sighting: Sighting, found: FoundDevice, *, alone: bool
    ) -> DeviceReport | None:
        camera, memory = self._camera_of(sighting)
        offered = self._logins.offer(sighting.target, camera, memory)
        discovery = None if alone else self.order.site.discovery
        try:
            async with self._tools.hellos:
                report = await self._tools.interviewer.ask(found, offered, discovery)
        except Exception:  # noqa: BLE001  # one device never ends the survey
            self._log.exception("an interview has failed", address=found.address)
            return None
        self._logins.interviewed(sighting.target, offered, report)
        return report

    async def _safely(self, sighting: Sighting, work: Awaitable[None]) -> None:
        try:
            await work
        except Exception:  # noqa: BLE001  # one camera never ends the survey
            self._log.exception("a probe has failed", address=sighting.address)
            self.book.fail(sighting, _MISTAKE)

    async def _silent(self, sighting: Sighting, report: DeviceReport) -> None:
        """Fall back to what the file says of a camera that does not talk."""
        failure = report.failure
        camera, _ = self._camera_of(sighting)
        if failure is None or not self.order.pictures or camera is None or camera.rtsp is None:
            words = (failure.kind.value, failure.message, failure.hint) if failure else None
            self.book.fail(sighting, ProbeFailure(*words) if words else _MISTAKE)
            return
        text = f"it does not talk by ONVIF: {failure.message}; {failure.hint}"
        note = remark("silent_onvif", text, why=str(failure.kind))
        await self._probe(
            replace(sighting, remarks=(*sighting.remarks, note)), camera.rtsp, camera.rtsp_sub
        )

    async def _plain(self, sighting: Sighting) -> None:
        """Probe a camera by RTSP alone: at the file's address, or at the one that was named."""
        camera, _ = self._camera_of(sighting)
        named = sighting.target in self.order.targets
        if camera is not None and camera.rtsp is not None and not named:
            await self._probe(sighting, camera.rtsp, camera.rtsp_sub)
        elif named:
            await self._probe(sighting, sighting.target, None)
        else:
            self.book.fail(sighting, _RTSP_ONLY)

    async def _channel(self, sighting: Sighting, source: VideoSource) -> None:
        """Probe the file's own addresses where it names some and the camera is still there."""
        camera, _ = self._camera_of(sighting)
        if camera is not None and camera.rtsp is not None and not sighting.moved_from:
            await self._probe(sighting, camera.rtsp, camera.rtsp_sub)
        else:
            sub = source.sub.rtsp if source.sub else None
            await self._probe(sighting, source.main.rtsp or "", sub)

    async def _probe(self, sighting: Sighting, main: str, sub: str | None) -> None:
        camera, memory = self._camera_of(sighting)
        streams = Streams(sighting.target, main, sub, camera, memory)
        seen = await probe(
            sighting, streams, order=self.order, tools=self._tools, logins=self._logins
        )
        self.book.put(SurveyEventKind.PROBED, seen)

    def _camera_of(self, sighting: Sighting) -> tuple[Camera | None, Remembered | None]:
        camera = self.order.site.camera(sighting.camera) if sighting.camera else None
        return camera, self._known.memory(sighting.camera)


def _told(error: Exception) -> Cause:
    """Say what an error says: by its reason where its kind has several."""
    if isinstance(error, GatewayError):
        return Cause(error.reason or str(error.kind), str(error))
    return Cause(ErrorKind.INTERNAL, str(error))


def _failure_of(error: GatewayError) -> ProbeFailure:
    return ProbeFailure(str(error.kind), error.message, error.hint)
