"""People behind a firewall that lets no UDP through watch all the same."""

import re
import secrets
import shutil
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from playwright.async_api import Route

from gateway.demo.building import DemoBuilding
from tests.e2e.blocked import POSSIBLE, Office, coturn, office, watch
from tests.e2e.browser import CHROMIUM, window
from tests.e2e.company import CREDENTIAL, Company, free_port
from tests.waiting import until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.netns,
    pytest.mark.timeout(120),
    pytest.mark.skipif(not POSSIBLE, reason="only root can make network namespaces"),
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="Debian's Chromium is not installed"),
]


@pytest.fixture
def behind() -> Iterator[Office]:
    with office() as made:
        yield made


@asynccontextmanager
async def house(root: Path, address: str, **settings: Any) -> AsyncIterator[str]:
    """Run a gateway with one live camera; yields the camera's address on ``address``."""
    building = DemoBuilding(credential=CREDENTIAL, discovery_port=None)
    port = free_port()
    company = Company(root, port, settings={"listen": f"0.0.0.0:{port}", **settings})
    try:
        await building.start(1)
        company.write_site("house", building.cameras, media_server={"address": address})
        await company.begin()
        await until(lambda: company.live("house"), within=45)
        yield f"http://{address}:{port}/whep/house/{building.cameras[0].id}"
    finally:
        if company.process is not None:
            await company.end(signal.SIGINT)
        await building.close()


async def test_chromium_plays_by_tcp(behind: Office, tmp_path: Path) -> None:
    async with house(tmp_path / "company", behind.outside) as url:
        way = await watch(behind, url, tmp_path, "all")
        assert way["remote"]["protocol"] == "tcp"
        assert way["remote"]["tcpType"] == "passive"
        assert way["remote"]["address"] == behind.outside
        assert behind.dropped() > 0, "UDP was tried, and stopped"


async def test_the_page_asks_for_tcp_where_udp_leads_nowhere(
    behind: Office, tmp_path: Path
) -> None:
    """As with a WCS, whose answer names candidates of the transport that was asked for."""
    asked: list[str] = []

    async def answer(route: Route) -> None:
        got = await route.fetch()
        asked.append(urlsplit(route.request.url).query)
        lines = (await got.text()).splitlines(keepends=True)
        if "transport=tcp" not in asked[-1]:
            lines = [line for line in lines if not re.match(r"a=candidate:\d+ 1 tcp", line)]
        await route.fulfill(response=got, body="".join(lines))

    async with (
        house(tmp_path / "company", behind.outside) as url,
        behind.chromium(tmp_path) as browser,
        window(browser) as viewer,
    ):
        await viewer.page.route(re.compile("/whep/house/[^/]+$"), answer)
        await viewer.page.goto(urljoin(url, "/watch/house"))
        player = viewer.page.locator("camera-player")

        async def plays() -> bool:
            return await player.get_attribute("state") == "live"

        await until(plays, within=60, every=0.2)
        assert await player.get_attribute("way") == "tcp"
        assert ["transport=tcp" in query for query in asked[:2]] == [False, True]


@pytest.mark.skipif(shutil.which("turnserver") is None, reason="coturn is not installed")
async def test_chromium_plays_through_a_turn_server(
    behind: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = secrets.token_hex(16)
    monkeypatch.setenv("TURN_SECRET", secret)
    async with coturn(behind.outside, tmp_path, secret) as relay:
        servers = [{"urls": [relay.url], "secret": {"env": "TURN_SECRET"}}]
        async with house(tmp_path / "company", behind.outside, ice_servers=servers) as url:
            way = await watch(behind, url, tmp_path, "relay")
            assert way["local"]["candidateType"] == "relay"
            assert way["local"]["relayProtocol"] == "tcp"
            assert way["remote"]["protocol"] == "udp"
