"""The running plays as the doors know them: how many, whose, and until when.

A play belongs to the media server; what is kept here only bounds the clients and ends a play at
its hard stop. Plays outlive the gateway: closing this does not end them.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass

import structlog

from gateway.api.limits import Limits, unlimited
from gateway.api.ports import PlayHandle, Watching
from gateway.api.problems import busy, too_many
from gateway.kit.backoff import Backoff
from gateway.kit.clock import Clock
from gateway.kit.tasks import Tasks
from gateway.model.errors import ErrorKind, GatewayError


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayRequest:
    """One wish to watch. ``until`` is the Unix time of the hard stop."""

    site: str
    camera: str
    offer: str
    low: bool
    client: str
    until: float | None = None


class Plays:
    """Starts and stops plays within the limits."""

    def __init__(self, watching: Watching, limits: Limits, clock: Clock) -> None:
        self._watching = watching
        self._limits = limits
        self._clock = clock
        self._tasks = Tasks("plays")
        self._held: Counter[str] = Counter()
        self._starting = 0
        self._log = structlog.get_logger("api")

    def __len__(self) -> int:
        """Plays that are starting or running."""
        return self._held.total()

    async def start(self, wish: PlayRequest) -> PlayHandle:
        """Play a camera; raises HttpProblem 429 and 503 at the limits, GatewayError as control."""
        self._admit(wish.client)
        self._held[wish.client] += 1
        self._starting += 1
        try:
            handle = await self._play(wish)
        except BaseException:
            self._release(wish.client)
            raise
        finally:
            self._starting -= 1
        self._tasks.spawn(self._keep(wish, handle), f"{wish.site}/{wish.camera}")
        return handle

    async def stop(self, site_id: str, camera_id: str, play_id: str) -> bool:
        """End a play, also one of before a restart; tell whether it was there."""
        try:
            async with asyncio.timeout(self._limits.play_s):
                return await self._watching.stop(site_id, camera_id, play_id)
        except TimeoutError as error:
            raise _silent_server() from error

    async def close(self) -> None:
        """Let go of the plays; they go on."""
        await self._tasks.close()

    def _admit(self, client: str) -> None:
        if self._starting >= self._limits.starting_total:
            raise busy("Too many viewers come at the same moment.")
        if len(self) >= self._limits.plays_total:
            raise busy("The gateway has as many viewers as it takes.")
        if unlimited(client, self._limits):
            return
        if self._held[client] >= self._limits.plays_per_client:
            raise too_many("Too many videos are open from this network address.", 30)

    async def _play(self, wish: PlayRequest) -> PlayHandle:
        try:
            async with asyncio.timeout(self._limits.play_s):
                return await self._watching.play(wish.site, wish.camera, wish.offer, low=wish.low)
        except TimeoutError as error:
            raise _silent_server() from error

    async def _keep(self, wish: PlayRequest, handle: PlayHandle) -> None:
        """Hold the client's place until the play ends; end it at its hard stop."""
        try:
            left = None if wish.until is None else wish.until - self._clock.now().timestamp()
            await asyncio.wait([handle.ended], timeout=None if left is None else max(0, left))
            backoff = Backoff(first=1)
            while not handle.ended.done():
                await self._end(wish, handle)
                await asyncio.wait([handle.ended], timeout=backoff.next())
        finally:
            self._release(wish.client)

    async def _end(self, wish: PlayRequest, handle: PlayHandle) -> None:
        try:
            await self.stop(wish.site, wish.camera, handle.id)
        except GatewayError as error:
            self._log.warning(
                "a play is past its end and could not be stopped yet",
                site=wish.site,
                camera=wish.camera,
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
