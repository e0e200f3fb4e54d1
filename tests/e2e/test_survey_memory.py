"""What a gateway knows of its cameras outlives it, and stands where staff looks for it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from gateway.control.checkup_results import subject
from gateway.model.checkup import Checkup
from gateway.model.probe import CameraVerdict, Playable, Reason, StreamFacts
from gateway.model.survey import (
    Progress,
    Remembered,
    Sighting,
    SightingState,
    SurveyState,
    SurveyStatus,
)
from gateway.store.records import RecordStore
from tests.e2e.company import STAFF, Company, company_in
from tests.rooms.control.field import camera_of
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
HOME, AWAY = "127.0.71.2", "127.0.71.5"
RTSP = f"rtsp://{HOME}:9/1"
SITE = f"""\
name: House
viewing: {{access: public}}
discovery: {{subnets: [127.0.71.0/29]}}
cameras:
  - {{id: door, name: Door, rtsp: "{RTSP}"}}
"""
JPEG = b"\xff\xd8\xff a picture"


async def remember(folder: Path) -> None:
    """Leave what a gateway of yesterday has left."""
    door = camera_of("door", rtsp=RTSP)
    why = Reason("h265", "H.265 is played by few", "set the main stream to H.264", stream="main")
    verdict = CameraVerdict(Playable.SOMEWHERE, "main", "main", {}, (why,))
    sighting = Sighting(1, HOME, RTSP, SightingState.PROBED, verdict=verdict, has_picture=True)
    progress = Progress(found=1, probed=1, pictures=1, elapsed_s=4)
    async with RecordStore(folder) as records:
        await records.keep_checkup(
            Checkup("house", "door", WHEN, subject("house", door).target, StreamFacts("H265"),
                    verdict=verdict, seen=WHEN, baseline=Playable.EVERYWHERE)
        )  # fmt: skip
        await records.remember(
            Remembered("house", "door", "mac:a4:14:37:00:00:01", AWAY, target=RTSP, moved=AWAY)
        )
        await records.begin_survey("house", "yesterday")
        await records.save_picture("yesterday", 1, JPEG)
        status = SurveyStatus("yesterday", "house", SurveyState.FINISHED, WHEN, progress)
        await records.end_survey(
            SurveyStatus(status.id, status.site, status.state, WHEN, progress, (sighting,))
        )


async def told(company: Company) -> dict[str, Any] | None:
    """Return the site once its loop has seen what is known of the camera."""
    site = await company.get("/api/v1/sites/house")
    seen = site is not None and site["cameras"] and len(site["problems"]) > 1
    return dict(site) if seen else None


async def test_a_gateway_begins_with_what_the_last_one_knew(tmp_path: Path) -> None:
    async with company_in(tmp_path) as company:
        company.data.mkdir()
        await remember(company.data)
        (company.sites / "house.yaml").write_text(SITE, encoding="utf-8")
        await company.begin()
        site = await until(lambda: told(company), within=60, every=0.5)
        assert site is not None
        said = sorted(one["message"] for one in site["problems"])
        assert said[0].startswith("door moved from 127.0.71.2 to 127.0.71.5; the file still names")
        assert said[1].startswith("door played in every browser at first, and now it plays in some")
        [door] = site["cameras"]
        assert door["checked"]["playable"] == "somewhere"
        assert door["checked"]["reasons"][0]["code"] == "h265"
        headers = {"Authorization": f"Bearer {STAFF}"}
        async with ClientSession(company.url, headers=headers) as staff:
            async with staff.get("/api/v1/sites/house/surveys") as answer:
                survey = (await answer.json())["survey"]
            assert (survey["id"], survey["state"]) == ("yesterday", "finished")
            async with staff.get(survey["sightings"][0]["picture"]) as answer:
                assert await answer.read() == JPEG
        async with (
            ClientSession(company.url) as anybody,
            anybody.get("/api/v1/sites/house") as answer,
        ):
            resident = await answer.json()
        assert "problems" not in resident
        assert resident["cameras"][0]["checked"] is None
