"""Ends the plays that may not go on: tickets withdrawn, privacy hours begun, a site closed.

Looks when the files or the revocations have changed, and every second for what the clock brings.
"""

from typing import Final

import structlog

from gateway.api.identity import account_of
from gateway.api.plays import Plays
from gateway.api.ports import CurrentFleet, Watching
from gateway.api.revocations import Revocations
from gateway.api.seats import End, Seat
from gateway.kit.clock import Clock
from gateway.kit.tasks import Tasks
from gateway.model.access import View, Way
from gateway.model.company import AccountRole, Fleet
from gateway.model.site import Access, Site

LOOK_S: Final = 1.0
_ASK_EVERY: Final = 3
"""Looks between two questions whether plays of before a restart still run."""


class Guard:
    """Watches over the plays that run."""

    def __init__(
        self,
        *,
        fleet: CurrentFleet,
        plays: Plays,
        revocations: Revocations,
        watching: Watching,
        clock: Clock,
    ) -> None:
        self._fleet = fleet
        self._plays = plays
        self._revocations = revocations
        self._watching = watching
        self._clock = clock
        self._seen: tuple[Fleet | None, int] = (None, -1)
        self._timed: list[tuple[Site, str]] = []
        self._tasks = Tasks("guard")
        self._log = structlog.get_logger("api")

    def start(self) -> None:
        """Begin to look."""
        self._tasks.spawn(self._run(), "look")

    async def close(self) -> None:
        """Stop looking."""
        await self._tasks.close()

    async def _run(self) -> None:
        turn = 0
        while True:
            try:
                self.look()
                if turn % _ASK_EVERY == 0:
                    self._ask_after_adopted()
            except Exception:  # noqa: BLE001  # one odd play must not leave all others without an end
                self._log.exception("the running plays could not be checked")
            turn += 1
            await self._clock.sleep(LOOK_S)

    def look(self) -> None:
        """Tell every play that may not go on to end."""
        fleet = self._fleet()
        seats = self._plays.seats.running
        changed = self._seen[0] is not fleet or self._seen[1] != self._revocations.version
        for seat in seats.values():
            # One that was still starting when something changed has not been looked at.
            if changed or not seat.checked:
                seat.checked = True
                reason = self._reason(seat.view, fleet)
                if reason is not None:
                    self._tell(seat, reason)
        if changed:
            self._seen = (fleet, self._revocations.version)
            self._timed = [
                (site, camera.id)
                for site in fleet.sites.values()
                for camera in site.cameras
                if camera.privacy_hours
            ]
        now = self._clock.now()
        private = {(site.id, one) for site, one in self._timed if site.is_private(one, now)}
        if private:
            for seat in seats.values():
                if (seat.view.site, seat.view.camera) in private:
                    self._tell(seat, End.PRIVACY)

    def _reason(self, view: View, fleet: Fleet) -> End | None:
        site = fleet.sites.get(view.site)
        if site is None:
            return None  # its media servers are taken away, and the play with them
        access = site.viewing.access
        if view.way is Way.TICKET:
            if self._revocations.is_void(site, view.site, view.who, view.issued):
                return End.REVOKED
            return End.CLOSED if access is Access.STAFF else None
        if view.way is Way.PUBLIC:
            return None if access is Access.PUBLIC else End.CLOSED
        if view.way is Way.ACCOUNT and access is not Access.PUBLIC:
            return None if _still_works(view, fleet) else End.CLOSED
        return None

    def _tell(self, seat: Seat, reason: End) -> None:
        if not seat.told.done() and not seat.ended.done():
            seat.tell(reason)
            self._log.info(
                "a play is ended", site=seat.view.site, camera=seat.view.camera, why=str(reason)
            )

    def _ask_after_adopted(self) -> None:
        """Note which plays of before a restart are over."""
        fleet = self._fleet()
        for seat in list(self._plays.seats.running.values()):
            if not seat.adopted:
                continue
            if seat.view.site not in fleet.sites:
                if fleet.settled and seat.view.site not in fleet.unreadable:
                    seat.over()
                continue
            running = self._watching.viewers(seat.view.site)
            if running is not None and seat.view.play in running:
                seat.met = True
            elif running is not None:
                seat.over()


def _still_works(view: View, fleet: Fleet) -> bool:
    account = account_of(fleet.settings, view.who)
    if account is None:
        return fleet.settings.sign_on is not None
    return account.role is AccountRole.ADMINISTRATOR or view.site in account.sites
