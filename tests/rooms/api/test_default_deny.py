"""Every operation asks who is there: what is for staff is refused to others, new routes too."""

import re
from dataclasses import replace

import pytest
from aiohttp import ClientResponse
from pytest_aiohttp import AiohttpClient

from gateway.api.operations import OPERATIONS
from gateway.api.tickets import mint
from gateway.kit.clock import SystemClock
from tests.rooms.api.conftest import Client
from tests.rooms.api.people import ANNA, HEADER, TIMUR, signed_in
from tests.rooms.api.stage import TICKET_SECRET, Stage, Switch, problem_of

Route = tuple[str, str]

OPEN = {
    ("POST", "/whep/{site}/{camera}"),  # asks the site's access: test_whep.py, test_tickets.py
    ("DELETE", "/whep/{site}/{camera}/{play}"),
    ("PATCH", "/whep/{site}/{camera}/{play}"),
    ("GET", "/api/v1/sites/{site}/cameras/{camera}/plays/{play}"),
    ("POST", "/api/v1/sites/{site}/cameras/{camera}/plays/{play}/beacon"),
    ("GET", "/api/v1/sites"),  # lists what the visitor may see
    ("GET", "/api/v1/events"),
    ("GET", "/api/v1/session"),
    ("POST", "/api/v1/session"),
    ("DELETE", "/api/v1/session"),
    ("GET", "/api/v1/demo/cameras"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/api/v1/openapi.json"),
    ("GET", "/"),
    ("GET", "/watch/{site}"),
    ("GET", "/embed/{site}"),
    ("GET", "/embed-preview/{site}"),
    ("GET", "/console"),
    ("GET", "/api/v1/docs"),
    ("GET", "/assets/{path}"),
}
"""Whoever adds a route here says with it why strangers may use it."""

GUARDED = sorted(set(OPERATIONS) - OPEN)
OF_STAFF = [key for key in GUARDED if OPERATIONS[key].who in ("staff", "administrator")]
OF_ADMINISTRATORS = [key for key in GUARDED if OPERATIONS[key].who == "administrator"]
OF_VIEWERS = [key for key in GUARDED if OPERATIONS[key].who == "viewer"]


@pytest.fixture
async def client(stage: Stage, aiohttp_client: AiohttpClient) -> Client:
    """Give a client of a gateway that has everything, pretend cameras too."""
    stage.switch = Switch({"yard": True})
    return await aiohttp_client(stage.app())


async def asked(
    client: Client, route: Route, *, site: str = "office", **headers: str
) -> ClientResponse:
    method, pattern = route
    path = re.sub(
        r"\{(\w+)\}", lambda found: {"site": site, "n": "1"}.get(found[1], "yard"), pattern
    )
    body = {} if method == "GET" else {"json": {}}
    return await client.request(method, path, headers=headers, **body)  # type: ignore[arg-type]  # aiohttp's own TypedDict


def test_who_may_is_said_of_every_route() -> None:
    assert {OPERATIONS[key].who for key in GUARDED} <= {"staff", "administrator", "viewer"}
    assert OPERATIONS.keys() >= OPEN
    assert len(OF_STAFF) > len(OF_ADMINISTRATORS) > len(OF_VIEWERS) > 0


@pytest.mark.parametrize("route", OF_STAFF, ids=" ".join)
async def test_strangers_and_residents_are_refused_what_is_for_staff(
    client: Client, route: Route
) -> None:
    answer = await asked(client, route)
    assert answer.status == 401, "a stranger"
    await problem_of(answer)
    answer = await asked(client, route, Authorization="Bearer not-the-token-of-staff")
    assert answer.status in (401, 403), "a wrong token"
    now = SystemClock().now()
    ticket = mint(TICKET_SECRET, sites=["office"], valid_s=60, now=now)
    answer = await asked(client, route, Authorization=f"Bearer {ticket}")
    assert answer.status in (401, 403), "a resident"


@pytest.mark.parametrize("route", OF_ADMINISTRATORS, ids=" ".join)
async def test_technicians_are_refused_what_is_for_administrators(
    stage: Stage, client: Client, route: Route
) -> None:
    technician = replace(TIMUR, sites=("office",))
    stage.settings = replace(stage.settings, accounts=(ANNA, technician))
    token = (await signed_in(client, "timur"))["csrf_token"]
    answer = await asked(client, route, **{HEADER: token})
    assert answer.status == 403


@pytest.mark.parametrize("route", [key for key in OF_STAFF if "{site}" in key[1]], ids=" ".join)
async def test_technicians_are_refused_what_is_of_other_buildings(
    stage: Stage, client: Client, route: Route
) -> None:
    stage.settings = replace(stage.settings, accounts=(ANNA, replace(TIMUR, sites=("tickets",))))
    token = (await signed_in(client, "timur"))["csrf_token"]
    answer = await asked(client, route, **{HEADER: token})
    assert answer.status in (403, 404)


@pytest.mark.parametrize("route", OF_VIEWERS, ids=" ".join)
@pytest.mark.parametrize("site", ["office", "tickets"])
async def test_strangers_see_nothing_of_closed_buildings(
    client: Client, route: Route, site: str
) -> None:
    answer = await asked(client, route, site=site)
    assert answer.status in (401, 403, 404)


async def test_strangers_list_and_play_no_closed_building(client: Client) -> None:
    listed = await (await client.get("/api/v1/sites")).json()
    assert [one["id"] for one in listed["sites"]] == ["open"]
    for site in ("office", "tickets"):
        answer = await asked(client, ("POST", "/whep/{site}/{camera}"), site=site)
        assert answer.status in (401, 403, 404)
