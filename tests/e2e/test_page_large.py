"""One camera by itself: the full screen, picture in picture, and a link that is passed on."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser

from gateway.demo.building import DemoBuilding
from tests.e2e.browser import DESKTOP, PHONE, Viewer, chromium, window
from tests.e2e.company import CREDENTIAL, Company, company_in
from tests.e2e.test_page_axe import live
from tests.waiting import until

PATIENCE = 30

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(180)]


@asynccontextmanager
async def one_camera(root: Path) -> AsyncIterator[Company]:
    """Give a gateway whose one building has one live camera."""
    building = DemoBuilding(credential=CREDENTIAL, discovery_port=None)
    async with company_in(root) as company:
        try:
            await building.start(1)
            company.write_site("house", building.cameras)
            await company.begin()
            await until(lambda: company.live("house"), within=PATIENCE)
            yield company
        finally:
            await building.close()


async def test_a_camera_can_have_the_whole_screen(tmp_path: Path) -> None:
    async with one_camera(tmp_path) as company, chromium() as browser:
        await it_fills_the_screen_and_gives_it_back(company, browser)
        await it_plays_on_in_a_small_window(company, browser)
        await a_phone_passes_on_the_link_alone(company, browser)


async def it_fills_the_screen_and_gives_it_back(company: Company, browser: Browser) -> None:
    for screen in (DESKTOP, PHONE):
        async with window(browser, screen, locale="en-US") as viewer:
            await enlarged(viewer, company)
            full = viewer.page.get_by_role("button", name="Full screen")
            await full.click()
            await until(lambda: fills_the_screen(viewer), within=PATIENCE)  # in this turn
            await moves(viewer)
            await full.click()
            await until(lambda: fills_nothing(viewer), within=PATIENCE)  # in this turn
            await viewer.page.get_by_role("dialog").wait_for()
            await full.click()
            await until(lambda: fills_the_screen(viewer), within=PATIENCE)  # in this turn
            await viewer.page.get_by_role("button", name="Close").click()
            await until(lambda: fills_nothing(viewer), within=PATIENCE)  # in this turn
            await moves(viewer)
            assert viewer.complaints == []


async def enlarged(viewer: Viewer, company: Company) -> None:
    await viewer.page.goto(f"{company.url}/watch/house")
    await until(lambda: live(viewer), within=PATIENCE, every=0.1)
    await viewer.page.get_by_role("button", name="Enlarge").click()
    await viewer.page.get_by_role("dialog").wait_for()


async def fills_the_screen(viewer: Viewer) -> bool:
    """Tell whether the video has all of the screen, and the buttons are on it."""
    whole: bool = await viewer.page.evaluate(
        """() => {
          const player = document.querySelector("camera-player");
          if (document.fullscreenElement !== player) return false;
          const { width, height } = player.video.getBoundingClientRect();
          return width === innerWidth && height === innerHeight;
        }"""
    )
    return whole and await viewer.page.get_by_role("button", name="Close").is_visible()


async def fills_nothing(viewer: Viewer) -> bool:
    return bool(await viewer.page.evaluate("document.fullscreenElement === null"))


async def moves(viewer: Viewer) -> None:
    before = (await viewer.players())[0]["frames"]

    async def moved() -> bool:
        return bool((await viewer.players())[0]["frames"] >= before + 10)

    await until(moved, within=PATIENCE, every=0.1)


async def it_plays_on_in_a_small_window(company: Company, browser: Browser) -> None:
    async with window(browser, DESKTOP, locale="en-US") as viewer:
        await enlarged(viewer, company)
        await viewer.page.get_by_role("button", name="Picture in picture").click()
        await until(lambda: in_a_small_window(viewer), within=PATIENCE)
        assert await viewer.page.get_by_role("dialog").count() == 0, "the page is free again"
        await viewer.page.evaluate(
            """() => {
              Object.defineProperty(document, "visibilityState", {
                configurable: true, get: () => "hidden" });
              document.dispatchEvent(new Event("visibilitychange"));
            }"""
        )
        await moves(viewer)
        await viewer.page.evaluate("document.exitPictureInPicture()")
        await until(lambda: paused(viewer), within=PATIENCE, every=0.1)
        assert viewer.complaints == []


async def in_a_small_window(viewer: Viewer) -> bool:
    player = "document.querySelector('camera-player')"
    return bool(await viewer.page.evaluate(f"document.pictureInPictureElement === {player}"))


async def paused(viewer: Viewer) -> bool:
    return await viewer.phases() == ["paused"]


async def a_phone_passes_on_the_link_alone(company: Company, browser: Browser) -> None:
    async with window(browser, PHONE, locale="en-US") as viewer:
        await viewer.page.add_init_script(
            "Navigator.prototype.share = async function (what) { window.passedOn = what; };"
        )
        await viewer.page.goto(f"{company.url}/watch/house?lang=en")
        await until(lambda: live(viewer), within=PATIENCE, every=0.1)
        await viewer.page.get_by_role("button", name="Share the link").tap()
        shared: dict[str, Any] = await viewer.page.evaluate("window.passedOn")
        assert shared["url"] == f"{company.url}/watch/house"
        assert "house" in shared["title"]
