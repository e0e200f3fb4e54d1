"""Back-up and restore: two folders hold everything that a gateway knows."""

import shutil
import signal
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from aiohttp import ClientSession, CookieJar

from gateway.demo.building import DemoBuilding
from tests.e2e.company import CREDENTIAL, STAFF, Company, Watcher, company_in
from tests.e2e.test_access import ACCOUNT
from tests.e2e.test_access import PASSWORD as ACCOUNT_PASSWORD
from tests.e2e.test_gateway import gateway
from tests.e2e.test_survey_flow import SITE, events_of
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

TICKETS = "a secret that signs the tickets of a test"
KEPT = ("/api/v1/sites/house/surveys", "/api/v1/revocations", "/api/v1/audit?site=house")
HEADERS = {"Authorization": f"Bearer {STAFF}"}


def ticket_for(subject: str) -> str:
    """Return a ticket, minted a minute ago as far as a revocation can tell."""
    now = int(time.time())
    claims = {"sites": ["house"], "sub": subject, "iat": now - 60, "exp": now + 600}
    return jwt.encode(claims, TICKETS, algorithm="HS256")


async def refused(company: Company, camera: str, ticket: str) -> bool:
    """Tell whether a ticket lets nobody play; the offer is none, but access comes first."""
    headers = {"Authorization": f"Bearer {ticket}", "Content-Type": "application/sdp"}
    url = f"{company.url}/whep/house/{camera}"
    async with ClientSession() as session, session.post(url, data="v=0", headers=headers) as answer:
        return answer.status in (401, 403)


async def signed_in_as(company: Company) -> str:
    body = {"name": ACCOUNT["name"], "password": ACCOUNT_PASSWORD}
    async with (
        ClientSession(cookie_jar=CookieJar(unsafe=True)) as session,
        session.post(company.url + "/api/v1/session", json=body) as answer,
    ):
        return str((await answer.json()).get("role"))


async def live_a_little(company: Company, building: DemoBuilding, viewers: list[str]) -> str:
    """Play twice, survey and register a camera, revoke a viewer; return the record's address."""
    camera = building.cameras[0].id
    async with ClientSession(company.url, headers=HEADERS) as staff:
        for ticket in viewers:
            async with Watcher(f"{company.url}/whep/house/{camera}", ticket=ticket) as watcher:
                await watcher.more(5)
        body: dict[str, Any] = {"targets": [building.cameras[1].onvif]}
        async with staff.post("/api/v1/sites/house/surveys", json=body) as answer:
            assert answer.status == 201, await answer.text()
            place, survey = answer.headers["Location"], (await answer.json())["id"]
        told = await events_of(staff, place + "/events")
        sighting = [one["sighting"]["n"] for kind, one in told if kind == "probed"][-1]
        body = {"id": "yard-2", "name": "Yard 2", "survey": survey, "sighting": sighting}
        body |= {"wait_s": 40, "who": "Ivan"}
        async with staff.post("/api/v1/sites/house/cameras", json=body) as answer:
            assert answer.status == 201, await answer.text()
            record = str((await answer.json())["record"])
        revoked = {"site": "house", "subject": "flat-2"}
        async with staff.post("/api/v1/revocations", json=revoked) as answer:
            assert answer.status < 300, await answer.text()

    async def told_all() -> bool:
        views = (await company.get("/api/v1/audit?site=house"))["views"]
        return len(views) == len(viewers) and all(view["to"] for view in views)

    await until(told_all, within=60)
    return record


async def known(company: Company, record: str) -> dict[str, Any]:
    """Return what the gateway knows of the past."""
    told = {path: await company.get(path) for path in (*KEPT, record)}
    assert all(told.values()), told
    return told


async def picture(company: Company, camera: str) -> bytes:
    url = f"{company.url}/api/v1/sites/house/cameras/{camera}/poster.jpg"
    async with ClientSession() as session, session.get(url, headers=HEADERS) as answer:
        return await answer.read() if answer.status == 200 else b""


async def past(company: Company) -> list[tuple[str, str, str]]:
    """Return the states of the past that are over: these never change again."""
    spans = (await company.get("/api/v1/sites/house/history"))["spans"]
    return sorted((one["camera"], one["state"], one["from"]) for one in spans if one["to"])


@pytest.mark.parametrize("way", ["command", "copy"])
async def test_a_gateway_that_is_restored_knows_everything(
    way: str, tmp_path: Path, clips: Path
) -> None:
    """``command`` copies a gateway that runs, ``copy`` the two folders of one that stands still."""
    building = DemoBuilding(credential=CREDENTIAL, cache=clips, discovery_port=None)
    await building.start(2)
    tickets = {"secret": {"env": "TICKETS"}}
    copy = tmp_path / "copy"
    try:
        async with company_in(tmp_path / "own", accounts=[ACCOUNT], tickets=tickets) as company:
            company.environment["TICKETS"] = TICKETS
            camera = building.cameras[0].id
            text = (SITE % building.cameras[0].onvif).replace("access: public", "access: ticket")
            (company.sites / "house.yaml").write_text(text, encoding="utf-8")
            await company.begin()
            await until(lambda: company.live("house"), within=30)
            good, void = ticket_for("flat-1"), ticket_for("flat-2")
            record = await live_a_little(company, building, [good, void])
            await until(lambda: picture(company, camera), within=30)
            before, spans = await known(company, record), await past(company)
            if way == "command":
                code, said = await gateway("backup", str(copy), str(company.sites), TICKETS=TICKETS)
                assert code == 0, said
            await company.end(signal.SIGINT)
            if way == "copy":
                shutil.copytree(company.sites, copy / "sites")
                shutil.copytree(company.data, copy / "data")
            # The machine is lost; what stands now in both places is the copy.
            for folder in (company.sites, company.data):
                shutil.rmtree(folder)
                shutil.copytree(copy / folder.name, folder)
            await building.close()  # nothing is learnt anew
            await company.begin()
            assert await known(company, record) == before
            assert set(spans) <= set(await past(company))
            assert spans
            assert (await picture(company, camera)).startswith(b"\xff\xd8")
            assert await refused(company, camera, void)
            assert not await refused(company, camera, good)
            assert await signed_in_as(company) == "administrator"
            log = company.log.read_text()
            assert good not in log
            assert void not in log
    finally:
        await building.close()
