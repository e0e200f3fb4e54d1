"""Where faults happen: a gateway with two buildings; one is hurt, the other must not notice."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gateway.demo.building import DemoBuilding, DemoCamera
from tests.bench.guests import Guest, Party, party
from tests.e2e.company import CREDENTIAL, Company, Watcher, company_in
from tests.waiting import until

HURT, CALM = "hurt", "calm"
CAMERA = "entrance-1"
DOOR = f"/whep/{HURT}/{CAMERA}"


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
        async with Watcher(self.company.url + DOOR) as somebody:
            await somebody.more(5, within=60)
        return time.monotonic() - since

    async def killed_server(self) -> int:
        """Wait until the hurt building has another media server than the one named before."""
        old = self.company.media_server(HURT)
        await until(lambda: self.company.media_server(HURT) not in (0, old), within=60)
        return self.company.media_server(HURT)

    async def well(self) -> None:
        """Wait until the hurt building plays steadily."""
        await self.viewer.more(10, within=60)

    def forget(self) -> None:
        """Begin to count at the neighbours."""
        for guest in self.neighbours:
            guest.peer.reset()

    async def missed(self) -> int:
        """Return how many packets the neighbours have missed; they must go on to get more."""
        before = [guest.peer.count for guest in self.neighbours]
        await until(
            lambda: all(
                guest.peer.count > seen for guest, seen in zip(self.neighbours, before, strict=True)
            ),
            within=5,
        )
        return sum(max(0, guest.peer.expected - guest.peer.count) for guest in self.neighbours)


@asynccontextmanager
async def scene(root: Path, *, named: str = "", **company_fields: Any) -> AsyncIterator[Scene]:
    """Set the scene: everything plays. ``named`` is a name of the hurt building's loopback."""
    async with AsyncExitStack() as stack:
        buildings = [DemoBuilding(credential=CREDENTIAL, discovery_port=None) for _ in range(2)]
        for building in buildings:
            stack.push_async_callback(building.close)
            await building.start(1)
        company = await stack.enter_async_context(company_in(root))
        for name, value in company_fields.items():
            setattr(company, name, value)
        company.write_site(HURT, [_called(one, named) for one in buildings[0].cameras])
        company.write_site(CALM, buildings[1].cameras)
        stack.enter_context(telling(company))
        await company.begin()
        yield await played(stack, company, buildings[0])


def _called(camera: DemoCamera, name: str) -> DemoCamera:
    if not name:
        return camera
    rtsp, sub = (text.replace("127.0.0.1", name) for text in (camera.rtsp, camera.rtsp_sub))
    return replace(camera, rtsp=rtsp, rtsp_sub=sub)


async def played(stack: AsyncExitStack, company: Company, hurt: DemoBuilding) -> Scene:
    """Return the scene once somebody watches in both buildings."""
    for site in (HURT, CALM):
        await until(lambda: company.live(site), within=90)  # noqa: B023  # awaited in this very turn
    doors = await stack.enter_async_context(party(company.url))
    neighbours = await doors.come(f"/whep/{CALM}/{CAMERA}", 2)
    viewer = Watcher(company.url + DOOR)
    await stack.enter_async_context(viewer)
    await viewer.more(20, within=40)
    return Scene(company, hurt, viewer, doors, neighbours)


@contextmanager
def telling(company: Company) -> Iterator[None]:
    """Show what the gateway and the hurt building's server said last, if anything fails."""
    try:
        yield
    except BaseException:
        for log in (company.log, company.data / "servers" / HURT / "server.log"):
            if log.exists():
                print(log.name, log.read_text(errors="replace")[-3000:], sep="\n", flush=True)
        raise


async def pause(seconds: float) -> None:
    """Let a fault last: the one thing here that is about time and not about a condition."""
    await asyncio.sleep(seconds)
