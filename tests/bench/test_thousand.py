"""A hundred buildings in short: looks keep to their budget, an edit is acted upon, no herd."""

import asyncio
from pathlib import Path

import pytest

from gateway.control.cadence import LOOKS, Mood
from gateway.control.gates import Gates
from tests.bench.thousand import CAMERAS, gateway, lay_out, move_in, site_text, street
from tests.waiting import until

SITES = 100
LISTS = ("/rest-api/rtsp/find_all", "/rest-api/stream/find_all")
SECONDS = 20


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_a_hundred_buildings_have_a_budget(tmp_path: Path) -> None:
    fleet = lay_out(tmp_path, SITES)
    async with street(tmp_path, fleet) as town:
        move_in(tmp_path, fleet, town)
        async with gateway(tmp_path, "serve") as one:
            await one.ready()
            gates = Gates()
            bound = gates.asked._value + gates.doubted._value
            assert 0 < (await town.tell("counts"))["most"]["asking"] <= bound
            (tmp_path / "sites/house-0005.yaml").write_text(site_text(5, CAMERAS + 1))

            async def pulled() -> int:
                return int((await town.tell("counts"))["pulled"])

            async def taken() -> bool:
                return await pulled() == SITES * CAMERAS + 1

            await until(taken, within=60)
            await town.tell("silent 7")
            await until(lambda: one.says("is silent", "house-0007"), within=60)
            await town.tell("counts")
            await asyncio.sleep(SECONDS)
            calls = (await town.tell("counts"))["calls"]
            budget = (LOOKS[Mood.QUIET] + LOOKS[Mood.STIRRED] / 10) * SECONDS
            for path in LISTS:
                assert 0 < calls[path] <= budget, calls
