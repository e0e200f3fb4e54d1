"""Plays: which media server, is the video there, and how a play is found again to be stopped."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog

from gateway.control.clients import Clients
from gateway.control.demand import Demand
from gateway.control.desired import streams_of
from gateway.control.facts import Facts, ServerFacts
from gateway.control.keeper import Keeper
from gateway.control.placement import Place, choose, places, room, surplus
from gateway.control.ports import Play
from gateway.kit.clock import Clock
from gateway.kit.tasks import Tasks
from gateway.model.company import Fleet
from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.site import Camera, Pull, Site

MAX_PLAYS: Final = 20_000
"""Handles that are remembered; far above what one gateway's media servers can serve."""

_ON_DEMAND_S: Final = 8.0
_LOOK_EVERY_S: Final = 0.15

_STALE: Final = frozenset(
    {ErrorKind.SERVER_NOT_READY, ErrorKind.NOT_FOUND, ErrorKind.CAMERA_OFFLINE}
)
"""Answers that say the world is not as it was last seen: look again at once."""

_INSIDE: Final = frozenset({ErrorKind.SERVER_NOT_READY, ErrorKind.SERVER_BAD_ANSWER})
"""Errors of the way to a media server, which is nobody's business outside."""


@dataclass(frozen=True, slots=True)
class PlayHandle:
    """A running play. ``ended`` is done with the reason, whoever ended it."""

    id: str
    answer: str
    ended: asyncio.Future[str]


@dataclass(frozen=True, slots=True)
class _Running:
    site: str
    camera: str
    server: str
    play: Play


class Watching:
    """Starts and stops plays on the site's media servers."""

    def __init__(
        self,
        *,
        fleet: Callable[[], Fleet],
        keeper: Keeper,
        clients: Clients,
        demand: Demand,
        clock: Clock,
    ) -> None:
        self._fleet = fleet
        self._keeper = keeper
        self._clients = clients
        self._demand = demand
        self._clock = clock
        self._running: dict[str, _Running] = {}
        self._begun: Counter[str] = Counter()
        self._tasks = Tasks("watching")
        self._log = structlog.get_logger("control")

    def __len__(self) -> int:
        """Plays that were begun here and are not over."""
        return len(self._running)

    async def play(
        self, site_id: str, camera_id: str, offer: str, *, low: bool, tcp: bool = False
    ) -> PlayHandle:
        """Play a camera to the browser that sent ``offer``.

        ``low`` asks for the low-resolution stream if there is one, ``tcp`` for video over TCP.
        Raises GatewayError of kinds NOT_FOUND, CAMERA_OFFLINE, CODEC_UNSUPPORTED, OFFER_MALFORMED,
        OFFER_UNUSABLE, SERVER_FULL and SERVER_NOT_READY.
        """
        site, camera = self._find(site_id, camera_id)
        if len(self._running) >= MAX_PLAYS:
            raise GatewayError(
                ErrorKind.SERVER_FULL, "The gateway has as many viewers as it takes.", "try later"
            )
        names = streams_of(site.id, camera)
        stream = names[-1] if low else names[0]
        if camera.pull is Pull.ON_DEMAND:
            await self._wait_for_video(site, stream)
        server = self._choose(site)
        client = await self._clients.get(server.observed)
        if client is None:
            raise _not_ready(site.id)
        name = server.observed.id
        self._begun[name] += 1
        try:
            play = await client.play(stream, offer, tcp=tcp)
        except GatewayError as error:
            if error.kind in _STALE:
                self._keeper.wake(site.id, fresh=error.kind is ErrorKind.SERVER_NOT_READY)
            if error.kind is ErrorKind.NOT_FOUND:
                raise _not_pulled_yet() from error
            raise self._for_viewers(site.id, error) from error
        else:
            self._running[play.id] = _Running(site.id, camera.id, name, play)
            self._begun[name] += 1
        finally:
            self._forget_one(name)
        self._tasks.spawn(self._follow(play), play.id)
        self._keeper.wake(site.id)
        return PlayHandle(play.id, play.answer, play.ended)

    async def stop(self, site_id: str, camera_id: str, play_id: str) -> bool:
        """End a play; tell whether it was there.

        A play of before a restart of the gateway is found on the site's media servers. Raises
        GatewayError when they cannot be asked.
        """
        known = self._running.get(play_id)
        if known is not None:
            if (known.site, known.camera) != (site_id, camera_id):
                return False
            try:
                await known.play.stop()
            except GatewayError as error:
                raise self._for_viewers(site_id, error) from error
            return True
        facts = self._keeper.facts(site_id)
        camera = self._camera(site_id, camera_id)
        if facts is None or camera is None:
            return False
        names = streams_of(site_id, camera)
        try:
            stopped = [await self._stop_on(server, names, play_id) for server in facts.servers]
        except GatewayError as error:
            raise self._for_viewers(site_id, error) from error
        if any(stopped):
            self._keeper.wake(site_id)
        return any(stopped)

    def viewers(self, site_id: str) -> frozenset[str] | None:
        """Return the ids of all plays that run at a site, also of before a restart.

        ``None`` until every media server of the site that runs has been asked; nobody watches at
        one that is only coming up.
        """
        facts = self._keeper.facts(site_id)
        running = [] if facts is None else facts.running()
        if facts is None or not running or not all(one.asked for one in running):
            return None
        return frozenset(
            one.media_session_id
            for server in facts.servers
            for one in server.streams
            if not one.published
        )

    def room(self, site_id: str) -> int | None:
        """Return how many viewers a site still takes; ``None`` while nobody can tell."""
        site = self._fleet().sites.get(site_id)
        facts = self._keeper.facts(site_id)
        if site is None or facts is None:
            return None
        there = self._places(site, facts)
        if not any(place.ready for place in there):
            return None
        return room(there, tight=facts.size.tight)

    def leaving(self, site_id: str) -> frozenset[str]:
        """Return the ids of the plays whose media server drains: they have to go elsewhere."""
        facts = self._keeper.facts(site_id)
        if facts is None:
            return frozenset()
        return frozenset(
            play for server in facts.size.draining for play in self._plays_on(facts, server)
        )

    def crowded(self, site_id: str) -> frozenset[str]:
        """Return the ids of plays that would do better elsewhere, and may stay."""
        site, facts = self._fleet().sites.get(site_id), self._keeper.facts(site_id)
        if site is None or facts is None or len(facts.servers) == 1:
            return frozenset()
        # Always the same of them, so that nobody else is asked while they are on their way.
        return frozenset(
            play
            for server, count in surplus(self._places(site, facts)).items()
            for play in sorted(self._plays_on(facts, server))[:count]
        )

    def _plays_on(self, facts: Facts, name: str) -> set[str]:
        seen = {
            stream.media_session_id
            for server in facts.servers
            if server.observed.id == name
            for stream in server.streams
            if not stream.published
        }
        return seen | {play for play, one in self._running.items() if one.server == name}

    async def close(self) -> None:
        """Stop to follow the plays; they go on as long as their media server lets them."""
        await self._tasks.close()
        self._running.clear()
        self._begun.clear()

    def _for_viewers(self, site_id: str, error: GatewayError) -> GatewayError:
        """Return what viewers may hear: trouble with a media server names its control address."""
        if error.kind not in _INSIDE:
            return error
        self._log.info("a media server fails its viewers", site=site_id, reason=str(error))
        return _not_ready(site_id)

    def _find(self, site_id: str, camera_id: str) -> tuple[Site, Camera]:
        site = self._fleet().sites.get(site_id)
        camera = None if site is None else site.camera(camera_id)
        if site is None or camera is None:
            raise GatewayError(
                ErrorKind.NOT_FOUND, "There is no such camera.", "open the page of the building"
            )
        if not site.enabled or not camera.enabled:
            raise GatewayError(ErrorKind.CAMERA_OFFLINE, "The camera is switched off.")
        return site, camera

    def _camera(self, site_id: str, camera_id: str) -> Camera | None:
        site = self._fleet().sites.get(site_id)
        return None if site is None else site.camera(camera_id)

    def _choose(self, site: Site) -> ServerFacts:
        """Return the media server that a new viewer is sent to; each has every stream."""
        facts = self._keeper.facts(site.id)
        there = [] if facts is None else self._places(site, facts)
        if facts is None or not any(place.ready for place in there):
            self._keeper.wake(site.id, fresh=True)
            raise _not_ready(site.id)
        chosen = choose(there, tight=facts.size.tight)
        if chosen is None:
            raise _full()
        return next(one for one in facts.servers if one.observed.id == chosen.id)

    def _places(self, site: Site, facts: Facts) -> list[Place]:
        most = site.media_server.max_viewers or self._fleet().settings.media_servers.max_viewers
        return places(site, facts, most=most, begun=self._begun)

    def _forget_one(self, server: str) -> None:
        self._begun[server] -= 1
        if self._begun[server] <= 0:
            del self._begun[server]

    async def _wait_for_video(self, site: Site, stream: str) -> None:
        """Have an on-demand camera pulled and wait until it sends."""
        deadline = self._clock.monotonic() + _ON_DEMAND_S
        while True:
            self._demand.want([stream])
            facts = self._keeper.facts(site.id)
            if facts is not None and any(server.sends(stream) for server in facts.servers):
                return
            left = deadline - self._clock.monotonic()
            if left <= 0:
                raise GatewayError(
                    ErrorKind.CAMERA_OFFLINE,
                    f"The camera has sent nothing within {_ON_DEMAND_S:g} s.",
                    "try again; if it stays so, the camera is off",
                )
            self._keeper.wake(site.id)
            try:
                async with asyncio.timeout(left):
                    await self._keeper.next_cycle(site.id)
                    await self._clock.sleep(min(left, _LOOK_EVERY_S))
            except TimeoutError:
                continue

    async def _follow(self, play: Play) -> None:
        try:
            await asyncio.wait([play.ended])
        finally:
            running = self._running.pop(play.id, None)
        if running is not None:
            self._forget_one(running.server)
            self._keeper.wake(running.site)

    async def _stop_on(self, server: ServerFacts, names: tuple[str, ...], play_id: str) -> bool:
        client = await self._clients.get(server.observed) if server.asked else None
        if client is None:
            return False
        # Only a viewer of this camera: the id may name somebody else's play, or an ingest.
        for one in await client.streams():
            if one.media_session_id == play_id and not one.published and one.name in names:
                return await client.stop_viewer(play_id)
        return False


def _not_pulled_yet() -> GatewayError:
    """Return what a stream that a media server does not know means of a camera that we know."""
    return GatewayError(
        ErrorKind.CAMERA_OFFLINE,
        "The camera is not connected yet.",
        "try again in a few seconds",
    )


def _full() -> GatewayError:
    return GatewayError(
        ErrorKind.SERVER_FULL,
        "As many people are watching as the building's media servers carry.",
        "wait: a place becomes free when somebody leaves",
    )


def _not_ready(site_id: str) -> GatewayError:
    return GatewayError(
        ErrorKind.SERVER_NOT_READY,
        f"The media server of {site_id} is not ready yet.",
        "try again in a few seconds",
    )
