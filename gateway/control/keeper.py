"""Keeps every site as its file says: one task per site, woken by changes, and by time.

A site's loop never depends on another's: each has its own task, its own pauses and its own
troubles. What is kept is decided anew in every cycle from the files and from what is seen, so it
does not matter which event was missed.
"""

import asyncio
from collections.abc import Mapping

import structlog

from gateway.control.facts import Facts
from gateway.control.foresight import Foresight, foresee
from gateway.control.siteloop import SiteLoop, World
from gateway.kit.backoff import Backoff
from gateway.kit.measures import Measures
from gateway.kit.tasks import Tasks
from gateway.model.company import Fleet, Settings
from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.plan import Plan
from gateway.model.remark import remark
from gateway.model.site import Site
from gateway.model.status import SiteState, SiteStatus
from gateway.model.text import LocalText

STALLED_S = 60.0
"""Age of a site's last cycle, in seconds, from which on its loop counts as stalled."""

_SWEEP_S = 60.0


class Keeper:
    """Owns one :class:`SiteLoop` per site of the fleet, and per site that is on its way out."""

    def __init__(self, world: World) -> None:
        self._world = world
        # Not settled: until the files have been told, no server may be taken for an orphan.
        self._fleet = Fleet(Settings(), {}, settled=False)
        self._loops: dict[str, SiteLoop] = {}
        self._tasks = Tasks("keeper")
        self._log = structlog.get_logger("control")
        self._changed = asyncio.Event()

    def start(self) -> None:
        """Listen to the runtime and look for orphans; sites come with :meth:`apply`."""
        self._tasks.spawn(self._listen(), "runtime events")
        self._tasks.spawn(self._sweep_for_ever(), "orphans")

    def apply(self, fleet: Fleet) -> None:
        """Take over a new configuration; only sites that differ are touched."""
        before, self._fleet = self._fleet, fleet
        for site_id, site in fleet.sites.items():
            self._loop(site_id).set(site, fleet)
        for site_id in before.sites.keys() - fleet.sites.keys() - fleet.unreadable:
            self._loop(site_id).set(None, fleet)
        self._show_broken(fleet)
        self._changed.set()

    def plan(self, site_id: str) -> Plan:
        """Return the steps that the site's last cycle found to do; raises kind NOT_FOUND."""
        loop = self._loops.get(site_id)
        if loop is None:
            raise GatewayError(
                ErrorKind.NOT_FOUND, f"there is no site {site_id}", "look at the list of sites"
            )
        return loop.facts.plan

    def foresee(self, site_id: str, draft: Site | None) -> Foresight:
        """Return what a new version of a site's file would lead to; ``None`` removes the site."""
        loop = self._loops.get(site_id)
        return foresee(
            draft,
            self._fleet.settings,
            Facts(site_id) if loop is None else loop.facts,
            fingerprint=self._world.runtime.fingerprint,
        )

    def facts(self, site_id: str) -> Facts | None:
        """Return what the site's last cycle saw."""
        loop = self._loops.get(site_id)
        return None if loop is None else loop.facts

    def all_facts(self) -> Mapping[str, Facts]:
        """Return what every site's last cycle saw."""
        return {site_id: loop.facts for site_id, loop in self._loops.items()}

    @property
    def measures(self) -> Measures:
        """What the loops have counted."""
        return self._world.measures

    def ages(self) -> Mapping[str, float]:
        """Return the seconds since the last finished cycle of each site."""
        now = self._world.clock.monotonic()
        return {site_id: now - loop.finished for site_id, loop in self._loops.items()}

    def turns(self) -> bool:
        """Tell whether every site is looked after."""
        return all(age <= STALLED_S for age in self.ages().values())

    def wake(self, site_id: str, *, fresh: bool = False) -> None:
        """Let a site's next cycle begin now; ``fresh`` asks the runtime too."""
        loop = self._loops.get(site_id)
        if loop is not None:
            loop.wake(fresh=fresh)

    async def next_cycle(self, site_id: str) -> None:
        """Wait until a cycle of the site has finished; returns at once for an unknown site."""
        loop = self._loops.get(site_id)
        if loop is not None:
            await loop.next_cycle()

    async def remove_servers(self) -> None:
        """End all loops and take every media server away; raises GatewayError if one stays."""
        await self._end_loops()
        servers = await self._world.runtime.observe()
        removals = (self._world.runtime.remove(server.id) for server in servers)
        for outcome in await asyncio.gather(*removals, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome

    async def close(self) -> None:
        """End all loops; media servers are left as they are."""
        await self._end_loops()
        await self._world.clients.close()

    async def _end_loops(self) -> None:
        await self._tasks.close()
        for loop in self._loops.values():
            await loop.close()

    def _loop(self, site_id: str) -> SiteLoop:
        loop = self._loops.get(site_id)
        if loop is None:
            loop = self._loops[site_id] = SiteLoop(site_id, self._world)
            self._tasks.spawn(self._keep(loop), site_id)
        return loop

    async def _keep(self, loop: SiteLoop) -> None:
        try:
            await loop.run()
        finally:
            # First off the list: a file that comes back meanwhile needs a loop that lives.
            if self._loops.get(loop.id) is loop:
                del self._loops[loop.id]
            await loop.close()

    def _show_broken(self, fleet: Fleet) -> None:
        """Put up the sites whose files have never been readable, with what is wrong in them."""
        board = self._world.board
        shown = self._loops.keys() | fleet.unreadable
        for status in board.sites():
            if status.id not in shown:
                board.forget(status.id)
        for site_id in sorted(fleet.unreadable - self._loops.keys()):
            board.publish(
                SiteStatus(
                    id=site_id,
                    name=LocalText.of(site_id),
                    state=SiteState.DOWN,
                    since=self._world.clock.now(),
                    problems=fleet.problems_of(site_id),
                    last_step=remark(
                        "file_broken", "its file is broken; what runs is left as it is"
                    ),
                )
            )

    async def _listen(self) -> None:
        backoff = Backoff(first=0.5, most=30)
        while True:
            try:
                async for site_id in self._world.runtime.events():
                    backoff.reset()
                    self.wake(site_id, fresh=True)
            except GatewayError as error:
                self._log.warning("changes of media servers cannot be followed", reason=str(error))
            except Exception:  # noqa: BLE001  # the edge: one error must not make the keeper deaf
                self._log.exception("following the changes of media servers has failed")
            await self._world.clock.sleep(backoff.next())

    async def _sweep_for_ever(self) -> None:
        while True:
            try:
                await self._sweep()
            except GatewayError as error:
                self._log.warning("media servers cannot be listed", reason=str(error))
            except Exception:  # noqa: BLE001  # the edge: one error must not end the looking
                self._log.exception("looking for left over media servers has failed")
            self._changed.clear()
            try:
                async with asyncio.timeout(_SWEEP_S):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def _sweep(self) -> None:
        """Give each server whose site is gone a loop that sees it out."""
        for server in await self._world.runtime.observe():
            fleet = self._fleet
            known = self._loops.keys() | fleet.sites.keys() | fleet.unreadable
            if fleet.settled and server.site not in known:
                self._log.info("a media server is left over, its site is gone", site=server.site)
                self._loop(server.site).set(None, fleet)
