"""Who may watch and who may administer, in a real gateway with real video."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, CookieJar
from argon2 import PasswordHasher

from gateway.demo.building import DemoBuilding
from tests.e2e.company import CREDENTIAL, STAFF, Company, Watcher, company_in
from tests.rooms.api.described import wrong
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(150)]

PASSWORD = "correct horse battery"
ACCOUNT = {
    "name": "anna",
    "role": "administrator",
    "hash": PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1).hash(PASSWORD),
}


async def play_state(company: Company, location: str) -> tuple[str, str | None]:
    _, _, site, camera, play = location.split("/")
    body = await company.get(f"/api/v1/sites/{site}/cameras/{camera}/plays/{play}") or {}
    return body.get("state", ""), body.get("reason")


async def test_a_hard_stop_survives_a_restart_and_a_closed_site_shows_nothing(
    tmp_path: Path,
) -> None:
    building = DemoBuilding(credential=CREDENTIAL, discovery_port=None)
    await building.start(1)
    try:
        async with company_in(tmp_path, accounts=[ACCOUNT]) as company:
            camera = building.cameras[0].id
            company.write_site(
                "house", building.cameras, viewing={"access": "public", "max_watch": "15s"}
            )
            await company.begin()
            await until(lambda: company.live("house"), within=30)
            async with Watcher(f"{company.url}/whep/house/{camera}") as watcher:
                await watcher.more(5)
                first = watcher.location
                await company.end(signal.SIGTERM)
                await watcher.more(5)
                await company.begin()
                assert watcher.plays == 1, "the video went on"
                assert await play_state(company, first) == ("running", None)

                async def over() -> bool:
                    return await play_state(company, first) == ("ended", "time_over")

                await until(over, within=40)
                await until(lambda: watcher.plays > 1, within=20)
                await watcher.more(5)
                second = watcher.location
                company.write_site("house", building.cameras, viewing={"access": "staff"})

                async def closed() -> bool:
                    return await play_state(company, second) == ("ended", "closed")

                await until(closed, within=15)
            await _console(company, camera)
    finally:
        await building.close()


async def _console(company: Company, camera: str) -> None:
    """Use the API as the console does, and hold every answer to the document that it serves."""
    whole = await company.get("/api/v1/openapi.json")
    jar = CookieJar(unsafe=True)
    async with ClientSession(cookie_jar=jar) as session:

        async def ask(method: str, path: str, **more: Any) -> Any:
            url = company.url + path.format(site="house", camera=camera)
            async with session.request(method, url, **more) as answer:
                body = await answer.read()
                found = wrong(
                    whole,
                    (method, path.partition("?")[0]),
                    status=answer.status,
                    content_type=answer.content_type,
                    body=body,
                )
                assert not found
                return json.loads(body) if answer.content_type == "application/json" else body

        me = await ask("POST", "/api/v1/session", json={"name": "Anna", "password": PASSWORD})
        assert me["role"] == "administrator"
        token = {me["csrf_header"]: me["csrf_token"]}
        site = await ask("GET", "/api/v1/sites/{site}")
        assert site["servers"]
        for path in (
            "/api/v1/session",
            "/api/v1/sites",
            "/api/v1/sites/{site}/cameras/{camera}/poster.jpg",
            "/api/v1/sites/{site}/surveys",
            "/api/v1/revocations",
            "/api/v1/audit.csv",
            "/healthz",
            "/readyz",
        ):
            await ask("GET", path)
        assert await ask("POST", "/api/v1/revocations", json={"site": "house"})  # no token
        await ask("POST", "/api/v1/revocations", json={"site": "house"}, headers=token)
        views = (await ask("GET", "/api/v1/audit?site=house"))["views"]
        assert {"time_over", "closed"} <= {view["reason"] for view in views}
        assert all(view["to"] for view in views)
        await ask("DELETE", "/api/v1/session", headers=token)
        assert (await ask("GET", "/api/v1/session"))["role"] == "anonymous"
    log = company.log.read_text()
    assert PASSWORD not in log
    assert STAFF not in log
    assert ACCOUNT["hash"] not in log
