"""What stands between a browser and the doors: reverse proxies, other websites, and markup."""

import base64
import hashlib
import hmac
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gateway.api import keys, turn
from gateway.kit.secret import Secret
from gateway.model.company import IceServer
from gateway.model.site import Viewing
from gateway.model.text import LocalText
from tests.rooms.api.people import ANNA, Client, browser, try_sign_in
from tests.rooms.api.stage import OFFER, SDP, Stage, site_of, status_of

PROXY = ("127.0.0.0/8", "10.0.0.0/8")


@pytest.fixture
async def door(stage: Stage) -> AsyncIterator[Client]:
    """Give a client that stands where a reverse proxy would."""
    stage.settings = replace(stage.settings, trusted_proxies=PROXY, accounts=(ANNA,))
    client = await browser(stage)
    yield client
    await client.close()


async def seen(client: Client, *forwarded: str) -> str:
    """Play, and return the client whose place was taken."""
    headers = [("Content-Type", "application/sdp")]
    headers += [("X-Forwarded-For", line) for line in forwarded]
    response = await client.post("/whep/open/yard", data=OFFER, headers=headers)
    assert response.status == 201
    (seat,) = client.app[keys.PLAYS].seats.running.values()
    assert (await client.delete(response.headers["Location"])).status == 200
    return seat.client


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        (["203.0.113.5"], "203.0.113.5"),
        (["198.51.100.1, 203.0.113.5"], "203.0.113.5"),
        (["198.51.100.1", "203.0.113.5"], "203.0.113.5"),
        (["203.0.113.5, 10.1.2.3"], "203.0.113.5"),
        (["127.0.0.1, 203.0.113.5"], "203.0.113.5"),
        (["2001:db8:1:2:3::9"], "2001:db8:1:2::/64"),
        (["[2001:db8:1:2:3::9]"], "2001:db8:1:2::/64"),
        (["10.1.2.3"], "loopback"),
        (["nonsense"], "loopback"),
        (["203.0.113.5, nonsense"], "loopback"),
        ([], "loopback"),
    ],
)
async def test_the_client_is_whom_the_trusted_proxy_saw(
    door: Client, forwarded: list[str], client: str
) -> None:
    assert await seen(door, *forwarded) == client


async def test_a_stranger_cannot_choose_an_address(door: Client, stage: Stage) -> None:
    stage.settings = replace(stage.settings, trusted_proxies=("192.0.2.1/32",))
    assert await seen(door, "203.0.113.5") == "loopback"


async def test_guesses_are_counted_by_the_clients_own_address(door: Client) -> None:
    for _ in range(5):
        answer = await try_sign_in(door, password="wrong", **{"X-Forwarded-For": "203.0.113.5"})
        assert answer.status == 401
    wrong = await try_sign_in(door, password="wrong", **{"X-Forwarded-For": "1.1.1.1, 203.0.113.5"})
    assert wrong.status == 429
    right = await try_sign_in(door, **{"X-Forwarded-For": "203.0.113.6"})
    assert right.status == 200


@pytest.mark.parametrize(("proto", "secure"), [("https", True), ("http", False), ("x", False)])
async def test_the_proxy_says_whether_it_speaks_tls(
    door: Client, proto: str, *, secure: bool
) -> None:
    answer = await try_sign_in(door, **{"X-Forwarded-Proto": proto})
    assert ("Secure" in answer.headers["Set-Cookie"]) is secure


@pytest.mark.parametrize(("url", "there"), [("https://cams.example.ru", True), (None, False)])
async def test_browsers_are_told_to_stay_on_https(
    door: Client, stage: Stage, url: str | None, *, there: bool
) -> None:
    stage.settings = replace(stage.settings, public_url=url)
    for path in ("/", "/api/v1/sites", "/nowhere"):
        headers = (await door.get(path)).headers
        assert ("Strict-Transport-Security" in headers) is there


async def test_names_of_cameras_are_never_markup(door: Client, stage: Stage) -> None:
    evil = '</script><img src=x onerror=alert(1)> & "quotes"'
    site = site_of("evil")
    cameras = tuple(replace(camera, name=LocalText.of(evil)) for camera in site.cameras)
    site = replace(site, cameras=cameras)
    stage.sites["evil"] = site
    stage.board.publish(status_of(site))
    response = await door.get("/api/v1/sites/evil")
    text = await response.text()
    assert "<" not in text
    assert (await response.json())["cameras"][0]["name"] == LocalText.of(evil).as_json()
    assert response.headers["Content-Type"].startswith("application/json")
    assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_cookies_never_travel_to_other_websites(door: Client, stage: Stage) -> None:
    stage.sites["open"] = replace(
        stage.sites["open"], viewing=Viewing(stage.sites["open"].viewing.access)
    )
    for path in ("/api/v1/sites", "/api/v1/session", "/api/v1/audit", "/api/v1/sites/open"):
        response = await door.get(path, headers={"Origin": "https://evil.example"})
        assert "Access-Control-Allow-Credentials" not in response.headers
        if path != "/api/v1/sites/open":
            assert "Access-Control-Allow-Origin" not in response.headers


@pytest.mark.parametrize("path", ["/api/v1/session", "/api/v1/audit", "/api/v1/revocations"])
async def test_no_website_may_ask_for_more(door: Client, path: str) -> None:
    headers = {
        "Origin": "https://evil.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "X-CSRF-Token",
    }
    response = await door.options(path, headers=headers)
    assert response.status == 405
    assert "Access-Control-Allow-Origin" not in response.headers


async def test_every_play_gets_a_turn_login_of_its_own(door: Client, stage: Stage) -> None:
    secret = Secret("north-of-everywhere")
    stage.settings = replace(
        stage.settings, ice_servers=(IceServer(("turn:t.example:3478",), secret=secret),)
    )
    answers = [await door.post("/whep/open/yard", data=OFFER, headers=SDP) for _ in range(2)]
    first, second = (answer.headers["Link"] for answer in answers)
    assert first != second
    assert secret.reveal() not in first
    username = first.partition('username="')[2].partition('"')[0]
    credential = first.partition('credential="')[2].partition('"')[0]
    digest = hmac.new(secret.reveal().encode(), username.encode(), hashlib.sha1).digest()
    assert credential == base64.b64encode(digest).decode()
    end = int(username.partition(":")[0]) - datetime.now(UTC).timestamp()
    assert 0 < end <= turn.LONGEST_S + 1
    assert "play-1" not in username


def test_a_turn_login_ends_soon_after_its_play() -> None:
    username, _ = turn.login(Secret("s"), "play", now=1000.0, until=1600.0)
    assert username.startswith(f"{1600 + int(turn.GRACE_S)}:")
