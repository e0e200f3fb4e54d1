"""Another version of the gateway is started over media servers that somebody watches."""

import signal
from pathlib import Path

import pytest

from gateway.demo.building import DemoBuilding
from tests.e2e.company import CREDENTIAL, Company, Watcher, company_in
from tests.e2e.test_gateway import gateway
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

REASON = "another version of the media server is installed"
METADATA = "Metadata-Version: 2.1\nName: camera-gateway\nVersion: {version}\n"


def installed(folder: Path, version: str) -> str:
    """Let the package be of another version for who has this folder in its PYTHONPATH."""
    kept = folder / version / f"camera_gateway-{version}.dist-info"
    kept.mkdir(parents=True)
    (kept / "METADATA").write_text(METADATA.format(version=version))
    return str(kept.parent)


async def said(company: Company, words: str) -> bool:
    return words in company.log.read_text()


async def test_viewers_move_to_an_upgraded_server_by_a_reconnect(
    tmp_path: Path, clips: Path
) -> None:
    building = DemoBuilding(credential=CREDENTIAL, cache=clips, discovery_port=None)
    await building.start(2)
    try:
        async with company_in(tmp_path / "own") as company:
            one, two = building.cameras
            company.write_site("first", [one])
            company.write_site("second", [two])
            await company.begin()
            for site in ("first", "second"):
                await until(lambda: company.live(site), within=40)  # noqa: B023  # awaited in this very turn
            async with (
                Watcher(f"{company.url}/whep/first/{one.id}") as here,
                Watcher(f"{company.url}/whep/second/{two.id}") as there,
            ):
                for watcher in (here, there):
                    await watcher.more(5)
                await company.end(signal.SIGTERM)
                for watcher in (here, there):
                    await watcher.more(5)  # the old version's servers play on
                    assert watcher.plays == 1
                before = {site: company.media_server(site) for site in ("first", "second")}

                company.environment["PYTHONPATH"] = installed(tmp_path / "versions", "77.1")
                code, text = await gateway("version", **company.environment)
                assert (code, text) == (0, "77.1\n")
                code, text = await gateway("plan", str(company.sites), **company.environment)
                assert code == 2
                assert f"replace first: {REASON}" in text
                assert "settings" not in text

                await company.begin()
                for watcher in (here, there):
                    await until(lambda: watcher.plays > 1, within=15)  # noqa: B023  # awaited in this very turn
                    await watcher.more(10, within=15)
                for site in ("first", "second"):
                    words = f"replaced media server {site}"
                    await until(lambda: said(company, words), within=10)  # noqa: B023  # awaited in this very turn
                    assert company.media_server(site) not in (0, before[site])
                assert company.log.read_text().count(REASON) == 2
                code, text = await gateway("plan", str(company.sites), **company.environment)
                assert (code, "nothing to do" in text) == (0, True), text
    finally:
        await building.close()
