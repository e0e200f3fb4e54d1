"""Moves viewers off media servers that drain or are crowded: plays are marked, a few a second.

A player asks now and then whether its play had better move (``play_state``). It then connects
anew, which leads to another server, and hangs up the old connection once the new one shows
pictures. A play that has to go and is still there when its time is over is ended; players that
know nothing of moves see that and come back.
"""

from typing import Final

import structlog

from gateway.api.plays import Plays
from gateway.api.ports import CurrentFleet, Watching
from gateway.api.seats import End, Seat
from gateway.kit.clock import Clock
from gateway.kit.tasks import Tasks

PER_SECOND: Final = 5
"""Viewers of one site that are asked to move in a second: as many join without being noticed."""

LOOK_S: Final = 1.0

GRACE: Final = 2.0
"""How many times as long as players take to ask a marked play may stay."""

_CONNECT_S: Final = 10.0


class Moves:
    """Marks plays that had better move, and ends those that do not."""

    def __init__(
        self, *, fleet: CurrentFleet, plays: Plays, watching: Watching, clock: Clock
    ) -> None:
        self._fleet = fleet
        self._plays = plays
        self._watching = watching
        self._clock = clock
        self._marked: dict[str, float] = {}
        self._tasks = Tasks("moves")
        self._log = structlog.get_logger("api")

    def start(self) -> None:
        """Begin to look."""
        self._tasks.spawn(self._run(), "look")

    async def close(self) -> None:
        """Stop looking."""
        await self._tasks.close()

    async def _run(self) -> None:
        while True:
            try:
                self.look()
            except Exception:  # noqa: BLE001  # one odd play must not keep all others where they are
                self._log.exception("the plays of draining media servers could not be moved")
            await self._clock.sleep(LOOK_S)

    def look(self) -> None:
        """Mark the next plays, and end those whose time is over."""
        running = self._plays.seats.running
        sites = {seat.view.site for seat in running.values()}.intersection(self._fleet().sites)
        leaving = {site: self._watching.leaving(site) for site in sites}
        asked = {site: leaving[site] | self._watching.crowded(site) for site in sites}
        for play in [one for one in self._marked if one not in running]:
            del self._marked[play]
        if not any(asked.values()) and not self._marked:
            return
        now = self._clock.monotonic()
        budget = dict.fromkeys(leaving, PER_SECOND)
        grace = GRACE * self._plays.ask_after_s() + _CONNECT_S
        for play, seat in running.items():
            site = seat.view.site
            if play not in asked.get(site, ()):
                self._stay(seat)
            elif play not in self._marked:
                if budget[site]:
                    budget[site] -= 1
                    self._marked[play] = now
                    seat.moving = True
            elif play in leaving[site] and now - self._marked[play] >= grace:
                seat.tell(End.MOVED)

    def _stay(self, seat: Seat) -> None:
        """Let a play be whose media server has stopped to drain."""
        if self._marked.pop(seat.view.play, None) is not None:
            seat.moving = False
