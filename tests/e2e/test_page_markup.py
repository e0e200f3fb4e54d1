"""Names that are markup stay names, on every page that shows them."""

import json
from pathlib import Path

import pytest

from gateway.demo.building import DemoBuilding
from tests.e2e.browser import chromium, window
from tests.e2e.company import CREDENTIAL, STAFF, company_in
from tests.waiting import until

PATIENCE = 30
EVIL = '"><img src=x onerror="window.owned=1"><script>window.owned=1</script>'

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(180)]


async def test_markup_in_names_is_shown_as_it_is_written(tmp_path: Path) -> None:
    building = DemoBuilding(credential=CREDENTIAL, discovery_port=None)
    async with company_in(tmp_path) as company, chromium() as browser:
        try:
            await building.start(1)
            company.write_site("house", building.cameras, name=f"House {EVIL}")
            file = company.sites / "house.yaml"
            content = json.loads(file.read_text())
            content["cameras"][0]["name"] = f"Entrance {EVIL}"
            file.write_text(json.dumps(content))
            await company.begin()
            await until(lambda: company.live("house"), within=PATIENCE)
            for path, shown in {
                "/": f"House {EVIL}",
                "/watch/house": f"Entrance {EVIL}",
                "/embed/house": f"Entrance {EVIL}",
                "/embed-preview/house": f"House {EVIL}",
                "/console#/house": f"Entrance {EVIL}",
            }.items():
                async with window(browser, locale="en-US") as viewer:
                    await viewer.page.add_init_script(f"sessionStorage.setItem('staff', '{STAFF}')")
                    await viewer.page.goto(company.url + path)
                    await viewer.page.get_by_text(shown).first.wait_for()
                    assert await viewer.page.evaluate("window.owned") is None, path
                    assert await viewer.page.locator("img[src=x]").count() == 0, path
                    assert viewer.complaints == [], path
        finally:
            await building.close()
