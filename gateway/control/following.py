"""Cameras that do not play where they should are looked for in the site's networks, and followed.

Address leases end and cameras come back elsewhere. A search is rare: it costs every address of the
building some packets. Nobody is asked with a password that has refused it once.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final

import structlog

from gateway.control.board import Board
from gateway.control.checkup_results import subject
from gateway.control.moves import (
    Lost,
    Whereabouts,
    away,
    can_be_followed,
    caught_up,
    entry_at,
    streams_at,
    whereabouts,
)
from gateway.control.notes import Notes
from gateway.control.pacing import Pacing
from gateway.control.ports import SiteEdit
from gateway.control.recognise import host_of
from gateway.control.streams import Streams
from gateway.control.survey_tools import Tools
from gateway.kit.secret import Secret
from gateway.kit.tasks import Tasks
from gateway.model.device import DeviceFailureKind
from gateway.model.errors import GatewayError
from gateway.model.found import FoundDevice
from gateway.model.remark import NOTHING, Remark
from gateway.model.site import Camera, Credential, Follow, Site
from gateway.model.status import CameraState
from gateway.model.survey import Remembered, Sighting

_BY: Final = "place"
_SICK: Final = frozenset({CameraState.SILENT, CameraState.FAILED})
_REFUSES: Final = frozenset(
    {DeviceFailureKind.WRONG_PASSWORD, DeviceFailureKind.CLOCK_OFF, DeviceFailureKind.LOCKED}
)
_MOST: Final = 2048

Edit = Callable[[str, str, Mapping[str, Any]], Any]
"""Writes keys of a camera into its site's file; an awaitable of what it has done."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often is looked, in seconds.

    ``patience`` with a silent camera; from ``first`` to ``most`` between two searches of a site;
    ``whole`` for a search; ``look`` between two looks at the board.
    """

    patience: float = 180.0
    first: float = 600.0
    most: float = 3600.0
    whole: float = 120.0
    look: float = 15.0


_Login = tuple[str, str, Secret]
"""The address of a device, and a user and a password that it has refused."""


@dataclass(slots=True)
class Follower:
    """Follows the cameras of all sites; ``surveying`` tells whether somebody surveys one.

    ``changed`` is called when the record of the last look at a camera has been changed.
    """

    tools: Tools
    streams: Streams
    board: Board
    notes: Notes
    edit: Edit
    surveying: Callable[[str], bool]
    changed: Callable[[], object] = lambda: None
    rhythm: Rhythm = field(default_factory=Rhythm)
    _paces: Pacing = field(init=False)
    _refused: dict[str, tuple[Site, set[_Login]]] = field(default_factory=dict, init=False)
    _written: set[tuple[str, str, str]] = field(default_factory=set, init=False)
    _told: set[tuple[str, str]] = field(default_factory=set, init=False)
    _tasks: Tasks = field(default_factory=lambda: Tasks("following"), init=False)

    def __post_init__(self) -> None:
        self._paces = Pacing(first=self.rhythm.first, most=self.rhythm.most, calm=self.rhythm.first)

    def start(self) -> None:
        """Begin to look after the cameras."""
        self._tasks.spawn(self._run(), "rounds")

    async def close(self) -> None:
        """Stop to follow."""
        await self._tasks.close()

    async def _run(self) -> None:
        while True:
            try:
                await self._round()
            except GatewayError as error:
                self._log().warning("cameras cannot be followed", reason=str(error))
            except Exception:  # noqa: BLE001  # the edge: one error must not end the following
                self._log().exception("following the cameras has failed")
            await self.tools.clock.sleep(self.rhythm.look)

    async def _round(self) -> None:
        """Look at each site in turn: one search in the fleet at a time."""
        sites = list(self.streams.given.sites.values())
        self._paces.forget_others([site.id for site in sites])
        self._put_up(sites)
        for site in sites:
            await self._settle(site)
            lost = self._lost(site)
            now = self.tools.clock.monotonic()
            if not lost:
                self._paces.fine(site.id, now)
                continue
            if self._paces.wait(site.id, now) or not await self._free(site):
                continue
            self._paces.tried(site.id, now)
            await self._follow(site, lost)
            self._put_up(sites)

    async def _settle(self, site: Site) -> None:
        """Correct the file if it asks for that; one that is right, by whomever, is the truth."""
        for camera in site.cameras:
            memory = self.streams.memory(site.id, camera.id)
            if memory is None or not memory.moved:
                continue
            if site.discovery.follow is Follow.WRITE and memory.target == _target(camera):
                await self._write(site, camera, memory)
            elif caught_up(camera, memory):
                await self.streams.learn(replace(memory, target=_target(camera), moved=""))
                await self._take_along(site, camera)

    async def _take_along(self, site: Site, camera: Camera) -> None:
        """Let what the last look has shown belong to the corrected entry: it is the same device."""
        place = subject(site.id, camera).target
        for one in await self.tools.records.checkups():
            if (one.site, one.camera) == (site.id, camera.id) and one.target != place:
                await self.tools.records.keep_checkup(replace(one, target=place))
                self.changed()

    async def _free(self, site: Site) -> bool:
        networks = site.discovery.subnets or site.discovery.interface
        if not networks or self.surveying(site.id):
            return False
        return not await self.tools.records.surveying(site.id)

    def _lost(self, site: Site) -> list[Lost]:
        """Return the cameras that have not played for long and would be known elsewhere."""
        status = self.board.site(site.id)
        since = self.tools.clock.now() - timedelta(seconds=self.rhythm.patience)
        lost = []
        for one in self._remembered(site):
            seen = status.camera(one.camera.id) if status is not None else None
            quiet = seen is not None and seen.state in _SICK and seen.since <= since
            if site.enabled and one.camera.enabled and quiet:
                lost.append(one)
        return lost

    def _remembered(self, site: Site) -> list[Lost]:
        """Return the cameras that are known by more than their place."""
        known = ((camera, self.streams.memory(site.id, camera.id)) for camera in site.cameras)
        return [
            Lost(camera, memory)
            for camera, memory in known
            if memory is not None and can_be_followed(memory) and memory.target == _target(camera)
        ]

    async def _follow(self, site: Site, lost: Sequence[Lost]) -> None:
        gone = {one.camera.id for one in lost}
        rest = [one for one in self._remembered(site) if one.camera.id not in gone]
        occupied = self._occupied(site, gone)
        try:
            async with asyncio.timeout(self.rhythm.whole):
                met = await self._search(site, lost, occupied)
        except TimeoutError:
            self._log().warning("a search for lost cameras took too long", site=site.id)
            return
        found = list(whereabouts(lost, met, rest, occupied))
        for one in lost:
            alarm = next((each.alarm for each in found if each.lost is one), NOTHING)
            self._remark(site, one.camera.id, f"{_BY} alarm", alarm)
        for each in found:
            if not each.alarm:
                await self._move(site, each)

    def _occupied(self, site: Site, gone: set[str]) -> set[str]:
        """Return where the site's other cameras are: they have nothing to answer for."""
        filled = self.streams.fleet.sites.get(site.id, site)
        others = [camera for camera in filled.cameras if camera.id not in gone and camera.enabled]
        return {host_of(place) for one in others for place in (one.rtsp, one.onvif) if place} - {""}

    async def _search(
        self, site: Site, lost: Sequence[Lost], occupied: set[str]
    ) -> Sequence[Sighting]:
        """Return the devices of the site's networks that have said who they are."""
        elsewhere = occupied - {one.home for one in lost}
        devices: list[FoundDevice] = []
        async for found in self.tools.finder.search(site.discovery):
            if found.address not in elsewhere:
                devices.append(found)
            if len(devices) >= _MOST:
                break
        refused = self._refusals(site)
        return await asyncio.gather(*(self._ask(site, lost, one, refused) for one in devices))

    def _refusals(self, site: Site) -> set[_Login]:
        """Return who has refused whom, since the site's file has changed last."""
        before, refused = self._refused.get(site.id, (site, set[_Login]()))
        if before != site:
            refused = set()
        self._refused[site.id] = (site, refused)
        return refused

    async def _ask(
        self, site: Site, lost: Sequence[Lost], found: FoundDevice, refused: set[_Login]
    ) -> Sighting:
        target = found.xaddrs[0] if found.xaddrs else f"rtsp://{found.address}/"
        met = Sighting(n=0, address=found.address, target=target, mac=found.mac)
        if not found.onvif:
            return met
        offered = [
            one for one in _credentials(site, lost) if (found.address, *_key(one)) not in refused
        ]
        async with self.tools.hellos:
            report = await self.tools.interviewer.ask(found, offered, site.discovery)
        if report.failure is not None and report.failure.kind in _REFUSES:
            refused |= {(found.address, *_key(one)) for one in offered}
        return replace(met, report=report)

    async def _move(self, site: Site, found: Whereabouts) -> None:
        camera, memory = found.lost.camera, found.lost.memory
        here = found.address
        if here == memory.moved:
            return
        main, sub = streams_at(found)
        place = found.sighting.address if found.sighting is not None else memory.address
        known = replace(memory, address=place, moved=here, main=main, sub=sub)
        await self.streams.learn(replace(known, seen=self.tools.clock.now()))
        log = self._log().bind(site=site.id, camera=camera.id)
        if not here:
            said = f"{camera.id} is back at {found.lost.home}"
            log.info(said)
            return
        log.warning(away(camera, here, site.discovery.follow).text)

    async def _write(self, site: Site, camera: Camera, memory: Remembered) -> None:
        """Let the file name the new address; what cannot be written is played all the same."""
        attempt = (site.id, camera.id, memory.moved)
        if attempt in self._written:
            return
        self._written.add(attempt)
        log = self._log().bind(site=site.id, camera=camera.id)
        try:
            edit: SiteEdit = await self.edit(site.id, camera.id, entry_at(camera, memory.moved))
        except GatewayError as error:
            log.warning("the new address could not be written into the file", reason=str(error))
            return
        log.info("the file names the new address now", diff=edit.diff)

    def _put_up(self, sites: Sequence[Site]) -> None:
        """Say of each camera that is elsewhere where it is, and of no other."""
        there: set[tuple[str, str]] = set()
        for site in sites:
            for camera in site.cameras:
                memory = self.streams.memory(site.id, camera.id)
                gone = memory is not None and memory.moved and memory.target == _target(camera)
                if memory is not None and gone:
                    there.add((site.id, camera.id))
                    said = away(camera, memory.moved, site.discovery.follow)
                    self._remark(site, camera.id, _BY, said)
        for site_id, camera_id in self._told - there:
            self.notes.remark(site_id, camera_id, _BY, NOTHING)
        self._told = there

    def _remark(self, site: Site, camera: str, by: str, said: Remark) -> None:
        if self.notes.remark(site.id, camera, by, said) and by != _BY and said:
            self._log().warning(said.text, site=site.id, camera=camera)

    @staticmethod
    def _log() -> Any:
        return structlog.get_logger("following")


def _credentials(site: Site, lost: Sequence[Lost]) -> list[Credential]:
    """Return the users of the lost cameras, each once: nobody else's password is tried."""
    accepted = {one.memory.credential for one in lost} - {""}
    found = [one.camera.credential for one in lost if one.camera.credential is not None]
    found += [one for one in site.discovery.credentials if one.reference in accepted]
    return list({_key(one): one for one in found}.values())


def _key(credential: Credential) -> tuple[str, Secret]:
    return credential.username, credential.password


def _target(camera: Camera) -> str:
    return camera.onvif or camera.rtsp or ""
