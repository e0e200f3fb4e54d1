"""A minute of the soak: what a busy time has taken is given back, to the last descriptor."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.bench.guests import party
from tests.e2e.company import Company, company_in
from tests.soak import census
from tests.soak.building import building
from tests.soak.life import Life
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

SITE = "lenina-12"
BUSY_S = 12.0
ROUNDS = 6
"""Pools of threads grow to their bound in the first ones; what leaks grows in all of them."""

Counts = Mapping[str, Mapping[str, float]]


async def counts(company: Company) -> Counts:
    """Return all that is counted one by one; memory is for hours to tell."""
    found = await census.look(company, (SITE,))
    return {
        who: {name: value for name, value in one.items() if not name.endswith("_kb")}
        for who, one in found.items()
    }


async def at_rest(company: Company) -> Counts:
    """Return the counts when nobody watches and no picture is being taken."""
    last: Counts = {}

    async def still() -> bool:
        nonlocal last
        before, last = last, await counts(company)
        server, gateway = last.get(f"media server {SITE}", {}), last.get("gateway", {})
        idle = gateway.get("plays") == 0 and gateway["processes"] == 1
        return idle and server.get("processes") == 0 and before == last

    await until(still, within=120, every=1)
    return last


async def test_a_busy_time_leaves_nothing_behind(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        house = await stack.enter_async_context(building(1))
        company = await stack.enter_async_context(company_in(tmp_path))
        company.write_site(SITE, house.cameras)
        await company.begin()
        await until(lambda: company.live(SITE), within=60)
        seen: list[Counts] = []
        for _ in range(ROUNDS):
            async with party(company.url) as doors:
                life = Life(company, doors, {SITE: house}, pace=0.2)
                life.begin()
                await asyncio.sleep(BUSY_S)  # the busy time itself, not a wait for anything
                await life.end()
            assert life.done["watch"]
            assert not life.failed
            seen.append(await at_rest(company))
            if len(seen) > 1 and seen[-1] == seen[-2]:
                return
        pytest.fail(f"something stays behind: {seen}")
