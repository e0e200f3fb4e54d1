"""Full looks at the cameras that play already: rare, spread over the day, one of a site at once.

What a camera sends may change behind everybody's back: firmware updates and factory resets switch
H.265 or a smart codec on. A look costs the camera one more session for some seconds, so one that
gives a single session only is judged by what the media server gets.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Protocol

import structlog

from gateway.control import checkup_plan, checkup_results
from gateway.control.board import Board
from gateway.control.checkup_results import Subject, subject
from gateway.control.notes import Notes
from gateway.control.survey_tools import Tools
from gateway.kit.tasks import Tasks
from gateway.model.checkup import Checkup
from gateway.model.company import Fleet, Settings
from gateway.model.errors import GatewayError
from gateway.model.probe import ProbeFailure, ProbeResult
from gateway.model.remark import NOTHING
from gateway.model.site import Camera, Site
from gateway.model.status import CameraState, CameraStatus

_LOOK_S: Final = 15.0
_READ_S: Final = 60.0
_BY: Final = "verdict"
_HOPELESS: Final = frozenset({"unreachable", "timeout", "unauthorized", "locked"})
_NO_SECOND_SESSION: Final = frozenset({"no_picture", "bad_answer"})
_MISTAKE: Final = ProbeFailure(
    "internal", "the gateway made a mistake with this camera", "the gateway's log says more"
)
_Key = tuple[str, str]


class Pictures(Protocol):
    """The cameras' posters."""

    async def offer(self, site_id: str, camera_id: str, jpeg: bytes) -> None:
        """Take a picture of a camera that has no newer one."""


@dataclass(slots=True)
class _Entry:
    """A camera's entry since when; ``changed`` since the last look at it."""

    camera: Camera
    since: datetime
    changed: bool = False


class Checkups:
    """Looks at every camera about once in ``settings.probe_every_s`` and says what has become.

    ``given`` is the fleet as the files say it, ``fleet`` the same with all addresses that are
    known; ``surveying`` tells whether somebody surveys a site in this process.
    """

    def __init__(
        self,
        *,
        tools: Tools,
        given: Callable[[], Fleet],
        fleet: Callable[[], Fleet],
        board: Board,
        notes: Notes,
        surveying: Callable[[str], bool],
        pictures: Pictures,
        look_s: float = _LOOK_S,
    ) -> None:
        self._tools = tools
        self._given = given
        self._fleet = fleet
        self._board = board
        self._notes = notes
        self._surveying = surveying
        self._pictures = pictures
        self._look_s = look_s
        self._known: dict[_Key, Checkup] = {}
        self._entries: dict[_Key, _Entry] = {}
        self._busy: set[str] = set()
        self._read: tuple[datetime | None, float] = (None, 0.0)
        self._stale = True
        self._tasks = Tasks("checkups")
        self._log = structlog.get_logger("checkups")

    @property
    def busy(self) -> frozenset[str]:
        """The sites at which a look is under way."""
        return frozenset(self._busy)

    def start(self) -> None:
        """Begin to look."""
        self._tasks.spawn(self._run(), "rounds")

    async def close(self) -> None:
        """Stop to look."""
        await self._tasks.close()

    def refresh(self) -> None:
        """Read the records anew soon: a survey or a registration has written some."""
        self._read, self._stale = (None, 0.0), True

    async def _run(self) -> None:
        while True:
            try:
                await self._round()
            except GatewayError as error:
                self._log.warning("what is known of the cameras cannot be read", reason=str(error))
            except Exception:  # noqa: BLE001  # the edge: one error must not end all looks
                self._log.exception("a round of looks has failed")
            await self._tools.clock.sleep(self._look_s)

    async def _round(self) -> None:
        await self._learn()
        now, settings = self._tools.clock.now(), self._fleet().settings
        self._take_over(now)
        due = list(self._due(now, settings))
        for _, site_id, camera_id in checkup_plan.choose(due, self._busy, now=now):
            if self._surveying(site_id) or await self._tools.records.surveying(site_id):
                continue
            self._busy.add(site_id)
            self._tasks.spawn(self._look(site_id, camera_id), f"{site_id}/{camera_id}")

    async def _learn(self) -> None:
        """Read what others have written since: surveys and registrations, of any process."""
        since, read = self._read
        now = self._tools.clock.monotonic()
        if not self._stale and now - read < _READ_S:
            return
        self._stale = False
        for one in await self._tools.records.checkups(since):
            self._known[one.site, one.camera] = one
            since = one.when if since is None else max(since, one.when)
        if not self._stale:
            self._read = (since, now)

    def _take_over(self, now: datetime) -> None:
        """Follow the files, and put up what is known of the cameras that are there."""
        there: set[_Key] = set()
        for site in self._given().sites.values():
            for camera in site.cameras:
                key = (site.id, camera.id)
                there.add(key)
                entry = self._entries.get(key)
                if entry is None:
                    self._entries[key] = _Entry(camera, now)
                elif entry.camera != camera:
                    self._entries[key] = _Entry(camera, now, changed=True)
                self._put_up(subject(site.id, camera))
        for gone in self._entries.keys() - there:
            del self._entries[gone]
            self._known.pop(gone, None)
            self._notes.checked(*gone, None)
            self._notes.remark(*gone, _BY, NOTHING)

    def _put_up(self, one: Subject) -> None:
        known = one.known(self._known.get((one.site, one.camera)))
        seen = None if known is None else checkup_results.checked(known)
        worse = NOTHING if known is None else checkup_results.worsening(known)
        self._notes.checked(one.site, one.camera, seen)
        if self._notes.remark(one.site, one.camera, _BY, worse) and worse:
            self._log.warning(worse.text, site=one.site, camera=one.camera)

    def _due(self, now: datetime, settings: Settings) -> list[checkup_plan.Due]:
        if settings.probe_every_s is None:
            return []
        every = timedelta(seconds=settings.probe_every_s)
        due: list[checkup_plan.Due] = []
        for site in self._fleet().sites.values():
            for camera in site.cameras:
                entry = self._entries.get((site.id, camera.id))
                if entry is None:
                    continue
                last = subject(site.id, entry.camera).known(self._known.get((site.id, camera.id)))
                when = checkup_plan.due_at(site.id, camera.id, last, since=entry.since, every=every)
                status = self._status(site.id, camera.id)
                hindered = when > now or checkup_plan.obstacle(
                    site, camera, status, last, now=now, changed=entry.changed
                )
                if not hindered:
                    due.append((when, site.id, camera.id))
        return due

    async def _look(self, site_id: str, camera_id: str) -> None:
        try:
            site = self._fleet().sites.get(site_id)
            camera = None if site is None else site.camera(camera_id)
            entry = self._entries.get((site_id, camera_id))
            if site is None or camera is None or entry is None:
                return
            entry.changed = False
            await self._look_at(site, camera, subject(site_id, entry.camera))
        finally:
            self._busy.discard(site_id)

    async def _look_at(self, site: Site, camera: Camera, one: Subject) -> None:
        before = one.known(self._known.get((site.id, camera.id)))
        status = self._status(site.id, camera.id)
        live = status if status is not None and status.state is CameraState.LIVE else None
        picture: bytes | None = None
        try:
            if live is not None and before is not None and before.single:
                found = self._by_server(one, before, live)
            else:
                found, picture = await self._by_probe(one, before, camera, live)
        except Exception:  # noqa: BLE001  # one camera must not end the looks
            self._log.exception("a look has failed", site=site.id, camera=camera.id)
            found = checkup_results.of_failure(one, before, _MISTAKE, self._tools.clock.now())
        self._known[site.id, camera.id] = found
        self._put_up(one)
        self._tell(found, before)
        await self._keep(found, picture)

    async def _by_probe(
        self, one: Subject, before: Checkup | None, camera: Camera, live: CameraStatus | None
    ) -> tuple[Checkup, bytes | None]:
        main, sub = await self._probe(camera)
        refused = main.failure.kind if main.failure else ""
        if live is not None and (refused == "busy" or refused in _NO_SECOND_SESSION):
            # Residents see it, we get nothing: there is no second session to be had.
            return self._by_server(one, before, live), None
        now, judge = self._tools.clock.now(), self._tools.judge
        found = checkup_results.of_probe(one, before, (main, sub), judge=judge, now=now)
        after = self._status(one.site, one.camera)
        if live is not None and after is not None and after.state is not CameraState.LIVE:
            # Our session has thrown the residents' out: never again.
            found = replace(found, single=True)
        pictures = [result.picture for result in (main, sub) if result is not None]
        return found, next((jpeg for jpeg in pictures if jpeg), None)

    async def _probe(self, camera: Camera) -> tuple[ProbeResult, ProbeResult | None]:
        prober, credential = self._tools.prober, camera.credential
        main = await prober.look_at(camera.rtsp or "", credential)
        hopeless = main.failure is not None and main.failure.kind in _HOPELESS
        if camera.rtsp_sub is None or hopeless:
            return main, None
        return main, await prober.look_at(camera.rtsp_sub, credential)

    def _by_server(self, one: Subject, before: Checkup | None, live: CameraStatus) -> Checkup:
        now, judge = self._tools.clock.now(), self._tools.judge
        return checkup_results.of_server(one, before, live, judge=judge, now=now)

    async def _keep(self, found: Checkup, picture: bytes | None) -> None:
        records = self._tools.records
        try:
            await records.keep_checkup(found)
            if picture is not None:
                await self._pictures.offer(found.site, found.camera, picture)
        except GatewayError as error:
            self._log.warning(
                "a look cannot be kept", site=found.site, camera=found.camera, reason=str(error)
            )

    def _tell(self, found: Checkup, before: Checkup | None) -> None:
        """Write a line when something is other than it was."""
        log = self._log.bind(site=found.site, camera=found.camera)
        old = before.failure.kind if before is not None and before.failure is not None else ""
        if found.failure is not None and found.failure.kind != old:
            reason = f"{found.failure.message} ({found.failure.hint})"
            log.warning("a full look at a camera has failed", reason=reason)
        seen = checkup_results.checked(found)
        was = None if before is None else checkup_results.checked(before)
        if seen is not None and (was is None or was.playable is not seen.playable):
            log.info("a camera has been looked at", verdict=seen.sentence)

    def _status(self, site: str, camera: str) -> CameraStatus | None:
        status = self._board.site(site)
        return None if status is None else status.camera(camera)
