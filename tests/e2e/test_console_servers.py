"""What the console says of a building's media servers: which there are, how loaded, and why."""
# ruff: noqa: RUF001  # the console speaks Russian

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from gateway.api.passwords import make_hash
from gateway.demo.building import DemoBuilding
from gateway.kit.secret import Secret
from tests.e2e.browser import DESKTOP, PHONE, Screen, chromium, window
from tests.e2e.company import CREDENTIAL, Company, Watcher, company_in
from tests.e2e.test_console import PATIENCE_MS, WORD, Scheme, all_good, sign_in
from tests.waiting import until

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(240),
    pytest.mark.xdist_group("console"),
]

RU = {
    "locale": "ru-RU",
    "origin": "Основной house",
    "edge": "Дополнительный house.edge1",
    "viewers": ("2 зрителя", "1 зритель"),
    "cpu": r"процессор \d+ %",
    "running": "Работает с",
    "why": "Число медиасерверов: Стало 2 вместо 1. Зрителей 2 — это больше 75 % мест (1 × 2).",
}
EN = {
    "locale": "en-GB",
    "origin": "Origin house",
    "edge": "Edge house.edge1",
    "viewers": ("2 viewers", "1 viewer"),
    "cpu": r"processor \d+%",
    "running": "Running since",
    "why": "Number of media servers: 2 in place of 1. "
    "2 viewers are more than 75% of the places (1 × 2).",
}


@pytest.fixture
async def crowded(tmp_path: Path) -> AsyncIterator[Company]:
    """Give a building that has grown: two watch from its origin, one from its edge."""
    expect.set_options(timeout=PATIENCE_MS)
    anna = {"name": "anna", "role": "administrator", "hash": make_hash(Secret(WORD))}
    machine = {"cpu": "100%", "memory": "100%"}
    async with AsyncExitStack() as stack:
        building = DemoBuilding(credential=CREDENTIAL, discovery_port=None)
        stack.push_async_callback(building.close)
        await building.start(1)
        company = await stack.enter_async_context(
            company_in(tmp_path, accounts=[anna], machine=machine)
        )
        company.write_site(
            "house", building.cameras, scaling={"max_servers": 2, "viewers_per_server": 2}
        )
        await company.begin()
        await until(lambda: company.live("house"), within=60)
        url = f"{company.url}/whep/house/entrance-1"
        for _ in range(2):
            await (await stack.enter_async_context(Watcher(url, patience=60))).more(3)
        await until(lambda: loads(company, 2, 0), within=60)
        await (await stack.enter_async_context(Watcher(url, patience=60))).more(3)
        await until(lambda: loads(company, 2, 1), within=60)
        yield company


async def loads(company: Company, *viewers: int) -> bool:
    """Tell whether these many watch from each media server, and all tell their load."""
    site = await company.get("/api/v1/sites/house") or {}
    servers = site.get("servers", [])
    ready = all(one["state"] == "running" and one["cpu"] is not None for one in servers)
    return ready and [one["viewers"] for one in servers] == [*viewers]


@pytest.mark.parametrize(
    ("screen", "scheme", "words"),
    [(PHONE, "dark", RU), (DESKTOP, "light", EN)],
    ids=["phone-ru-dark", "desk-en-light"],
)
async def test_each_servers_role_viewers_and_load_are_seen(
    crowded: Company,
    screen: Screen,
    scheme: Scheme,
    words: dict[str, Any],
    tmp_path: Path,
) -> None:
    async with (
        chromium() as browser,
        window(browser, screen, locale=words["locale"], scheme=scheme) as one,
    ):
        await sign_in(one, crowded, "anna")
        await one.page.locator(".row").first.click()
        rows = one.page.locator("li.server")
        await expect(rows).to_have_count(2)
        for row, name, viewers in zip(
            await rows.all(), (words["origin"], words["edge"]), words["viewers"], strict=True
        ):
            await told(row, name, viewers, words)
        why = one.page.locator("p.exact", has_text=words["why"].partition(":")[0])
        await expect(why).to_have_text(words["why"])
        assert await in_english(one.page, "li.server, p.exact") == (words is EN)
        await all_good(one.page)
        await why.scroll_into_view_if_needed()
        await one.page.screenshot(path=tmp_path / "servers.png")
        assert one.complaints == []


async def told(row: Locator, name: str, viewers: str, words: dict[str, Any]) -> None:
    await expect(row.locator("strong")).to_have_text(name)
    await expect(row.locator(".count")).to_have_text(viewers)
    await expect(row.locator(".state")).to_contain_text(words["running"])
    await expect(row.locator(".facts")).to_have_text(re.compile(words["cpu"]))


async def in_english(page: Page, places: str) -> bool:
    """Tell whether something there is marked as English, by itself or by what is around it."""
    found: bool = await page.evaluate(
        """(places) => [...document.querySelectorAll(places)]
          .some((one) => one.closest("[lang]").lang === "en" || one.querySelector("[lang=en]"))""",
        places,
    )
    return found
