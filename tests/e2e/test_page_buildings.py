"""The first page: each building with a picture of its first live camera."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Locator, Page

from gateway.demo.building import DemoBuilding
from tests.e2e.browser import Screen, chromium, window
from tests.e2e.company import CREDENTIAL, Company, company_in
from tests.waiting import until

PATIENCE = 30
NEVER_SHOWN = [{"from": "00:00", "to": "12:00"}, {"from": "12:00", "to": "00:00"}]
# So low that the second building's picture is further away than what is loaded ahead.
LOW = Screen(700, 250)

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(180)]


@asynccontextmanager
async def three_buildings(root: Path, building: DemoBuilding) -> AsyncIterator[Company]:
    """Give a building in privacy hours, one of two cameras, and one that asks for tickets."""
    async with company_in(root) as company:
        await building.start(2)
        company.write_site("hidden", building.cameras[:1], timezone="Europe/Moscow")
        file = company.sites / "hidden.yaml"
        hidden = json.loads(file.read_text())
        hidden["cameras"][0]["privacy_hours"] = NEVER_SHOWN
        file.write_text(json.dumps(hidden))
        company.write_site("house", building.cameras)
        company.write_site("tickets", building.cameras[:1], viewing={"access": "ticket"})
        await company.begin()

        async def has_posters() -> bool:
            site = await company.get("/api/v1/sites/house") or {"cameras": []}
            return [bool(camera["poster"]) for camera in site["cameras"]] == [True, True]

        await until(has_posters, within=PATIENCE)
        yield company


async def test_each_building_shows_a_picture(tmp_path: Path) -> None:
    building = DemoBuilding(credential=CREDENTIAL, discovery_port=None)
    try:
        async with three_buildings(tmp_path, building) as company, chromium() as browser:
            await pictures_come_as_they_are_scrolled_to(company, browser)
            await the_picture_is_of_a_camera_that_lives(company, browser, building)
    finally:
        await building.close()


def posters(page: Page) -> list[str]:
    """Return a list that grows by the building and the camera of every picture asked for."""
    asked: list[str] = []

    def note(url: str) -> None:
        pieces = urlsplit(url).path.split("/")
        if pieces[-1] == "poster.jpg":
            asked.append(f"{pieces[4]}/{pieces[6]}")

    page.on("request", lambda request: note(request.url))
    return asked


async def pictures_come_as_they_are_scrolled_to(company: Company, browser: Browser) -> None:
    async with window(browser, LOW, locale="en-US") as viewer:
        asked = posters(viewer.page)
        async with viewer.page.expect_response("**/api/v1/events"):
            await viewer.page.goto(company.url)
        house = viewer.page.get_by_role("link", name="house")
        await house.wait_for()
        await viewer.page.evaluate("new Promise((done) => requestIdleCallback(done))")
        assert asked == [], "nobody has scrolled there yet"
        await house.scroll_into_view_if_needed()
        await until(lambda: has_picture(house), within=PATIENCE)
        hidden = viewer.page.get_by_role("link", name="hidden")
        await hidden.scroll_into_view_if_needed()
        assert not await has_picture(hidden), "nobody watches it at this hour"
        assert set(asked) == {"house/entrance-1"}
        assert await viewer.page.get_by_role("link").filter(has_text="tickets").count() == 0
        assert viewer.complaints == []


async def has_picture(card: Locator) -> bool:
    return await card.locator("canvas").is_visible()


async def the_picture_is_of_a_camera_that_lives(
    company: Company, browser: Browser, building: DemoBuilding
) -> None:
    async with window(browser, locale="en-US") as viewer:
        asked = posters(viewer.page)
        await viewer.page.goto(company.url)
        house = viewer.page.get_by_role("link", name="house")
        await until(lambda: has_picture(house), within=PATIENCE)
        await building.set_plugged("entrance-1", plugged=False)
        await until(lambda: "house/yard" in asked, within=PATIENCE)
        await house.get_by_text("1 of 2 live").wait_for()
        await building.set_plugged("yard", plugged=False)

        async def gone() -> bool:
            return not await has_picture(house)

        await until(gone, within=PATIENCE)
        assert viewer.complaints == []
