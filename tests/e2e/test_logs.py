"""The log for machines: one JSON object a line, and silence when all is well."""

import json
import re
import signal
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from tests.e2e.company import STAFF, Company
from tests.soak.building import building
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

SITE, CAMERA = "lenina-12", "entrance-1"
CYCLES = 15
"""Of two seconds each: half a minute in which nothing happens."""
_CYCLES = re.compile(r"^camera_gateway_cycle_seconds_count (\S+)", re.MULTILINE)


def lines(company: Company) -> list[dict[str, Any]]:
    """Return the log; fails at a line that is no JSON object."""
    found = [json.loads(line) for line in company.log.read_text(encoding="utf-8").splitlines()]
    assert all(isinstance(one, dict) for one in found)
    return found


async def cycles(company: Company) -> int:
    """Return how often the building has been looked after."""
    headers = {"Authorization": f"Bearer {STAFF}"}
    async with (
        ClientSession() as session,
        session.get(f"{company.url}/metrics", headers=headers) as answer,
    ):
        found = _CYCLES.search(await answer.text())
    return int(float(found[1])) if found else 0


async def test_each_line_is_an_object_and_silence_means_that_nothing_changes(
    tmp_path: Path,
) -> None:
    company = Company(tmp_path, options=("--json",))
    async with building(2) as house:
        company.write_site(SITE, house.cameras)
        await company.begin()
        try:
            await until(lambda: company.live(SITE), within=60)
            await house.switch(0, on=False)

            async def state() -> str:
                return (await company.states(SITE))[CAMERA]

            async def is_out() -> bool:
                return await state() not in ("live", "connecting")

            await until(is_out, within=60)
            await house.switch(0, on=True)
            await until(lambda: company.live(SITE), within=60)
            began = await cycles(company)

            async def calm() -> bool:
                return await cycles(company) >= began + 5

            await until(calm, within=60, every=0.5)
            said, began = lines(company), await cycles(company)

            async def idle() -> bool:
                return await cycles(company) >= began + CYCLES

            await until(idle, within=120, every=0.5)
            assert lines(company) == said, "an idle building is worth no line"
        finally:
            code = await company.end(signal.SIGINT)
    assert code == 0
    for one in lines(company):
        assert {"event", "level", "timestamp"} <= one.keys(), one
    about = [one for one in said if one.get("camera") == CAMERA]
    assert about, "the camera went and came: that is a change"
    assert all(one.get("site") == SITE for one in said if "camera" in one)
