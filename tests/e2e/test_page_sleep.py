"""A phone that sleeps while the world changes: the video is there again when it wakes."""

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser

from gateway.demo.building import DemoBuilding
from tests.e2e.browser import PHONE, Viewer, chromium, window
from tests.e2e.company import CREDENTIAL, company_in
from tests.e2e.test_page import hide
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(180)]


@pytest.mark.parametrize("told", [True, False], ids=["told-that-it-is-hidden", "at-once"])
async def test_a_phone_wakes_to_live_video_though_the_server_is_another(
    tmp_path: Path,
    told: bool,  # noqa: FBT001  # a case
) -> None:
    building = DemoBuilding(credential=CREDENTIAL, discovery_port=None)
    try:
        await building.start(1)
        async with company_in(tmp_path) as company, chromium() as browser:
            company.write_site("house", building.cameras)
            await company.begin()
            await until(lambda: company.live("house"), within=60)
            async with window(browser, PHONE) as viewer:
                await viewer.page.goto(f"{company.url}/watch/house")
                await plays(viewer)
                old = company.media_server("house")
                if told:
                    await hide(viewer, hidden=True)
                async with asleep(browser):
                    os.kill(old, signal.SIGKILL)
                    await until(lambda: company.media_server("house") not in (0, old), within=30)
                    await until(lambda: company.live("house"), within=30)
                if told:
                    await hide(viewer, hidden=False)
                await plays(viewer)
                site: Any = await company.get("/api/v1/sites/house")
                assert site["cameras"][0]["viewers"] == 1, "the play of before is not left over"
    finally:
        await building.close()


@asynccontextmanager
async def asleep(browser: Browser) -> AsyncIterator[None]:
    """Stop the processes that pages run in, as phones stop what is in the background.

    (Chrome's own Page.setWebLifecycleState does nothing while playwright keeps a page focused.)
    """
    session = await browser.new_browser_cdp_session()
    told = await session.send("SystemInfo.getProcessInfo")
    await session.detach()
    pages = [int(one["id"]) for one in told["processInfo"] if one["type"] == "renderer"]
    assert pages
    for pid in pages:
        os.kill(pid, signal.SIGSTOP)
    try:
        await until(lambda: all(stopped(pid) for pid in pages), within=5)
        yield
    finally:
        for pid in pages:
            os.kill(pid, signal.SIGCONT)


def stopped(pid: int) -> bool:
    """Tell whether a process is stopped (proc(5), ``T`` after the name in brackets)."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


async def plays(viewer: Viewer) -> None:
    """Wait until the one player is live and shows ten further pictures."""

    async def live() -> bool:
        return await viewer.phases() == ["live"]

    async def moved() -> bool:
        return bool((await viewer.players())[0]["frames"] >= before + 10)

    await until(live, within=60, every=0.1)
    before = (await viewer.players())[0]["frames"]
    await until(moved, within=60, every=0.1)
