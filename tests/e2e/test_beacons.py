"""What a browser has seen of its plays reaches the operator's numbers, without anybody's name."""

import re
from pathlib import Path

import pytest
from aiohttp import ClientSession

from tests.e2e.browser import PHONE, chromium, window
from tests.e2e.company import STAFF, Company
from tests.e2e.test_page_axe import live
from tests.e2e.test_page_large import one_camera
from tests.waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(180)]


async def numbers(company: Company) -> dict[str, float]:
    """Return the sums of what browsers have told."""
    headers = {"Authorization": f"Bearer {STAFF}"}
    async with (
        ClientSession() as session,
        session.get(f"{company.url}/metrics", headers=headers) as answer,
    ):
        text = await answer.text()
    found = re.findall(r"^camera_gateway_(player_\w+)(?:\{\})? (\S+)$", text, re.MULTILINE)
    return {name: float(value) for name, value in found}


async def test_a_browser_tells_of_its_first_picture_and_of_its_time(tmp_path: Path) -> None:
    async with one_camera(tmp_path) as company, chromium() as browser:
        async with window(browser, PHONE, locale="ru-RU") as viewer:
            await viewer.page.goto(f"{company.url}/watch/house")
            await until(lambda: live(viewer), within=30, every=0.1)

            async def begun() -> bool:
                return (await numbers(company)).get("player_plays_total") == 1

            await until(begun, within=10)
            first = await numbers(company)
            assert first["player_first_frame_seconds_count"] == 1
            assert 0 < first["player_first_frame_seconds_sum"] < 30
            assert not first["player_seconds_total"]
            await viewer.page.goto("about:blank")
            assert viewer.complaints == []

        async def told() -> bool:
            return (await numbers(company))["player_seconds_total"] > 0

        await until(told, within=10)
        last = await numbers(company)
        assert last["player_plays_total"] == 1
        assert last["player_seconds_total"] < 60
