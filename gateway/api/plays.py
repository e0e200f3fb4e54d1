"""The running plays as the doors know them: how many, whose, and until when.

A play belongs to the media server; what is kept here only bounds the clients and ends a play when
it may not go on. Plays outlive the gateway: closing this does not end them, and the next start
looks after what it finds written down (:meth:`Plays.adopt`).
"""

import asyncio
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

import structlog

from gateway.api.limits import Limits, unlimited
from gateway.api.ports import PlayHandle, Watching
from gateway.api.problems import busy, full, too_many
from gateway.api.seats import End, Seat, Seats
from gateway.api.viewings import Viewings
from gateway.api.waiting import WaitingRoom, ask_again_s
from gateway.kit.backoff import Backoff
from gateway.kit.clock import Clock
from gateway.kit.tasks import Tasks
from gateway.model.access import PastView, View
from gateway.model.errors import ErrorKind, GatewayError

_ASK_LEAST_S: Final = 10.0
_ASKS_PER_SECOND: Final = 50

_ADOPTED: Final = ""
"""The client of plays of before a restart: nobody's place is taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayRequest:
    """One wish to watch. ``view`` has no play yet; its ``until`` is the hard stop.

    ``queue`` is the token of somebody who has waited; ``leaves`` the play that this one goes on
    with elsewhere. ``tcp``: the viewer has tried UDP, and nothing came.
    """

    view: View
    offer: str
    low: bool
    client: str
    queue: str = ""
    tcp: bool = False
    leaves: Seat | None = None


class Plays:
    """Starts and stops plays within the limits."""

    def __init__(
        self, watching: Watching, limits: Limits, clock: Clock, viewings: Viewings
    ) -> None:
        self.seats = Seats(clock)
        self.waiting = WaitingRoom(limits, clock)
        self._watching = watching
        self._limits = limits
        self._clock = clock
        self._viewings = viewings
        self._tasks = Tasks("plays")
        self._held: Counter[str] = Counter()
        self._starting = 0
        self._log = structlog.get_logger("api")

    def __len__(self) -> int:
        """Plays that are starting or running."""
        return self._held.total()

    async def start(self, wish: PlayRequest) -> PlayHandle:
        """Play a camera; raises HttpProblem 429 and 503 at the limits, GatewayError as control."""
        self._admit(wish)
        self._held[wish.client] += 1
        self._starting += 1
        if wish.leaves is not None:
            wish.leaves.moved = True
        try:
            handle = await self._in_turn(wish)
        except BaseException:
            self._release(wish.client)
            if wish.leaves is not None:
                wish.leaves.moved = False
            raise
        finally:
            self._starting -= 1
        view = replace(wish.view, play=handle.id)
        self._viewings.begin(view)
        self._hold(Seat(view, wish.client, handle.ended))
        return handle

    def adopt(self, rows: Iterable[PastView]) -> None:
        """Look after plays of before a restart; their hard stops still hold."""
        for row in rows:
            self._held[_ADOPTED] += 1
            ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
            self._hold(Seat(row.view, _ADOPTED, ended, adopted=True))

    async def stop(self, site_id: str, camera_id: str, play_id: str) -> bool:
        """End a play, also one of before a restart; tell whether it was there."""
        seat = self.seats.running.get(play_id)
        known = seat is not None and seat is self.seats.find(site_id, camera_id, play_id)
        if seat is not None and known and not seat.told.done():
            seat.reason = End.MOVED if seat.moved else End.LEFT
        try:
            async with asyncio.timeout(self._limits.play_s):
                stopped = await self._watching.stop(site_id, camera_id, play_id)
        except TimeoutError as error:
            raise _silent_server() from error
        if stopped and seat is not None and known:
            seat.over()
        return stopped or self._over_by_itself(site_id, camera_id, play_id)

    def _over_by_itself(self, site_id: str, camera_id: str, play_id: str) -> bool:
        """Tell whether a play ended before its viewer could say so.

        A browser closes the connection and says DELETE in the same moment; whichever comes first,
        the viewer has what it asked for.
        """
        found = self.seats.find(site_id, camera_id, play_id)
        if isinstance(found, Seat):
            return found.ended.done()
        return found is not None and found.reason not in {End.LEFT, End.MOVED}

    async def close(self) -> None:
        """Let go of the plays; they go on."""
        await self._tasks.close()

    def ask_after_s(self) -> float:
        """Return how often players ask after their plays: rarely enough for all of them."""
        return max(_ASK_LEAST_S, len(self) / _ASKS_PER_SECOND)

    def _admit(self, wish: PlayRequest) -> None:
        client = wish.client
        if self._starting >= self._limits.starting_total:
            raise busy("Too many viewers come at the same moment.")
        if len(self) >= self._limits.plays_total:
            raise busy("The gateway has as many viewers as it takes.")
        if unlimited(client, self._limits) or wish.leaves is not None:
            return
        if self._held[client] >= self._limits.plays_per_client:
            raise too_many("Too many videos are open from this network address.", 30)

    async def _in_turn(self, wish: PlayRequest) -> PlayHandle:
        """Play, unless others have waited longer or the building is full; then wait in line."""
        site = wish.view.site
        if wish.leaves is not None:
            return await self._play(wish)
        ahead, room = self.waiting.ahead(site, wish.queue), self._watching.room(site)
        if room is not None and ahead >= room:
            raise self._wait(wish, ahead)
        try:
            handle = await self._play(wish)
        except GatewayError as error:
            if error.kind is not ErrorKind.SERVER_FULL:
                raise
            raise self._wait(wish, ahead) from error
        self.waiting.leave(site, wish.queue)
        return handle

    def _wait(self, wish: PlayRequest, ahead: int) -> Exception:
        token = self.waiting.wait(wish.view.site, wish.queue, wish.client)
        if not token:
            return busy("Too many people wait for a place already.")
        return full(ahead, token, ask_again_s(ahead))

    async def _play(self, wish: PlayRequest) -> PlayHandle:
        view = wish.view
        try:
            async with asyncio.timeout(self._limits.play_s):
                return await self._watching.play(
                    view.site, view.camera, wish.offer, low=wish.low, tcp=wish.tcp
                )
        except TimeoutError as error:
            raise _silent_server() from error

    def _hold(self, seat: Seat) -> None:
        self.seats.take(seat)
        self._tasks.spawn(self._keep(seat), f"{seat.view.site}/{seat.view.camera}")

    async def _keep(self, seat: Seat) -> None:
        """Hold the place until the play ends; end it at its hard stop or when it is told to."""
        until = seat.view.until
        try:
            left = None if until is None else until - self._clock.now().timestamp()
            either: list[asyncio.Future[str]] = [seat.ended, seat.told]
            await asyncio.wait(
                either,
                timeout=None if left is None else max(0, left),
                return_when=asyncio.FIRST_COMPLETED,
            )
            if not seat.ended.done():
                seat.tell(End.TIME_OVER)
            backoff = Backoff(first=1)
            while not seat.ended.done():
                await self._end(seat)
                await asyncio.wait([seat.ended], timeout=backoff.next())
        finally:
            self._release(seat.client)
            self.seats.leave(seat)
            if seat.ended.done():
                self._viewings.end(seat.view.play, seat.reason)

    async def _end(self, seat: Seat) -> None:
        view = seat.view
        try:
            await self.stop(view.site, view.camera, view.play)
        except GatewayError as error:
            self._log.warning(
                "a play is past its end and could not be stopped yet",
                site=view.site,
                camera=view.camera,
                error=str(error),
            )

    def _release(self, client: str) -> None:
        self._held[client] -= 1
        if not self._held[client]:
            del self._held[client]


def _silent_server() -> GatewayError:
    return GatewayError(
        ErrorKind.SERVER_NOT_READY,
        "The media server did not answer in time.",
        "Try again in a few seconds.",
    )
