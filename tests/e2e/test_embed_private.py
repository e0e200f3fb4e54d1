"""A public website whose gateway has a private address: Chromium asks the visitor first.

Local Network Access (https://wicg.github.io/local-network-access/): a switch of Chromium makes an
address of this machine count as public.
"""

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, async_playwright

from tests.e2e.browser import CHROMIUM, FLAGS, window
from tests.e2e.test_embed import Estate, estate, plays
from tests.waiting import until

PATIENCE = 30
SENTENCE = "The cameras need access to your network"
ALLOW = "autoplay; fullscreen; picture-in-picture; local-network; local-network-access"

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(180)]


async def test_a_visitor_is_asked_before_a_private_address_is_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TICKETS", "a key of the tests that is long enough to sign tickets with")
    async with estate(tmp_path, access="public") as here, async_playwright() as playwright:
        website = urlsplit(here.ours.url).netloc
        gateway = urlsplit(here.company.url).netloc
        for public in ((website,), (website, gateway)):
            override = ",".join(f"{address}=public" for address in public)
            browser = await playwright.chromium.launch(
                executable_path=CHROMIUM, args=[*FLAGS, f"--ip-address-space-overrides={override}"]
            )
            try:
                if gateway in public:
                    await a_public_gateway_needs_no_permission(here, browser)
                else:
                    await who_refuses_reads_why_and_who_allows_watches(here, browser)
            finally:
                await browser.close()


async def who_refuses_reads_why_and_who_allows_watches(here: Estate, browser: Browser) -> None:
    body = here.snippet(f'<camera-wall site="house"><p>{SENTENCE}</p></camera-wall>')
    async with window(browser) as viewer:
        await viewer.page.goto(here.ours.shows(body))

        async def refused() -> bool:
            return any("Permission was denied" in item for item in viewer.complaints)

        await until(refused, within=PATIENCE)
        assert await viewer.page.get_by_text(SENTENCE).is_visible()
    async with window(browser) as viewer:
        await viewer.page.context.grant_permissions(["local-network-access"])
        await viewer.page.goto(here.ours.shows(body))
        await plays(viewer)
        assert await viewer.page.get_by_text(SENTENCE).count() == 0
        frame = f'<iframe src="{here.company.url}/embed/house?lang=en" allow="{ALLOW}"></iframe>'
        await viewer.page.goto(here.ours.shows(frame))
        inside = viewer.page.frame_locator("iframe")
        await inside.get_by_text("Live", exact=True).wait_for(timeout=PATIENCE * 1000)


async def a_public_gateway_needs_no_permission(here: Estate, browser: Browser) -> None:
    """Play from a media server at a private address: WebRTC is not asked about."""
    async with window(browser) as viewer:
        body = here.snippet('<camera-wall site="house"></camera-wall>')
        await viewer.page.goto(here.ours.shows(body))
        await plays(viewer)
        assert viewer.complaints == []
