"""WHEP at the door: the answer, its headers, who may play, and how every play ends."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from pytest_aiohttp import AiohttpClient

from gateway.api import keys, tickets
from gateway.kit.secret import Secret
from gateway.model.company import IceServer
from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.site import Access
from tests.rooms.api.stage import (
    OFFER,
    SDP,
    STAFF,
    TICKET_SECRET,
    Cinema,
    Stage,
    problem_of,
    served,
    site_of,
)
from tests.waiting import until

Client = TestClient[web.Request, web.Application]


def ticket(**claims: Any) -> dict[str, str]:
    made = {"sites": ["tickets"], "valid_s": 60, "now": datetime.now(UTC)} | claims
    return {"Authorization": f"Bearer {tickets.mint(TICKET_SECRET, **made)}"}


async def test_an_offer_gets_its_answer(client: Client, stage: Stage) -> None:
    response = await client.post("/whep/open/yard", data=OFFER, headers=SDP)
    assert response.status == 201
    assert response.headers["Content-Type"] == "application/sdp"
    assert response.headers["Location"] == "/whep/open/yard/play-1"
    assert response.headers["ETag"].startswith('"')
    assert response.headers["Cache-Control"] == "no-store"
    assert await response.text() == "v=0\r\ns=answer 1\r\n"
    assert stage.cinema.asked == [("open", "yard", False)]


async def test_the_low_picture_is_asked_for(client: Client, stage: Stage) -> None:
    response = await client.post("/whep/open/yard?low=1", data=OFFER, headers=SDP)
    assert response.status == 201
    assert stage.cinema.asked == [("open", "yard", True)]


async def test_a_viewer_whom_udp_did_not_reach_asks_for_tcp(client: Client, stage: Stage) -> None:
    for query in ("", "?transport=udp", "?transport=tcp"):
        assert (await client.post(f"/whep/open/yard{query}", data=OFFER, headers=SDP)).status == 201
    assert stage.cinema.by_tcp == [False, False, True]
    wrong = await client.post("/whep/open/yard?transport=sctp", data=OFFER, headers=SDP)
    assert wrong.status == 400


async def test_a_charset_behind_the_type_is_no_mistake(client: Client) -> None:
    headers = {"Content-Type": "Application/SDP; charset=utf-8"}
    response = await client.post("/whep/open/yard", data=OFFER.encode(), headers=headers)
    assert response.status == 201


async def test_the_play_is_ended_by_its_address(client: Client, stage: Stage) -> None:
    response = await client.post("/whep/open/yard", data=OFFER, headers=SDP)
    location = response.headers["Location"]
    assert len(client.app[keys.PLAYS]) == 1
    assert (await client.delete(location.replace("yard", "entrance-1"))).status == 404
    assert (await client.delete(location)).status == 200
    await until(lambda: len(client.app[keys.PLAYS]) == 0)
    assert (await client.delete(location)).status == 404
    assert not stage.cinema.plays


async def test_good_bye_after_the_connection_closed_is_no_mistake(
    client: Client, stage: Stage
) -> None:
    response = await client.post("/whep/open/yard", data=OFFER, headers=SDP)
    where = response.headers["Location"]
    stage.cinema.plays.popitem()[1].ended.set_result("the browser has closed the connection")
    assert (await client.delete(where)).status == 200
    elsewhere = where.replace("/yard/", "/hall/")
    assert (await client.delete(elsewhere)).status == 404


async def test_a_play_of_before_a_restart_can_be_ended(client: Client, stage: Stage) -> None:
    ended: asyncio.Future[str] = asyncio.Future()
    before = await Cinema().play("open", "yard", OFFER, low=False)
    stage.cinema.plays["open", "yard", "old"] = replace(before, id="old", ended=ended)
    assert (await client.delete("/whep/open/yard/old")).status == 200
    assert ended.done()


async def test_a_viewer_who_just_goes_away_frees_the_place(client: Client, stage: Stage) -> None:
    await client.post("/whep/open/yard", data=OFFER, headers=SDP)
    (play,) = stage.cinema.plays.values()
    play.ended.set_result("the browser is silent")
    await until(lambda: len(client.app[keys.PLAYS]) == 0)
    assert stage.cinema.stops == 0


async def test_a_viewer_who_left_while_waiting_is_not_kept(stage: Stage) -> None:
    stage.cinema.gate = asyncio.Event()
    app = stage.app()
    async with served(app) as (server, port):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        head = "POST /whep/open/yard HTTP/1.1\r\nHost: x\r\nContent-Type: application/sdp\r\n"
        writer.write(f"{head}Content-Length: {len(OFFER)}\r\n\r\n{OFFER}".encode())
        await until(lambda: stage.cinema.asked)
        writer.transport.abort()
        await until(lambda: all(one.transport is None for one in server.connections))
        stage.cinema.gate.set()
        await until(lambda: stage.cinema.stops == 1 and len(app[keys.PLAYS]) == 0)
    assert not stage.cinema.plays


async def test_a_failed_play_holds_no_place(client: Client, stage: Stage) -> None:
    stage.cinema.error = GatewayError(ErrorKind.SERVER_FULL, "It is full.")
    response = await client.post("/whep/open/yard", data=OFFER, headers=SDP)
    assert response.headers["Retry-After"] == "2", "the next in line asks soon"
    assert len(client.app[keys.PLAYS]) == 0


async def test_the_places_of_one_client_are_counted(
    stage: Stage, aiohttp_client: AiohttpClient
) -> None:
    stage.limits = replace(stage.limits, plays_per_client=2, limit_loopback=True)
    client = await aiohttp_client(stage.app())
    answers = [await client.post("/whep/open/yard", data=OFFER, headers=SDP) for _ in range(3)]
    assert [answer.status for answer in answers] == [201, 201, 429]
    assert (await client.delete(answers[0].headers["Location"])).status == 200

    async def again() -> bool:
        return (await client.post("/whep/open/yard", data=OFFER, headers=SDP)).status == 201

    await until(again)


async def test_ice_servers_are_told_with_their_credentials(
    stage: Stage, aiohttp_client: AiohttpClient
) -> None:
    stage.settings = replace(
        stage.settings,
        ice_servers=(
            IceServer(("stun:stun.example:3478",)),
            IceServer(
                ("turn:t.example?transport=udp", "turns:t.example"), "us\\er", Secret('pa"s\ns')
            ),
            IceServer(("https://not.ice/", 'stun:x>; rel="evil"', "stun:y\r\nX: y")),
        ),
    )
    client = await aiohttp_client(stage.app())
    response = await client.post("/whep/open/yard", data=OFFER, headers=SDP)
    login = (
        'rel="ice-server"; username="us\\\\er"; credential="pa\\"ss"; credential-type="password"'
    )
    assert response.headers.getall("Link") == [
        '<stun:stun.example:3478>; rel="ice-server"',
        f"<turn:t.example?transport=udp>; {login}",
        f"<turns:t.example>; {login}",
    ]
    refused = await client.post("/whep/tickets/yard", data=OFFER, headers=SDP)
    assert "Link" not in refused.headers


async def test_a_ticket_opens_its_cameras(client: Client) -> None:
    headers = SDP | ticket(cameras=["yard"])
    assert (await client.post("/whep/tickets/yard", data=OFFER, headers=headers)).status == 201
    other = await client.post("/whep/tickets/entrance-1", data=OFFER, headers=headers)
    assert (await problem_of(other))["kind"] == "forbidden"


@pytest.mark.parametrize("site", ["open", "tickets", "office"])
async def test_staff_plays_everything(client: Client, site: str) -> None:
    response = await client.post(f"/whep/{site}/yard", data=OFFER, headers=SDP | STAFF)
    assert response.status == 201


async def test_somebody_elses_login_is_none_of_our_business(client: Client) -> None:
    headers = SDP | {"Authorization": "Basic dXNlcjpwYXNz"}
    assert (await client.post("/whep/open/yard", data=OFFER, headers=headers)).status == 201


async def test_the_tickets_hard_stop_ends_the_play(client: Client, stage: Stage) -> None:
    now = datetime.now(UTC)
    claims = {
        "sites": ["tickets"],
        "exp": now.timestamp() + 60,
        "watch_until": now.timestamp() + 0.3,
    }
    token = tickets.jwt.encode(claims, TICKET_SECRET.reveal(), algorithm="HS256")
    headers = SDP | {"Authorization": f"Bearer {token}"}
    assert (await client.post("/whep/tickets/yard", data=OFFER, headers=headers)).status == 201
    assert stage.cinema.plays
    await until(lambda: not stage.cinema.plays and len(client.app[keys.PLAYS]) == 0)


async def test_the_sites_longest_watch_ends_the_play_but_not_staffs(
    client: Client, stage: Stage
) -> None:
    stage.add(site_of("brief", max_watch_s=0.1))
    staff = await client.post("/whep/brief/entrance-1", data=OFFER, headers=SDP | STAFF)
    await client.post("/whep/brief/yard", data=OFFER, headers=SDP)
    await until(lambda: len(stage.cinema.plays) == 1)
    assert (await client.delete(staff.headers["Location"])).status == 200


async def test_a_hard_stop_is_tried_until_it_works(client: Client, stage: Stage) -> None:
    stage.add(site_of("brief", max_watch_s=0.05))
    stage.cinema.stop_errors = [GatewayError(ErrorKind.SERVER_NOT_READY, "It is away.")]
    await client.post("/whep/brief/yard", data=OFFER, headers=SDP)
    await until(lambda: not stage.cinema.plays)
    assert stage.cinema.stops == 2


async def test_plays_go_on_when_the_gateway_ends(
    stage: Stage, aiohttp_client: AiohttpClient
) -> None:
    client = await aiohttp_client(stage.app())
    await client.post("/whep/open/yard", data=OFFER, headers=SDP)
    await client.close()
    assert len(stage.cinema.plays) == 1
    assert not next(iter(stage.cinema.plays.values())).ended.done()


OWN = "own"


@pytest.mark.parametrize(
    ("site", "origin", "allowed"),
    [
        (site_of("s"), "https://any.example", "*"),
        (site_of("s"), "null", "*"),
        (site_of("s", origins=("https://uk.example",)), "https://uk.example", "https://uk.example"),
        (
            site_of("s", origins=("https://UK.example/",)),
            "https://uk.example",
            "https://uk.example",
        ),
        (site_of("s", origins=("https://uk.example",)), "https://uk.example.evil.org", None),
        (site_of("s", origins=("https://uk.example",)), "http://uk.example", None),
        (site_of("s", origins=("https://uk.example",)), "null", None),
        (site_of("s", origins=("https://uk.example",)), "https://[::1", None),
        (site_of("s", origins=("https://uk.example",)), OWN, OWN),
        (site_of("s", Access.TICKET), "https://any.example", None),
        (site_of("s", Access.TICKET, origins=("https://a.b",)), "https://a.b", "https://a.b"),
        (site_of("s", Access.STAFF), "https://cams.example.ru", "https://cams.example.ru"),
    ],
)
async def test_which_websites_may_play(
    stage: Stage, aiohttp_client: AiohttpClient, site: Any, origin: str, allowed: str | None
) -> None:
    stage.add(site)
    stage.settings = replace(stage.settings, public_url="https://cams.example.ru/")
    client = await aiohttp_client(stage.app())
    own = f"http://{client.host}:{client.port}"
    origin = own if origin is OWN else origin
    allowed = own if allowed is OWN else allowed
    preflight = await client.options(
        "/whep/s/yard",
        headers={"Origin": origin, "Access-Control-Request-Method": "POST"},
    )
    played = await client.post("/whep/s/yard", data=OFFER, headers=SDP | STAFF | {"Origin": origin})
    assert (preflight.status, played.status) == ((204, 201) if allowed else (403, 403))
    for response in (preflight, played):
        assert response.headers.get("Access-Control-Allow-Origin") == allowed
        assert "Access-Control-Allow-Credentials" not in response.headers
        assert ("Origin" in response.headers.get("Vary", "")) is (allowed != "*")
    if allowed:
        assert "Authorization" in preflight.headers["Access-Control-Allow-Headers"]
        assert preflight.headers["Accept-Post"] == "application/sdp"
        assert "Location" in played.headers["Access-Control-Expose-Headers"]


async def test_an_error_can_be_read_by_the_website_that_may_play(
    client: Client, stage: Stage
) -> None:
    stage.cinema.error = GatewayError(ErrorKind.CAMERA_OFFLINE, "It is silent.")
    headers = SDP | {"Origin": "https://any.example"}
    response = await client.post("/whep/open/yard", data=OFFER, headers=headers)
    assert (await problem_of(response))["kind"] == "camera_offline"
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert "Retry-After" in response.headers["Access-Control-Expose-Headers"]


async def test_a_trickling_player_is_refused_in_a_way_that_it_can_read(client: Client) -> None:
    headers = {"Origin": "https://any.example", "Content-Type": "application/trickle-ice-sdpfrag"}
    response = await client.patch("/whep/open/yard/play-1", data="a=x", headers=headers)
    assert (await problem_of(response))["kind"] == "method_not_allowed"
    assert response.headers["Allow"] == "DELETE, OPTIONS"
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    preflight = await client.options("/whep/open/yard/play-1", headers=headers)
    assert "PATCH" in preflight.headers["Access-Control-Allow-Methods"]
