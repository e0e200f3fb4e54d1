"""From "a camera hangs here" to "residents see it", through a gateway in a process of its own."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from gateway.demo.building import DemoBuilding
from tests.e2e.company import CREDENTIAL, PASSWORD, STAFF, Company, company_in
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

SITE = """\
# the house of the test
name: {ru: "Дом", en: "House"}
viewing: {access: public}
discovery:
  subnets: [127.0.0.1/32]
  credentials: [{username: viewer, password: {env: CAMERAS}}]
cameras:
  # known by ONVIF alone
  - {id: entrance-1, name: "Подъезд 1", onvif: "%s"}
"""


@pytest.fixture
async def building(clips: Path) -> AsyncIterator[DemoBuilding]:
    made = DemoBuilding(credential=CREDENTIAL, cache=clips, discovery_port=None)
    await made.start(2)
    yield made
    await made.close()


@pytest.fixture
async def company(tmp_path: Path, building: DemoBuilding) -> AsyncIterator[Company]:
    async with company_in(tmp_path) as made:
        house = made.sites / "house.yaml"
        house.write_text(SITE % building.cameras[0].onvif, encoding="utf-8")
        await made.begin()
        yield made


@pytest.fixture
async def staff(company: Company) -> AsyncIterator[ClientSession]:
    headers = {"Authorization": f"Bearer {STAFF}"}
    async with ClientSession(company.url, headers=headers) as session:
        yield session


async def camera(company: Company, camera_id: str) -> dict[str, Any] | None:
    site = await company.get("/api/v1/sites/house")
    return next((one for one in (site or {}).get("cameras", ()) if one["id"] == camera_id), None)


async def live(company: Company, camera_id: str) -> bool:
    one = await camera(company, camera_id)
    return one is not None and one["state"] == "live"


async def until_live(company: Company, camera_id: str) -> None:
    """Wait until a camera is live; what the gateway says of it is shown when it never is."""
    try:
        await until(lambda: live(company, camera_id), within=90, every=0.5)
    except AssertionError as error:
        told = await camera(company, camera_id)
        log = await asyncio.to_thread(company.log.read_text)
        raise AssertionError(f"{camera_id} is {told}\n{log}") from error


async def events_of(staff: ClientSession, path: str) -> list[tuple[str, Any]]:
    told, kind = [], ""
    async with staff.get(path) as answer:
        assert answer.status == 200
        async for raw in answer.content:
            line = raw.decode().rstrip("\n")
            if line.startswith("event: "):
                kind = line.removeprefix("event: ")
            elif line.startswith("data: "):
                told.append((kind, json.loads(line.removeprefix("data: "))))
    return told


async def test_from_a_survey_to_an_acceptance_record(
    company: Company, building: DemoBuilding, staff: ClientSession
) -> None:
    # A camera of the file that is known by ONVIF alone plays without anybody's doing.
    await until_live(company, "entrance-1")
    new = building.cameras[1]
    async with staff.post("/api/v1/sites/house/surveys", json={"targets": [new.onvif]}) as answer:
        assert answer.status == 201, await answer.text()
        place = answer.headers["Location"]
        survey = await answer.json()
    told = await events_of(staff, place + "/events")
    assert told[-1][0] == "finished"
    seen = [body["sighting"] for kind, body in told if kind == "probed"][-1]
    assert seen["verdict"]["playable"] == "everywhere"
    assert seen["credential"] == "env:CAMERAS"
    assert seen["picture"], (seen, await asyncio.to_thread(company.log.read_text))
    async with staff.get(seen["picture"]) as picture:
        assert (await picture.read()).startswith(b"\xff\xd8")
    draft = {"id": "yard-2", "name": {"ru": "Двор 2"}, "survey": survey["id"], "wait_s": 40}
    draft |= {"sighting": seen["n"], "who": "Иван"}
    async with staff.post("/api/v1/sites/house/cameras", json=draft) as answer:
        assert answer.status == 201, await answer.text()
        done = await answer.json()
    assert done["live"], done
    assert done["seconds"] < 30
    async with staff.get(done["record"]) as answer:
        record = await answer.json()
    assert (record["who"], record["make"]) == ("Иван", "Camera gateway")
    async with staff.get(done["record"], params={"format": "html", "lang": "ru"}) as answer:
        page = await answer.text()
    assert "Акт приёмки" in page
    assert "<script" not in page

    one = "/api/v1/sites/house/cameras/yard-2"
    async with staff.patch(one, json={"name": "Yard", "enabled": False}) as answer:
        assert answer.status == 200, await answer.text()
    await until(lambda: _state(company, "yard-2", "disabled"), within=10)
    async with staff.delete(one) as answer:
        assert answer.status == 200
    await until(lambda: _gone(company, "yard-2"), within=10)
    text = (company.sites / "house.yaml").read_text(encoding="utf-8")
    assert text == SITE % building.cameras[0].onvif, "the file is as it was, comments and all"
    everything = company.log.read_bytes() + page.encode() + json.dumps(told).encode()
    for path in company.data.rglob("*.db*"):
        everything += path.read_bytes()
    assert PASSWORD.encode() not in everything


async def _state(company: Company, camera_id: str, state: str) -> bool:
    one = await camera(company, camera_id)
    return one is not None and one["state"] == state and one["name"] == {"": "Yard"}


async def _gone(company: Company, camera_id: str) -> bool:
    return await camera(company, camera_id) is None


async def test_the_command_registers_and_waits_for_the_running_gateway(
    company: Company, building: DemoBuilding
) -> None:
    await until_live(company, "entrance-1")
    page = company.root / "record.html"

    async def register(camera_id: str, address: str) -> tuple[int, str, str]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gateway", "register", "house", "--dir", str(company.sites)),
            *("--camera", address, "--id", camera_id, "--name", "Двор", "--wait", "60"),
            *("--record", str(page), "--who", "Иван"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "CAMERAS": PASSWORD, "STAFF": STAFF},
        )
        out, err = await asyncio.wait_for(process.communicate(), 100)
        return process.returncode or 0, out.decode(), err.decode()

    code, out, err = await register("yard", building.cameras[1].onvif)
    assert code == 0, (out, err)
    assert "residents see it" in out
    assert "+  - " in out
    assert "Акт приёмки" in await asyncio.to_thread(page.read_text, "utf-8")
    assert await live(company, "yard")
    code, out, err = await register("again", building.cameras[1].onvif)
    assert code == 1
    assert "registered as yard already" in err
    assert PASSWORD not in out + err


async def test_a_refused_password_stands_on_the_board(
    company: Company, building: DemoBuilding, staff: ClientSession
) -> None:
    text = (SITE % building.cameras[1].onvif).replace("CAMERAS", "STAFF")
    await asyncio.to_thread((company.sites / "wrong.yaml").write_text, text, encoding="utf-8")

    async def why() -> dict[str, Any] | None:
        async with staff.get("/api/v1/sites/wrong") as answer:
            cameras = (await answer.json()).get("cameras", ())
        return next((one for one in cameras if one["state"] == "failed"), None)

    told = await until(why, within=90, every=0.5)
    assert told is not None
    assert "password" in told["reason"]
    assert told["hint"]
    async with (
        ClientSession(company.url) as anybody,
        anybody.get("/api/v1/sites/wrong") as answer,
    ):
        [resident] = (await answer.json())["cameras"]
    assert (resident["state"], resident["reason"]) == ("failed", "")
