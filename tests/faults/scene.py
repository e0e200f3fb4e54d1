"""Where faults happen: a gateway with two buildings; one is hurt, the other must not notice."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.demo.building import DemoBuilding
from tests.bench.guests import Guest, Party, party
from tests.e2e.company import CREDENTIAL, Company, Watcher, company_in
from tests.waiting import until

HURT, CALM = "hurt", "calm"
CAMERA = "entrance-1"


@dataclass(slots=True)
class Scene:
    """``viewer`` watches the hurt building as the page does, ``neighbours`` the other one."""

    company: Company
    hurt: DemoBuilding
    viewer: Watcher
    party: Party
    neighbours: list[Guest]

    async def back(self, since: float, *, within: float = 60) -> float:
        """Return the seconds from ``since`` (monotonic) until five more pictures are decoded."""
        await self.viewer.more(5, within=within)
        return time.monotonic() - since

    async def newcomer(self, since: float) -> float:
        """Return the seconds from ``since`` until somebody new sees pictures."""
        async with Watcher(f"{self.company.url}/whep/{HURT}/{CAMERA}") as somebody:
            await somebody.more(5, within=60)
        return time.monotonic() - since

    def forget(self) -> None:
        """Begin to count at the neighbours."""
        for guest in self.neighbours:
            guest.peer.reset()
            guest.longest = 0.0

    def missed(self) -> int:
        """Return how many packets the neighbours have missed since :meth:`forget`."""
        return sum(max(0, guest.peer.expected - guest.peer.count) for guest in self.neighbours)


@asynccontextmanager
async def scene(root: Path) -> AsyncIterator[Scene]:
    """Set the scene: everything plays."""
    async with AsyncExitStack() as stack:
        buildings = [DemoBuilding(credential=CREDENTIAL, discovery_port=None) for _ in range(2)]
        for building in buildings:
            stack.push_async_callback(building.close)
            await building.start(1)
        company = await stack.enter_async_context(company_in(root))
        company.write_site(HURT, buildings[0].cameras)
        company.write_site(CALM, buildings[1].cameras)
        await company.begin()
        for site in (HURT, CALM):
            await until(lambda: company.live(site), within=40)  # noqa: B023  # awaited in this very turn
        doors = await stack.enter_async_context(party(company.url))
        neighbours = await doors.come(f"/whep/{CALM}/{CAMERA}", 2)
        viewer = Watcher(f"{company.url}/whep/{HURT}/{CAMERA}")
        await stack.enter_async_context(viewer)
        await viewer.more(20, within=40)
        yield Scene(company, buildings[0], viewer, doors, neighbours)


async def pause(seconds: float) -> None:
    """Let a fault last: the one thing here that is about time and not about a condition."""
    await asyncio.sleep(seconds)
