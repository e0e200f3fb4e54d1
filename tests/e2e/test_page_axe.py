"""The pages under the rules of axe-core: phone and desk, light and dark."""

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import pytest
from playwright.async_api import Page

from gateway.demo.building import DemoBuilding
from tests.e2e.browser import DESKTOP, PHONE, Viewer, chromium, window
from tests.e2e.company import CREDENTIAL, Company, company_in
from tests.waiting import until

AXE = Path(__file__).parents[1] / "node_modules/axe-core/axe.min.js"
PATIENCE = 30
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(180)]


@asynccontextmanager
async def two_cameras(root: Path) -> AsyncIterator[Company]:
    """Give a gateway whose one building has a camera that lives and one that does not."""
    building = DemoBuilding(credential=CREDENTIAL, discovery_port=None)
    async with company_in(root) as company:
        try:
            await building.start(2)
            company.write_site("house", building.cameras)
            await building.set_plugged("yard", plugged=False)
            await company.begin()

            async def ready() -> bool:
                return (await company.states("house")).get("entrance-1") == "live"

            await until(ready, within=PATIENCE)
            yield company
        finally:
            await building.close()


async def violations(page: Page) -> list[str]:
    """Return what axe-core has to say, each with the element."""
    await page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[str] = await page.evaluate(
        """async () => (await axe.run(document, { resultTypes: ["violations"] })).violations
          .flatMap(({ id, help, nodes }) => nodes.map(({ target }) =>
            `${id}: ${help}: ${target.flat().join(" ")}`))"""
    )
    return found


async def live(viewer: Viewer) -> bool:
    return "live" in await viewer.phases()


async def test_nobody_is_shut_out(tmp_path: Path) -> None:
    async with two_cameras(tmp_path) as company, chromium() as browser:
        for screen, scheme in itertools.product((PHONE, DESKTOP), SCHEMES):
            async with window(browser, screen, scheme=scheme, reduced_motion=True) as viewer:
                page = viewer.page
                await page.goto(f"{company.url}/")
                await page.get_by_role("link", name="house").wait_for()
                assert await violations(page) == []
                for path in ("/watch/house", "/embed/house"):
                    await page.goto(company.url + path)
                    await until(lambda: live(viewer), within=PATIENCE, every=0.1)
                    assert await violations(page) == [], path
                await (
                    page.locator("camera-player")
                    .first.get_by_role("button", name="Увеличить")
                    .click()
                )
                await page.get_by_role("dialog").wait_for()
                assert await violations(page) == [], "enlarged"
                await page.goto(f"{company.url}/watch/nowhere")
                await page.get_by_role("heading", name="Этот дом не найден").wait_for()
                assert await violations(page) == [], "no building"
