"""What the API says of sites, and to whom."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from pytest_aiohttp import AiohttpClient

from gateway.api import tickets
from gateway.model.probe import Playable, Reason
from gateway.model.site import Access
from gateway.model.status import CameraState, Checked
from tests.rooms.api.stage import (
    STAFF,
    STAFF_TOKEN,
    TICKET_SECRET,
    Picture,
    Stage,
    Switch,
    problem_of,
    site_of,
    status_of,
)

Client = TestClient[web.Request, web.Application]
TAKEN = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def ticket(**claims: Any) -> dict[str, str]:
    made = {"sites": ["tickets"], "valid_s": 60, "now": datetime.now(UTC)} | claims
    return {"Authorization": f"Bearer {tickets.mint(TICKET_SECRET, **made)}"}


async def get(client: Client, path: str, headers: dict[str, str] | None = None) -> Any:
    response = await client.get(path, headers=headers)
    assert response.status == 200
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Cache-Control"] == "no-store"
    return await response.json()


@pytest.mark.parametrize(
    ("headers", "seen"),
    [
        ({}, ["open"]),
        (ticket(), ["open", "tickets"]),
        (ticket(sites=["office", "nowhere"]), ["open"]),
        (STAFF, ["office", "open", "tickets"]),
    ],
)
async def test_everybody_sees_their_own_sites(
    client: Client, headers: dict[str, str], seen: list[str]
) -> None:
    body = await get(client, "/api/v1/sites", headers)
    assert [site["id"] for site in body["sites"]] == seen


async def test_a_site_at_one_glance(client: Client) -> None:
    body = await get(client, "/api/v1/sites")
    assert body == {
        "sites": [
            {
                "id": "open",
                "name": {"ru": "Дом", "en": "House"},
                "state": "ok",
                "since": "2026-01-02T03:04:05Z",
                "access": "public",
                "cameras": {"total": 2, "live": 2},
            }
        ]
    }


async def test_a_site_with_its_cameras(client: Client, stage: Stage) -> None:
    stage.album.pictures["open", "yard"] = Picture(b"jpeg", TAKEN)
    body = await get(client, "/api/v1/sites/open")
    assert set(body) == {"id", "name", "state", "since", "access", "demo", "cameras"}
    assert body["demo"] is False
    assert body["cameras"][1] == {
        "id": "yard",
        "name": {"": "Yard"},
        "state": "live",
        "since": "2026-01-02T03:04:05Z",
        "reason": "",
        "hint": "",
        "code": "",
        "about": "",
        "video_codec": "H264",
        "width": 1280,
        "height": 0,
        "viewers": 0,
        "last_live": None,
        "has_sub": False,
        "checked": None,
        "private": False,
        "poster": f"/api/v1/sites/open/cameras/yard/poster.jpg?t={int(TAKEN.timestamp())}",
    }
    assert body["cameras"][0]["poster"] is None


async def test_what_the_last_look_has_shown_is_for_staff(client: Client, stage: Stage) -> None:
    why = Reason("h265", "H.265 is played by few", "set H.264", stream="main", wanted="50")
    seen = Checked(Playable.SOMEWHERE, "plays in some browsers only", "set H.264", TAKEN, (why,))
    status = stage.board.site("open")
    assert status is not None
    cameras = tuple(replace(one, checked=seen) for one in status.cameras)
    stage.board.publish(replace(status, cameras=cameras))
    [first, *_] = (await get(client, "/api/v1/sites/open", STAFF))["cameras"]
    assert first["checked"]["playable"] == "somewhere"
    assert first["checked"]["reasons"][0]["wanted"] == "50"
    [first, *_] = (await get(client, "/api/v1/sites/open"))["cameras"]
    assert first["checked"] is None


async def test_staff_sees_the_servers_and_the_mistakes(client: Client) -> None:
    body = await get(client, "/api/v1/sites/office", STAFF)
    assert body["servers"][0]["role"] == "origin"
    assert body["problems"][0]["line"] == 3
    assert (body["problems"][0]["code"], body["problems"][0]["values"]) == ("", {})
    assert body["last_step"] == "create a: it is not there"
    assert body["step"] == {
        "code": "failed_create",
        "text": "create a: it is not there",
        "values": {"target": "a", "why": "conflict"},
    }


async def test_a_ticket_for_one_camera_shows_one_camera(client: Client) -> None:
    headers = ticket(cameras=["yard"])
    body = await get(client, "/api/v1/sites/tickets", headers)
    assert [camera["id"] for camera in body["cameras"]] == ["yard"]
    listed = await get(client, "/api/v1/sites", headers)
    assert listed["sites"][1]["cameras"] == {"total": 1, "live": 1}
    hidden = await client.get(
        "/api/v1/sites/tickets/cameras/entrance-1/poster.jpg", headers=headers
    )
    assert (await problem_of(hidden))["kind"] == "not_found"


async def test_a_site_that_is_not_on_the_board_yet(client: Client, stage: Stage) -> None:
    stage.sites["new"] = site_of("new")
    assert (await client.get("/api/v1/sites/new")).status == 404
    stage.board.publish(status_of(stage.sites["new"]))
    assert (await client.get("/api/v1/sites/new")).status == 200


async def test_a_picture_and_its_revalidation(client: Client, stage: Stage) -> None:
    stage.album.pictures["open", "yard"] = Picture(b"\xff\xd8jpeg", TAKEN)
    path = "/api/v1/sites/open/cameras/yard/poster.jpg?t=1"
    response = await client.get(path)
    assert response.content_type == "image/jpeg"
    assert await response.read() == b"\xff\xd8jpeg"
    assert response.headers["Cache-Control"] == "private, max-age=60"
    assert response.headers["Last-Modified"] == "Wed, 04 Mar 2026 05:06:07 GMT"
    again = await client.get(path, headers={"If-None-Match": response.headers["ETag"]})
    assert again.status == 304
    assert await again.read() == b""
    head = await client.head(path)
    assert (head.status, head.headers["Content-Length"]) == (200, "6")


async def test_the_plug_of_a_pretend_camera(stage: Stage, aiohttp_client: AiohttpClient) -> None:
    stage.switch = Switch({"cam-1": True, "cam-2": True})
    client = await aiohttp_client(stage.app())
    refused = await client.post("/api/v1/demo/cameras/cam-1", json={"plugged": False})
    assert refused.status == 401
    stage.settings = replace(stage.settings, staff_token=None)
    response = await client.post("/api/v1/demo/cameras/cam-1", json={"plugged": False})
    assert await response.json() == {"id": "cam-1", "plugged": False}
    assert (await get(client, "/api/v1/demo/cameras"))["cameras"] == {
        "cam-1": False,
        "cam-2": True,
    }
    assert (await get(client, "/api/v1/sites/open"))["demo"] is True


async def test_health_tells_of_a_stalled_loop_but_not_of_hidden_sites(
    client: Client, stage: Stage
) -> None:
    assert await get(client, "/healthz") == {"status": "ok", "stalled": 0, "loops": {"open": 1.0}}
    assert set((await get(client, "/healthz", STAFF))["loops"]) == set(stage.sites)
    stage.ages["office"] = 61.0
    response = await client.get("/healthz")
    assert response.status == 503
    assert await response.json() == {"status": "stalled", "stalled": 1, "loops": {"open": 1.0}}


async def test_ready_when_every_site_has_been_looked_at(client: Client, stage: Stage) -> None:
    assert (await get(client, "/readyz"))["status"] == "ready"
    stage.sites["new"] = site_of("new", Access.TICKET)
    response = await client.get("/readyz")
    assert response.status == 503
    assert (await response.json())["reason"] == "1 of 4 sites have not been looked at yet"
    stage.sites["new"] = replace(stage.sites["new"], enabled=False)
    assert (await client.get("/readyz")).status == 200


async def test_no_answer_holds_a_secret(client: Client, stage: Stage) -> None:
    stage.add(site_of("more"), state=CameraState.SILENT)
    for path in ("/api/v1/sites", "/api/v1/sites/more", "/healthz", "/readyz", "/"):
        text = await (await client.get(path, headers=STAFF)).text()
        assert STAFF_TOKEN.reveal() not in text
        assert TICKET_SECRET.reveal() not in text
        assert "rtsp://" not in text


async def test_other_websites_read_the_sites_that_they_may_show(
    client: Client, stage: Stage
) -> None:
    stage.add(site_of("partner", origins=("https://uk.example",)))
    for site, origin, allowed in (
        ("open", "https://any.example", "*"),
        ("partner", "https://uk.example", "https://uk.example"),
        ("partner", "https://any.example", None),
    ):
        for path in (f"/api/v1/sites/{site}", f"/api/v1/events?site={site}"):
            response = await client.get(path, headers={"Origin": origin})
            assert response.headers.get("Access-Control-Allow-Origin") == allowed
            response.close()
    response = await client.get("/api/v1/sites", headers={"Origin": "https://any.example"})
    assert "Access-Control-Allow-Origin" not in response.headers
