"""What goes on at a company all day: people come and go, cameras fail, files are edited."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

from aiohttp import ClientError, ClientTimeout

from gateway.kit.tasks import Tasks
from tests.bench.guests import Guest, Party
from tests.e2e.company import STAFF, Company
from tests.soak.building import Building

_STAFF = {"Authorization": f"Bearer {STAFF}"}
_PAGES = (
    "/",
    "/api/v1/session",
    "/api/v1/sites",
    "/api/v1/sites/{site}",
    "/api/v1/sites/{site}/cameras/entrance-1/poster.jpg",
    "/watch/{site}",
    "/js/player/camera-player.js",
    "/nothing-here",
)
_VANISH = 0.2


@dataclass
class Life:
    """Everybody's day; ``done`` counts what has happened, ``failed`` what went wrong, by name."""

    company: Company
    party: Party
    buildings: dict[str, Building]
    pace: float = 1.0
    """1: as on a busy evening; 0.2 five times as fast."""
    done: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    _tasks: Tasks = field(default_factory=lambda: Tasks("life"))
    _chance: random.Random = field(default_factory=lambda: random.Random(7))

    def begin(self) -> None:
        """Let it go on until :meth:`end`."""
        for act, every_s in (
            (self._watch, 4.0),
            (self._look_around, 5.0),
            (self._follow_events, 9.0),
            (self._ask_badly, 11.0),
            (self._lose_a_camera, 67.0),
            (self._edit_a_file, 41.0),
        ):
            self._tasks.spawn(self._again(act, every_s * self.pace), act.__name__)

    async def end(self) -> None:
        """Send everybody home; what is under way may end first."""
        await self._tasks.close()
        for building in self.buildings.values():
            for number in range(len(building.cameras)):
                await building.switch(number, on=True)
        for guest in tuple(self.party.guests):
            await self._leave(guest)

    async def _again(self, act: Callable[[], Awaitable[None]], every_s: float) -> None:
        while True:
            await asyncio.sleep(every_s * self._chance.uniform(0.5, 1.5))
            name = act.__name__.strip("_").replace("_", " ")
            self._tasks.spawn(self._once(name, act), name)

    async def _once(self, name: str, act: Callable[[], Awaitable[None]]) -> None:
        try:
            await act()
            self.done[name] += 1
        except (ClientError, TimeoutError, AssertionError) as error:
            self.failed[f"{name}: {type(error).__name__}"] += 1

    def _site(self) -> str:
        return self._chance.choice(list(self.buildings))

    async def _watch(self) -> None:
        site = self._site()
        number = self._chance.randint(1, len(self.buildings[site].cameras))
        guest = Guest(self.party, f"/whep/{site}/entrance-{number}", self.party.peer())
        try:
            await guest.come()
        except BaseException:
            guest.drop(guest.peer)
            raise
        self.party.guests.append(guest)
        await asyncio.sleep(self._chance.uniform(2, 12) * self.pace)
        if guest in self.party.guests:
            await self._leave(guest)

    async def _leave(self, guest: Guest) -> None:
        """Leave as people do: some close the page, some walk into a lift."""
        self.party.guests.remove(guest)
        if self._chance.random() < _VANISH:
            guest.drop(guest.peer)
        else:
            await guest.leave()

    async def _look_around(self) -> None:
        for path in _PAGES:
            url = self.company.url + path.format(site=self._site())
            async with self.party.http.get(url, headers=_STAFF) as answer:
                await answer.read()
                assert answer.status < 500

    async def _follow_events(self) -> None:
        """Listen for some seconds, as an open page does."""
        url = f"{self.company.url}/api/v1/events"
        until = time.monotonic() + self._chance.uniform(5, 25) * self.pace
        timeout = ClientTimeout(total=60)
        async with self.party.http.get(url, headers=_STAFF, timeout=timeout) as answer:
            assert answer.status == 200
            with suppress(TimeoutError):
                async with asyncio.timeout(until - time.monotonic()):
                    await answer.content.read()

    async def _ask_badly(self) -> None:
        url, site = self.company.url, self._site()
        for path, body in (
            (f"/whep/{site}/entrance-1", b"v=0\r\nnot an offer"),
            (f"/whep/{site}/no-such-camera", b"v=0"),
            (f"/whep/{site}/entrance-1?ticket=made-up", b""),
            ("/api/v1/session", b'{"password": "wrong"}'),
        ):
            async with self.party.http.post(url + path, data=body) as answer:
                await answer.read()
                assert 400 <= answer.status < 500, answer.status

    async def _lose_a_camera(self) -> None:
        building = self.buildings[self._site()]
        number = self._chance.randrange(len(building.cameras))
        await building.switch(number, on=False)
        await asyncio.sleep(self._chance.uniform(3, 10) * self.pace)
        await building.switch(number, on=True)

    async def _edit_a_file(self) -> None:
        site = self._site()
        name = f"{site} {self._chance.randrange(10)}"
        self.company.write_site(site, self.buildings[site].cameras, name=name)
