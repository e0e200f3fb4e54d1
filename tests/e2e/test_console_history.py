"""The console says how often cameras could be watched, and leads to the website's lines."""

import time
from pathlib import Path

import pytest
from playwright.async_api import expect

from gateway.model.history import Span
from gateway.model.status import CameraState
from gateway.store.history import HistoryRecords
from tests.e2e.browser import PHONE, chromium, window
from tests.e2e.company import PASSWORD
from tests.e2e.test_console import sign_in, watch_policy
from tests.e2e.test_console_manage import PATIENCE_MS, administered
from tests.e2e.test_page_axe import violations

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(240)]


async def remembered(data: Path) -> None:
    """Let a camera have been out for a third of the last hour."""
    records, hour = HistoryRecords(data), time.time() - 3600
    records.begin(Span("house", "entrance-1", CameraState.LIVE, "", hour))
    records.begin(Span("house", "entrance-1", CameraState.SILENT, "It is off.", hour + 2400))
    records.end("house", "entrance-1", hour + 3600)
    await records.close()


async def test_an_administrator_sees_last_months_outages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expect.set_options(timeout=PATIENCE_MS)
    for name in ("CAMERAS", "CAMERAS_OLD"):
        monkeypatch.setenv(name, PASSWORD)
    async with (
        administered(tmp_path) as (company, _),
        chromium() as browser,
        window(browser, PHONE, locale="en-GB") as viewer,
    ):
        page, refused = viewer.page, watch_policy(viewer.page)
        await remembered(company.data)
        await sign_in(viewer, company, "anna")
        await page.goto(f"{company.url}/console#/house")
        embed = page.get_by_role("link", name="For your website")
        await expect(embed).to_have_attribute("href", "/embed-preview/house")
        await page.get_by_text("How often the cameras could be watched").click()
        row = page.get_by_role("row").filter(has_text="Entrance 1")
        await expect(row).to_contain_text("outage")
        await expect(row).to_contain_text("%")
        assert await violations(page) == []
        assert refused == []
