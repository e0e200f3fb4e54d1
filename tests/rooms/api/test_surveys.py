"""The technician's doors: who may enter, what they take, and that all they answer is described."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from pytest_aiohttp import AiohttpClient

from gateway.api.app import create_app
from gateway.config.edit import SiteFiles
from gateway.config.load import load
from gateway.control.buildings import Buildings
from gateway.control.facts import Facts, ServerFacts
from gateway.control.fieldwork import Fieldwork
from gateway.control.foresight import Foresight, foresee
from gateway.control.registration import Registrations
from gateway.kit.clock import SystemClock
from gateway.kit.secret import Secret
from gateway.model.server import (
    CaptureObserved,
    Role,
    ServerObserved,
    ServerState,
    StreamObserved,
)
from gateway.model.site import Discovery, Site
from gateway.saying import Sayings
from gateway.store.record_page import page
from tests.peers.onvif_device import OnvifCamera, Quirks
from tests.rooms.api.conftest import Client
from tests.rooms.api.described import hold_to_document
from tests.rooms.api.stage import SINCE, STAFF, Stage, events_of, problem_of, site_of
from tests.rooms.control.field import GOOD, Field, field

SITE = "/api/v1/sites/open"
SURVEYS = "/api/v1/sites/open/surveys"
CAMERAS = "/api/v1/sites/open/cameras"
FILE = 'name: House\ncameras:\n  - {id: entrance-1, name: One, rtsp: "rtsp://10.0.0.1/1"}\n'


def app_of(stage: Stage, net: Field, folder: Path) -> web.Application:
    secrets = {"CAMERAS": "planted", "CAMERAS_OLD": "planted"}
    files = SiteFiles(folder, environment=secrets, fleet=lambda: load(folder))
    registrations = Registrations(
        editor=files,
        board=stage.board,
        fleet=lambda: load(folder),
        records=net.records,
        clock=SystemClock(),
    )
    app = create_app(
        fleet=stage.fleet,
        board=stage.board,
        watching=stage.cinema,
        posters=stage.album,
        ages=lambda: stage.ages,
        web_dir=stage.web_dir,
        fieldwork=Fieldwork(
            net.surveys,
            registrations,
            net.records,
            Buildings(files, lambda site, draft: foreseen(stage, site, draft)),
            lambda record, language: page(record, language, Sayings(language).mend),
        ),
    )
    hold_to_document(app, stage.undescribed)

    async def close(_: web.Application) -> None:
        await registrations.close()

    app.on_cleanup.append(close)
    return app


def foreseen(stage: Stage, site_id: str, draft: Site | None) -> Foresight:
    """Foresee for a media server that runs as its file says it, with one viewer of entrance-1."""
    if site_id != "open":
        return foresee(draft, stage.settings, Facts(site_id), fingerprint=lambda _spec: "")
    made = ServerObserved(site_id, site_id, Role.ORIGIN, ServerState.RUNNING, "as made", SINCE)
    pulled = CaptureObserved(
        Secret("rtsp://x:planted@10.0.0.1/1"), f"{site_id}-entrance-1", "PLAYING"
    )
    viewer = StreamObserved(f"{site_id}-entrance-1", "viewer-1", published=False, status="PLAYING")
    facts = Facts(site_id, (ServerFacts(made, asked=True, captures=(pulled,), streams=(viewer,)),))
    return foresee(draft, stage.settings, facts, fingerprint=lambda _spec: "as made")


@pytest.fixture
async def doors(
    stage: Stage, tmp_path: Path, aiohttp_client: AiohttpClient
) -> AsyncIterator[Client]:
    """Give a client at the doors of a site with discovery on loopback."""
    (tmp_path / "sites").mkdir()
    (tmp_path / "sites/open.yaml").write_text(FILE, encoding="utf-8")
    discovery = Discovery(subnets=("127.0.0.1/32",), credentials=(GOOD,))
    stage.add(replace(site_of("open"), discovery=discovery, cameras=()))
    async with field() as net:
        net.surveys.fleet = stage.fleet
        yield await aiohttp_client(app_of(stage, net, tmp_path / "sites"))


ROUTES = (
    ("GET", SITE + "/settings"),
    ("POST", SURVEYS),
    ("GET", SURVEYS),
    ("GET", SURVEYS + "/x"),
    ("DELETE", SURVEYS + "/x"),
    ("GET", SURVEYS + "/x/events"),
    ("GET", SURVEYS + "/x/pictures/1.jpg"),
    ("POST", CAMERAS),
    ("PATCH", CAMERAS + "/x"),
    ("POST", CAMERAS + "/x/replace"),
    ("DELETE", CAMERAS + "/x"),
    ("GET", CAMERAS + "/x/record"),
)


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_only_staff_enters(doors: Client, method: str, path: str) -> None:
    async with doors.request(method, path) as answer:
        assert answer.status == 401
        await problem_of(answer)
    other = {**STAFF, "Origin": "https://elsewhere.example"}
    async with doors.request(method, path, headers=other) as answer:
        assert answer.status == (403 if method != "GET" else answer.status)
    async with doors.request(method, path.replace("open", "nowhere"), headers=STAFF) as answer:
        assert answer.status == 404


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_a_gateway_without_surveys_says_so(client: Client, method: str, path: str) -> None:
    async with client.request(method, path, headers=STAFF) as answer:
        assert answer.status == 404


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (SURVEYS, {"targets": "10.0.0.1"}),
        (SURVEYS, {"targets": ["rtsp://u:planted@10.0.0.1/"]}),
        (SURVEYS, {"targets": ["10.0.0.1"] * 300 + [f"10.0.1.{n}" for n in range(257)]}),
        (SURVEYS, {"deadline_s": -1}),
        (SURVEYS, {"subnets": ["10.0.0.0/8"]}),
        (CAMERAS, {}),
        (CAMERAS, {"id": "a", "name": "A"}),
        (CAMERAS, {"id": "a", "name": 3, "rtsp": "rtsp://10.0.0.9/1"}),
        (CAMERAS, {"id": "A B", "name": "A", "rtsp": "rtsp://10.0.0.9/1"}),
        (CAMERAS, {"id": "a", "name": "A", "rtsp": "rtsp://u:planted@10.0.0.9/1"}),
        (CAMERAS, {"id": "a", "name": "A", "rtsp": "rtsp://10.0.0.9/1", "wait_s": 1e9}),
        (CAMERAS, {"id": "a", "name": "A", "rtsp": "rtsp://10.0.0.9/1", "credential": 7}),
        (CAMERAS, [1]),
    ],
)
async def test_bodies_that_make_no_sense_are_refused(doors: Client, path: str, body: Any) -> None:
    async with doors.post(path, json=body, headers=STAFF) as answer:
        problem = await problem_of(answer)
    assert answer.status == 400, problem
    assert "planted" not in str(problem)


async def first(told: AsyncIterator[tuple[str, Any]], kind: str) -> AsyncIterator[tuple[str, Any]]:
    """Yield events up to the first one of a kind."""
    while True:
        event = await anext(told)
        yield event
        if event[0] == kind:
            return


async def test_a_survey_is_followed_seen_and_cancelled(doors: Client) -> None:
    async with OnvifCamera() as camera, OnvifCamera(Quirks(body="hang")) as hanging:
        body = {"targets": [camera.url, hanging.url], "pictures": False}
        async with doors.post(SURVEYS, json=body, headers=STAFF) as answer:
            assert answer.status == 201
            place = answer.headers["Location"]
        async with doors.post(SURVEYS, json=body, headers=STAFF) as answer:
            assert answer.status == 409
        async with doors.get(place + "/events", headers=STAFF) as stream:
            told = events_of(stream)
            seen = [event async for kind, event in first(told, "interviewed")]
            assert seen[-1]["sighting"]["make"] == "Acme"
            assert seen[-1]["sighting"]["draft"] == {"onvif": f"127.0.0.1:{camera.port}"}
            async with doors.delete(place, headers=STAFF) as answer:
                assert answer.status == 200
            last = [(kind, event) async for kind, event in told][-1]
        assert last[0] == "finished"
        assert last[1]["state"] == "cancelled"
    async with doors.get(place, headers=STAFF) as answer:
        whole = await answer.json()
    assert whole["state"] == "cancelled"
    assert whole["progress"]["interviewed"] == 1
    async with doors.get(SURVEYS, headers=STAFF) as answer:
        assert (await answer.json())["survey"] == whole
    async with doors.get(place + "/pictures/1.jpg", headers=STAFF) as answer:
        assert answer.status == 404


async def test_a_camera_is_registered_changed_replaced_and_removed(
    doors: Client, tmp_path: Path
) -> None:
    house = tmp_path / "sites/open.yaml"
    body = {"id": "yard", "name": {"ru": "Двор"}, "rtsp": "rtsp://10.0.0.9/1", "wait_s": 0}
    async with doors.post(CAMERAS, json=body, headers=STAFF) as answer:
        assert answer.status == 201, await answer.text()
        done = await answer.json()
    assert done["live"] is False
    assert "yard" in done["diff"]
    async with doors.post(CAMERAS, json=body, headers=STAFF) as answer:
        assert answer.status == 409
    stale = {"name": "Yard", "version": "0" * 64}
    async with doors.patch(CAMERAS + "/yard", json=stale, headers=STAFF) as answer:
        assert answer.status == 409
    async with doors.patch(CAMERAS + "/yard", json={"pull": "on_demand"}, headers=STAFF) as answer:
        assert answer.status == 200, await answer.text()
    other = {"rtsp": "rtsp://10.0.0.10/1", "wait_s": 0}
    async with doors.post(CAMERAS + "/yard/replace", json=other, headers=STAFF) as answer:
        assert answer.status == 200, await answer.text()
    yard = (await asyncio.to_thread(load, house.parent)).sites["open"].camera("yard")
    assert yard is not None
    assert (yard.rtsp, yard.pull) == ("rtsp://10.0.0.10/1", "on_demand")
    async with doors.get(CAMERAS + "/yard/record", headers=STAFF) as answer:
        assert answer.status == 404
    async with doors.delete(CAMERAS + "/yard", headers=STAFF) as answer:
        assert answer.status == 200
    async with doors.delete(CAMERAS + "/yard", headers=STAFF) as answer:
        assert answer.status == 404
    assert house.read_text(encoding="utf-8") == FILE
