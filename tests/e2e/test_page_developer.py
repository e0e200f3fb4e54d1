"""The pages for web developers: the snippet with its preview, and the API read out to people."""
# the pages speak Russian

import itertools
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page

from gateway.api.tickets import verify
from gateway.demo.building import DemoBuilding
from gateway.kit.secret import Secret
from tests.e2e.browser import DESKTOP, PHONE, chromium, window
from tests.e2e.company import CREDENTIAL, STAFF, Company, company_in
from tests.e2e.test_page_axe import SCHEMES, live, violations
from tests.waiting import until

PATIENCE = 30
KEY = "a key of the tests that is long enough to sign tickets with"
ORIGIN = "https://uk.example.ru"
RUNS = {
    "PHP": (["php"], "\necho $ticket;"),
    "Python": ([sys.executable, "-"], "\nprint(ticket)"),
    "Node": (["node", "-"], "\nconsole.log(ticket)"),
}

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(180)]


@asynccontextmanager
async def company_with_a_camera(root: Path) -> AsyncIterator[Company]:
    """Give a gateway with three buildings of the same camera, one for each kind of access."""
    building = DemoBuilding(credential=CREDENTIAL, discovery_port=None)
    async with company_in(root, tickets={"secret": {"env": "TICKETS"}}) as company:
        try:
            await building.start(1)
            cameras = building.cameras
            company.write_site("public", cameras)
            company.write_site(
                "named", cameras, viewing={"access": "public", "allowed_origins": [ORIGIN]}
            )
            company.write_site("ticket", cameras, viewing={"access": "ticket"})
            await company.begin()
            await until(lambda: company.live("ticket"), within=PATIENCE)
            yield company
        finally:
            await building.close()


async def signed_in(page: Page) -> None:
    """Come as staff, as the console's sign-in leaves it in the tab."""
    await page.add_init_script(f"sessionStorage.setItem('staff', '{STAFF}')")


async def test_web_developers_find_what_they_need(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TICKETS", KEY)
    async with company_with_a_camera(tmp_path) as company, chromium() as browser:
        await strangers_see_a_form(company, browser)
        await the_snippet_is_right_and_plays(company, browser)
        await the_lines_that_sign_make_good_tickets(company, browser)
        await what_lets_everybody_watch_is_said(company, browser)
        await the_api_is_read_out(company, browser)
        await nobody_is_shut_out(company, browser)


async def strangers_see_a_form(company: Company, browser: Browser) -> None:
    async with window(browser, locale="en-US") as viewer:
        page = viewer.page
        await page.goto(f"{company.url}/embed-preview/ticket")
        await page.get_by_label("Staff key").fill(STAFF)
        assert await page.locator("pre").count() == 0
        await page.get_by_role("button", name="Sign in").click()
        await page.get_by_role("heading", name="What to paste").wait_for()
        await page.goto(f"{company.url}/embed-preview/nowhere")
        await page.get_by_role("heading", name="There is no such building").wait_for()


async def the_snippet_is_right_and_plays(company: Company, browser: Browser) -> None:
    async with window(browser, locale="en-US") as viewer:
        page = viewer.page
        await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        await signed_in(page)
        await page.goto(f"{company.url}/embed-preview/ticket")
        await until(lambda: live(viewer), within=PATIENCE, every=0.1)
        await page.get_by_role("button", name="Copy: All cameras").click()
        await page.get_by_text("Copied").first.wait_for()
        copied = await page.evaluate("navigator.clipboard.readText()")
        assert copied.splitlines() == [
            f'<script type="module" src="{company.url}/assets/player.js"></script>',
            '<camera-wall site="ticket" ticket="TICKET"></camera-wall>',
        ]
        await page.get_by_role("button", name="One camera").click()
        assert 'camera="entrance-1"' in await shown(page, "One camera")
        await page.get_by_role("button", name="Watch Entrance 1").click()
        await until(lambda: live(viewer), within=PATIENCE, every=0.1)
        await page.get_by_role("button", name="Frame (iframe)").click()
        frame = await shown(page, "Frame (iframe)")
        assert f'src="{company.url}/embed/ticket#ticket=TICKET"' in frame
        assert viewer.complaints == []


async def shown(page: Page, name: str) -> str:
    return await page.get_by_role("group", name=name, exact=True).locator("code").inner_text()


async def the_lines_that_sign_make_good_tickets(company: Company, browser: Browser) -> None:
    async with window(browser, locale="en-US") as viewer:
        await signed_in(viewer.page)
        await viewer.page.goto(f"{company.url}/embed-preview/ticket")
        for language, (command, ending) in RUNS.items():
            await viewer.page.get_by_role("button", name=language, exact=True).click()
            source = await shown(viewer.page, language)
            assert len(source.strip().splitlines()) == 5
            if shutil.which(command[0]) is None:
                continue
            made = subprocess.run(  # noqa: ASYNC221  # a moment, and nothing else happens
                command,
                input=("<?php " if language == "PHP" else "") + source + ending,
                env={"TICKET_SECRET": KEY},
                capture_output=True,
                text=True,
                check=True,
            )
            ticket = verify(made.stdout.strip(), Secret(KEY), now=datetime.now(UTC))
            assert ticket.sites == {"ticket"}


async def what_lets_everybody_watch_is_said(company: Company, browser: Browser) -> None:
    said = {
        "public": "everybody may watch it, and every website may show it",
        "named": f"whoever opens {ORIGIN} watches it without a ticket",
        "ticket": "No website may show this building yet",
    }
    for site, sentence in said.items():
        async with window(browser, locale="en-US") as viewer:
            await signed_in(viewer.page)
            await viewer.page.goto(f"{company.url}/embed-preview/{site}")
            await viewer.page.get_by_role("note").filter(has_text=sentence).wait_for()
            if site != "public":
                continue
            await viewer.page.get_by_role("button", name="Frame (iframe)").click()
            inside = viewer.page.frame_locator("iframe").get_by_text("Live", exact=True)
            await inside.wait_for(timeout=PATIENCE * 1000)


async def the_api_is_read_out(company: Company, browser: Browser) -> None:
    whole = await company.get("/api/v1/openapi.json")
    names = {one["operationId"] for path in whole["paths"].values() for one in path.values()}
    async with window(browser, locale="en-US") as viewer:
        page = viewer.page
        requests: list[str] = []
        page.on("request", lambda request: requests.append(request.url))
        await page.goto(f"{company.url}/api/v1/docs#sites_show_site")
        opened = page.locator("#sites_show_site")
        await opened.get_by_text("What comes back").wait_for()
        text = await opened.inner_text()
        assert f'curl "{company.url}/api/v1/sites/$site"' in text
        assert re.search(r"cameras\s+\[Camera\]\s+id\s+string", text), text
        listed = await page.locator("details.operation").evaluate_all("all => all.map((n) => n.id)")
        assert set(listed) == names
        assert len(listed) == len(names)
        await page.get_by_role("searchbox").fill("poster")
        assert await visible(page.locator("details.operation")) == ["sites_show_poster"]
        await page.get_by_role("searchbox").fill("no such thing")
        await page.get_by_text("Nothing is called so.").wait_for()
        assert {url.split("/")[2] for url in requests} == {company.url.split("/")[2]}
        assert viewer.complaints == []


async def visible(found: Any) -> list[str]:
    ids: list[str] = await found.evaluate_all(
        "all => all.filter((one) => one.checkVisibility()).map(({ id }) => id)"
    )
    return ids


async def nobody_is_shut_out(company: Company, browser: Browser) -> None:
    for screen, scheme in itertools.product((PHONE, DESKTOP), SCHEMES):
        async with window(browser, screen, scheme=scheme, reduced_motion=True) as viewer:
            page = viewer.page
            await signed_in(page)
            await page.goto(f"{company.url}/embed-preview/ticket")
            await page.get_by_role("heading", name="Что вставить").wait_for()
            assert await violations(page) == [], "the preview"
            assert await no_scroll(page)
            await page.goto(f"{company.url}/api/v1/docs#cameras_register_camera")
            await page.get_by_role("heading", name="Watching").wait_for()
            await page.locator("details.operation").evaluate_all(
                "(all) => all.slice(0, 12).forEach((one) => (one.open = true))"
            )
            await page.locator("details.operation .body").nth(11).wait_for()
            assert await violations(page) == [], "the API"
            assert await no_scroll(page)


async def no_scroll(page: Page) -> bool:
    fits: bool = await page.evaluate(
        "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    )
    return fits
