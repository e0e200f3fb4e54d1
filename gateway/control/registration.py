"""Registrations: a camera goes into its site's file, and is accepted once residents see it.

The file is the configuration, so an edit of it is all that a registration does; the running
gateway finds the change like anybody's. What comes back is measured: the seconds until the board
says that the camera is live.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, Protocol

import structlog

from gateway.control import causes
from gateway.control.board import Board
from gateway.control.causes import Cause
from gateway.control.checkup_results import Subject, of_sighting, target_of
from gateway.control.ports import Records, SiteEdit, SiteEditor
from gateway.control.recognise import remembered
from gateway.kit.clock import Clock
from gateway.kit.tasks import Tasks
from gateway.model.company import Fleet
from gateway.model.errors import GatewayError
from gateway.model.status import CameraState, CameraStatus
from gateway.model.survey import Acceptance, Sighting

PATIENCE_S: Final = 600.0
"""How long a registered camera may take to its first video and still get its record."""

_UP: Final = frozenset({CameraState.LIVE, CameraState.IDLE})


class Picture(Protocol):
    """A still picture of a camera that plays."""

    @property
    def jpeg(self) -> bytes:
        """The picture."""


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Who registers what: ``fields`` are the camera's keys in the file.

    ``sighting`` is what a survey has seen of it, with its picture in ``survey``.
    """

    fields: Mapping[str, Any]
    who: str = ""
    sighting: Sighting | None = None
    survey: str = ""
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Registered:
    """What has come of a registration.

    ``record`` is there once the camera is ``live``, after ``seconds``; until then ``reason`` and
    ``hint`` say what the board says, ``code`` and ``about`` the same for programs, and the record
    follows by itself.
    """

    camera: str
    diff: str
    version: str
    live: bool = False
    seconds: float | None = None
    reason: str = ""
    hint: str = ""
    code: str = ""
    about: str = ""
    record: Acceptance | None = None


@dataclass(frozen=True, slots=True)
class _Case:
    """A camera on its way to its first video; ``since`` is ``None`` when nothing had to change."""

    site: str
    camera: str
    newcomer: Newcomer
    action: str
    since: datetime | None


@dataclass(slots=True)
class Registrations:
    """Edits the sites' files and follows each new camera to its first video.

    Every method raises GatewayError as the editor does: NOT_FOUND, CONFLICT, CONFIG_INVALID,
    FORBIDDEN, BAD_REQUEST.
    """

    editor: SiteEditor
    board: Board
    fleet: Callable[[], Fleet]
    records: Records
    clock: Clock
    poster: Callable[[str, str], Picture | None] = lambda _site, _camera: None
    _tasks: Tasks = field(default_factory=lambda: Tasks("registrations"), init=False)

    async def add(self, site: str, newcomer: Newcomer, *, wait_s: float = 0) -> Registered:
        """Add a camera; wait up to ``wait_s`` seconds for its video."""
        begun = self.clock.now()
        edit = await asyncio.to_thread(
            self.editor.add_camera, site, newcomer.fields, version=newcomer.version
        )
        camera = str(newcomer.fields["id"])
        self._log(site, camera).info("a camera is registered", by=newcomer.who)
        since = begun if edit.diff else None
        return await self._follow(_Case(site, camera, newcomer, "registered", since), edit, wait_s)

    async def replace(
        self, site: str, camera: str, newcomer: Newcomer, *, wait_s: float = 0
    ) -> Registered:
        """Put another device in a camera's place; its id, its name and its page stay."""
        begun = self.clock.now()
        fields = {key: value for key, value in newcomer.fields.items() if key != "id"}
        edit = await asyncio.to_thread(
            self.editor.replace_camera, site, camera, fields, version=newcomer.version
        )
        await self._forget(site, camera)
        self._log(site, camera).info("a camera is replaced", by=newcomer.who)
        since = begun if edit.diff else None
        return await self._follow(_Case(site, camera, newcomer, "replaced", since), edit, wait_s)

    async def change(
        self, site: str, camera: str, fields: Mapping[str, Any], *, version: str | None = None
    ) -> SiteEdit:
        """Rename a camera, switch it on or off, or set other keys of it."""
        edit = await asyncio.to_thread(
            self.editor.change_camera, site, camera, as_written(fields), version=version
        )
        self._log(site, camera).info("a camera is changed", keys=sorted(fields))
        return edit

    async def remove(self, site: str, camera: str, *, version: str | None = None) -> SiteEdit:
        """Remove a camera; its acceptance records stay."""
        edit = await asyncio.to_thread(self.editor.remove_camera, site, camera, version=version)
        await self._forget(site, camera)
        self._log(site, camera).info("a camera is removed")
        return edit

    async def close(self) -> None:
        """Stop to follow cameras that have not come yet."""
        await self._tasks.close()

    async def _follow(self, case: _Case, edit: SiteEdit, wait_s: float) -> Registered:
        await self._remember(case)
        following = self._tasks.spawn(self._accept(case), case.camera)
        if wait_s > 0:
            await asyncio.wait([following], timeout=wait_s)
        record = _result(following)
        result = Registered(case.camera, edit.diff, edit.version)
        if record is not None:
            return replace(result, live=True, seconds=record.seconds, record=record)
        status = self._status(case)
        if status is None:
            return _waiting(result, causes.NOT_TAKEN_OVER)
        if not status.reason:
            return _waiting(result, causes.NOT_PLAYING_YET)
        why = Cause(status.code, status.reason, status.hint, status.about)
        return _waiting(result, why)

    async def _accept(self, case: _Case) -> Acceptance | None:
        """Wait until the camera is live and write its record; ``None`` when it never was."""
        log = self._log(case.site, case.camera)
        try:
            async with asyncio.timeout(PATIENCE_S):
                status = await self._until_up(case)
        except TimeoutError:
            log.warning("a registered camera has not come", patience_s=PATIENCE_S)
            return None
        house = self.fleet().sites.get(case.site)
        entry = None if house is None else house.camera(case.camera)
        if house is None or entry is None:
            return None
        seconds: float | None = None
        if status.state is CameraState.LIVE and case.since is not None:
            seconds = round((status.since - case.since).total_seconds(), 2)
        record = Acceptance(
            site=case.site,
            site_name=house.name.as_json(),
            camera=case.camera,
            camera_name=entry.name.as_json(),
            when=self.clock.now(),
            who=case.newcomer.who,
            action=case.action,
            address=entry.onvif or entry.rtsp or "",
            seconds=seconds,
            picture=await self._picture(case),
        )
        if case.newcomer.sighting is not None:
            record = _with_sighting(record, case.newcomer.sighting)
        try:
            record = await self.records.accept(record)
        except GatewayError as error:
            log.warning("the record cannot be kept", reason=str(error))
        log.info("a camera is accepted", seconds=seconds)
        return record

    async def _until_up(self, case: _Case) -> CameraStatus:
        with self.board.subscribe() as events:
            while True:
                status = self._status(case)
                fresh = status is not None and (case.since is None or status.since >= case.since)
                if status is not None and fresh and status.state in _UP:
                    return status
                await anext(events)

    async def _picture(self, case: _Case) -> bytes | None:
        newcomer = case.newcomer
        if newcomer.sighting is not None and newcomer.survey:
            try:
                kept = await self.records.picture(newcomer.survey, newcomer.sighting.n)
            except GatewayError:
                kept = None
            if kept is not None:
                return kept
        poster = self.poster(case.site, case.camera)
        return None if poster is None else poster.jpeg

    async def _remember(self, case: _Case) -> None:
        """Keep who the camera is, so that it is known again at another address."""
        fields, sighting = case.newcomer.fields, case.newcomer.sighting
        if sighting is None:
            return
        target, now = str(fields.get("onvif") or fields.get("rtsp") or ""), self.clock.now()
        known = remembered(case.site, case.camera, target, sighting, now)
        place = target_of(fields.get("onvif"), fields.get("rtsp"))
        seen = of_sighting(Subject(case.site, case.camera, place), None, sighting, now)
        try:
            await self.records.remember(known)
            if seen is not None:
                await self.records.keep_checkup(seen)
        except GatewayError as error:
            self._log(case.site, case.camera).warning(
                "the camera cannot be remembered", reason=str(error)
            )

    async def _forget(self, site: str, camera: str) -> None:
        try:
            await self.records.forget(site, camera)
        except GatewayError as error:
            self._log(site, camera).warning("the camera cannot be forgotten", reason=str(error))

    def _status(self, case: _Case) -> CameraStatus | None:
        status = self.board.site(case.site)
        return None if status is None else status.camera(case.camera)

    @staticmethod
    def _log(site: str, camera: str) -> Any:
        return structlog.get_logger("registration").bind(site=site, camera=camera)


def _waiting(result: Registered, why: Cause) -> Registered:
    return replace(result, reason=why.text, hint=why.hint, code=why.code, about=why.about)


def as_written(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return keys as they stand in a file: what is on is not mentioned there."""
    written = dict(fields)
    if written.get("enabled") is True:
        written["enabled"] = None
    return written


def _result(task: "asyncio.Task[Acceptance | None]") -> Acceptance | None:
    if not task.done() or task.cancelled() or task.exception() is not None:
        return None
    return task.result()


def _with_sighting(record: Acceptance, seen: Sighting) -> Acceptance:
    """Add what a survey has learnt of the device."""
    looks = [one for one in (seen.main, seen.sub) if one is not None and one.failure is None]
    if looks:
        record = replace(record, facts=looks[0].facts)
    record = replace(record, address=seen.address, verdict=seen.verdict, mac=seen.mac or "")
    report = seen.report
    if report is None:
        return record
    return replace(
        record,
        make=report.make,
        model=report.model,
        serial=report.serial,
        firmware=report.firmware,
        mac=report.mac or record.mac,
    )
