"""One site's loop: ``run`` around ``run_once``, as slow as it may and as quick as it must."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import structlog

from gateway.control.board import Board
from gateway.control.cadence import Cadence, Mood
from gateway.control.clients import Clients
from gateway.control.demand import Demand
from gateway.control.desired import Desired, desired, on_demand_streams
from gateway.control.edges import Licenses
from gateway.control.facts import PLAYING, Facts, ServerFacts
from gateway.control.gates import Gates
from gateway.control.hearing import Hearing
from gateway.control.last_step import troubled
from gateway.control.notes import Notes
from gateway.control.ports import Host, Runtime
from gateway.control.reconcile import Reconciler
from gateway.control.scaling import Scaler, UnknownHost
from gateway.control.status import Scene, lasts, site_status
from gateway.kit.clock import Clock
from gateway.kit.measures import Measures
from gateway.model.company import Fleet, Problem, Settings
from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.site import Site
from gateway.model.status import CameraState, SiteStatus

_BAD = frozenset({CameraState.SILENT, CameraState.FAILED})
_PASSING = frozenset({CameraState.WAITING, CameraState.CONNECTING})
"""States on the way to another; what happens to the media server is told by itself."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Seconds between two cycles of a site, in a fleet of up to fifty (see ``control.cadence``).

    ``urgent`` right after something was done, growing to ``live``; ``coming`` while a camera
    connects; ``live`` while cameras play; ``idle`` when nothing is pulled. ``look`` is how old the
    runtime's answer may become before it is asked again.
    """

    urgent: float = 0.1
    coming: float = 0.4
    live: float = 2.0
    idle: float = 5.0
    look: float = 5.0


@dataclass(frozen=True, slots=True)
class World:
    """What the loops work on and with; all of it is shared by the sites."""

    runtime: Runtime
    clients: Clients
    board: Board
    demand: Demand
    clock: Clock
    rhythm: Rhythm = Rhythm()
    notes: Notes = field(default_factory=Notes)
    licenses: Licenses = field(default_factory=Licenses)
    host: Host = field(default_factory=UnknownHost)
    measures: Measures = field(default_factory=Measures)
    gates: Gates = field(default_factory=Gates)
    cadence: Cadence = field(default_factory=Cadence)


class SiteLoop:
    """Keeps one site. A site that is ``None`` is on its way out: its servers are removed."""

    def __init__(self, site_id: str, world: World) -> None:
        self.id = site_id
        self.facts = Facts(site_id)
        self.finished = world.clock.monotonic()
        self._world = world
        self._site: Site | None = None
        self._settings = Settings()
        self._problems: tuple[Problem, ...] = ()
        self._settled = True
        self._reconciler = Reconciler(
            site=site_id,
            runtime=world.runtime,
            clients=world.clients,
            clock=world.clock,
            gates=world.gates,
            stirred=self.wake,
            measures=world.measures,
        )
        self._scaler = Scaler(
            site_id,
            runtime=world.runtime,
            licenses=world.licenses,
            host=world.host,
            clock=world.clock,
        )
        self._hearing = Hearing(
            site_id, world.clients, world.cadence, world.clock, stirred=self.wake
        )
        self._woken = asyncio.Event()
        self._cycled = asyncio.Event()
        self._fresh = True
        self._looked = 0.0
        self._restless = 0
        self._adopted = False
        self._wanted = Desired(site_id)
        self._wanted_for: tuple[object, ...] = ()
        self._shown: tuple[object, ...] = ()

    def set(self, site: Site | None, fleet: Fleet) -> None:
        """Take over what the files say; the loop wakes only if it differs.

        While the fleet is not settled the site is only looked at.
        """
        problems = fleet.problems_of(self.id)
        news = (site, fleet.settings, problems, fleet.settled)
        if news != (self._site, self._settings, self._problems, self._settled) or site is None:
            self._site, self._settings, self._problems, self._settled = news
            self.wake(fresh=True)

    def wake(self, *, fresh: bool = False) -> None:
        """Begin the next cycle now; ``fresh`` asks the runtime too."""
        self._fresh = self._fresh or fresh
        self._woken.set()

    async def next_cycle(self) -> None:
        """Wait until the cycle that runs or the next one has finished."""
        await self._cycled.wait()

    async def run(self) -> None:
        """Keep the site until it is gone for good."""
        while not await self._survive():
            await self._rest()
        self._world.board.forget(self.id)

    async def run_once(self) -> bool:
        """Do one cycle; tell whether nothing is left to keep."""
        now = self._world.clock.monotonic()
        fresh = self._fresh or now - self._looked >= self._world.rhythm.look
        self._fresh = False
        if fresh:
            self._looked = now
        site = self._site
        self._want(())  # for the case that nothing can be seen at all
        facts = await self._reconciler.cycle(self._decide, fresh=fresh, act=self._settled)
        self.facts = replace(facts, size=self._scaler.size)
        # The files may have changed meanwhile: what was seen is told of the site as it was asked.
        if site is None:
            return self._site is None and not self.facts.servers and not self.facts.troubles
        self._publish(site)
        await self._hearing.listen(self.facts.servers)
        return False

    def _publish(self, site: Site) -> None:
        world = self._world
        facts, before = self.facts, world.board.site(self.id)
        seen = (
            *(site, self._wanted, self._problems, world.notes.version(self.id)),
            *(facts.servers, facts.troubles, facts.last_step, facts.size),
        )
        if before is not None and seen == self._shown and lasts(before):
            return  # the usual case by far, and a status costs as much as asking for it
        self._shown = seen
        scene = Scene(site, self._wanted, facts, world.clock.now(), self._problems, world.notes)
        status = site_status(scene, before)
        world.board.publish(status)
        self._tell(status, before)

    def _tell(self, status: SiteStatus, before: SiteStatus | None) -> None:
        """Write the diary: one sentence for each camera whose state has changed."""
        log = structlog.get_logger("control")
        for camera in status.cameras:
            old = before.camera(camera.id) if before else None
            if camera.state in _PASSING or (old is not None and old.state is camera.state):
                continue
            say = log.warning if camera.state in _BAD else log.info
            reason = f": {camera.reason}" if camera.reason else ""
            say(f"{camera.id} is {camera.state}{reason}", site=self.id, camera=camera.id)

    async def close(self) -> None:
        """End what the loop has started in the background."""
        self._world.cadence.forget(self.id)
        await self._hearing.close()
        await self._reconciler.close()

    def _decide(self, servers: Sequence[ServerFacts]) -> Desired:
        """Say what is wanted, in the light of who watches and how many."""
        if self._site is None or not self._site.enabled:
            self._scaler.rest()
        else:
            self._scaler.look(self._site, self._settings, servers, act=self._settled)
        return self._want(servers)

    def _want(self, servers: Sequence[ServerFacts]) -> Desired:
        watched = {
            stream.name for server in servers for stream in server.streams if not stream.published
        }
        asked = [server for server in servers if server.asked]
        if asked and not self._adopted:
            # Whoever watched before this gateway began shall not be cut off by its first cycle.
            watched |= {one.stream for server in asked for one in server.captures if one.stream}
            self._adopted = True
        self._world.demand.want(watched)
        site = self._site
        if site is None:
            self._wanted_for, self._wanted = (), Desired(self.id)
            return self._wanted
        on_demand = self._world.demand.wanted(on_demand_streams(site))
        asked_for = (site, self._settings, on_demand, self._scaler.size.edges)
        if asked_for != self._wanted_for:
            # Putting passwords into addresses costs more than all the rest of a quiet cycle.
            self._wanted_for, self._wanted = asked_for, desired(*asked_for)
        return self._wanted

    async def _survive(self) -> bool:
        over = False
        measures = self._world.measures
        try:
            with measures.timed("cycle_seconds", self._world.clock):
                over = await self.run_once()
        except GatewayError as error:
            measures.count("cycle_errors")
            self._note(error)
        except Exception as error:  # noqa: BLE001  # the edge: one error must not end the keeping
            measures.count("cycle_errors")
            structlog.get_logger("control").exception("a cycle has failed", site=self.id)
            self._note(
                GatewayError(
                    ErrorKind.INTERNAL,
                    f"keeping this site has failed: {type(error).__name__}",
                    "it is tried again by itself; the log says more",
                )
            )
        self.finished = self._world.clock.monotonic()
        self._cycled.set()
        self._cycled.clear()
        return over

    def _note(self, error: GatewayError) -> None:
        self.facts = Facts(self.id, troubles={self.id: error}, last_step=troubled(error))
        if self._site is not None:
            self._publish(self._site)

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(self._pause()):
                await self._woken.wait()
                self._restless = 0
        except TimeoutError:
            pass
        self._woken.clear()

    def _pause(self) -> float:
        rhythm, servers = self._world.rhythm, self.facts.servers
        unsettled = bool(self.facts.plan or self.facts.troubles) or any(
            not server.asked for server in servers if self._wanted.servers
        )
        # An edge fetches a stream when somebody watches it: only the origin's pulls are awaited.
        origin = self.facts.origin()
        captures = () if origin is None else origin.captures
        mood, heard = Mood.STIRRED, False
        if unsettled:
            self._fresh = True
            self._restless += 1
            usual = min(rhythm.live, rhythm.urgent * 1.2 ** min(self._restless, 40))
        elif any(capture.status != PLAYING for capture in captures):
            self._restless += 1
            usual = min(rhythm.live, rhythm.coming * 1.1 ** min(self._restless, 40))
        else:
            self._restless = 0
            watched = any(server.viewers() for server in servers)
            mood, heard = Mood.WATCHED if watched else Mood.QUIET, self._hearing.hears(servers)
            usual = rhythm.live if captures else rhythm.idle
        pause = self._world.cadence.pause(self.id, mood, usual, heard=heard)
        return pause * random.uniform(0.9, 1.1)  # noqa: S311  # spreads load, guards nothing
