"""Sessions: who gets one, what it is worth without its CSRF token, and how each one ends."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.api import keys
from gateway.api.guessing import REMEMBERED, WITH_ADDRESS, Guesses
from gateway.api.ports import Stores
from gateway.api.sessions import IDLE_S, LONGEST_S, MAX_PER_ACCOUNT
from gateway.kit.secret import Secret
from gateway.model.company import SignOn
from gateway.store.access import access_database
from gateway.store.sessions import SessionRecords
from tests.rooms.api.people import (
    ANNA,
    HEADER,
    PASSWORD,
    TIMUR,
    Client,
    browser,
    signed_in,
    try_sign_in,
)
from tests.rooms.api.stage import OFFER, SDP, STAFF, HandClock, Stage, problem_of, status_of


@pytest.fixture
def clock(stage: Stage) -> HandClock:
    """Give the stage a clock that is moved by hand, and two people."""
    stage.settings = replace(stage.settings, accounts=(ANNA, TIMUR))
    stage.clock = clock = HandClock()
    return clock


@pytest.fixture
async def page(stage: Stage, clock: HandClock) -> AsyncIterator[Client]:
    """Give a browser at the gateway's own page."""
    assert clock is stage.clock
    client = await browser(stage)
    yield client
    await client.close()


async def role(client: Client) -> str:
    body = await (await client.get("/api/v1/session")).json()
    return str(body["role"])


async def withdraw(client: Client, token: str | None = None, **headers: str) -> int:
    """Do something that only an administrator may; return the status."""
    if token is not None:
        headers[HEADER] = token
    response = await client.post("/api/v1/revocations", json={"subject": "flat 7"}, headers=headers)
    return response.status


async def test_who_am_i(page: Client) -> None:
    nobody = await (await page.get("/api/v1/session")).json()
    assert nobody == {
        "name": None,
        "role": "anonymous",
        "sites": [],
        "csrf_token": None,
        "csrf_header": HEADER,
        "sign_in": True,
    }
    body = await signed_in(page, "Timur")
    assert body == await (await page.get("/api/v1/session")).json()
    assert (body["name"], body["role"], body["sites"]) == ("timur", "technician", ["tickets"])


async def test_the_cookie_is_out_of_reach_of_scripts_and_websites(page: Client) -> None:
    response = await try_sign_in(page)
    cookie = response.headers["Set-Cookie"]
    assert cookie.startswith("session=")
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie
    assert response.headers["Cache-Control"] == "no-store"


async def test_behind_https_the_cookie_is_secure(stage: Stage, page: Client) -> None:
    stage.settings = replace(stage.settings, public_url="https://cams.example.ru")
    cookie = (await try_sign_in(page)).headers["Set-Cookie"]
    assert cookie.startswith("__Host-session=")
    assert "Secure" in cookie


async def test_a_write_needs_the_csrf_token_of_its_own_session(page: Client, stage: Stage) -> None:
    token = (await signed_in(page))["csrf_token"]
    other = await browser(stage)
    foreign = (await signed_in(other))["csrf_token"]
    assert await withdraw(page) == 403
    assert await withdraw(page, "") == 403
    assert await withdraw(page, foreign) == 403
    assert await withdraw(page, token + "x") == 403
    assert await withdraw(page, "\u00e9") == 403
    assert await withdraw(page, token, Origin="https://evil.example") == 403
    assert await withdraw(page, token, **{"Sec-Fetch-Site": "cross-site"}) == 403
    assert await withdraw(page, token) == 201
    assert (await page.get("/api/v1/revocations")).status == 200
    await other.close()


async def test_a_play_that_another_website_started_is_nobodys(page: Client) -> None:
    token = (await signed_in(page))["csrf_token"]
    assert (await page.post("/whep/office/yard", data=OFFER, headers=SDP)).status == 401
    headers = SDP | {HEADER: token}
    assert (await page.post("/whep/office/yard", data=OFFER, headers=headers)).status == 201


async def test_signing_out_ends_the_session_for_good(page: Client) -> None:
    token = (await signed_in(page))["csrf_token"]
    stolen = page.session.cookie_jar.filter_cookies(page.make_url("/"))["session"].value
    assert (await page.delete("/api/v1/session")).status == 403
    assert (await page.delete("/api/v1/session", headers={HEADER: token})).status == 204
    assert await role(page) == "anonymous"
    page.session.cookie_jar.clear()
    page.session.cookie_jar.update_cookies({"session": stolen})
    assert await role(page) == "anonymous"
    assert (await page.delete("/api/v1/session")).status == 204


async def test_a_planted_cookie_becomes_nobodys_session(page: Client) -> None:
    page.session.cookie_jar.update_cookies({"session": "planted"})
    await signed_in(page)
    own = page.session.cookie_jar.filter_cookies(page.make_url("/"))["session"].value
    assert own != "planted"
    await signed_in(page, "timur")
    page.session.cookie_jar.clear()
    page.session.cookie_jar.update_cookies({"session": own})
    assert await role(page) == "anonymous", "the session of before the sign-in is over"


@pytest.mark.parametrize("value", ["x" * 5000, "ünï", "a b", "../../etc", "0"])
async def test_an_odd_cookie_is_nobodys(page: Client, value: str) -> None:
    cookie = value.encode().decode("latin-1")
    response = await page.get("/api/v1/session", headers={"Cookie": f"session={cookie}"})
    assert (await response.json())["role"] == "anonymous"


async def test_a_session_ends_by_itself(page: Client, clock: HandClock) -> None:
    await signed_in(page)
    clock.ahead += IDLE_S - 60
    assert await role(page) == "administrator"
    clock.ahead += IDLE_S + 60
    assert await role(page) == "anonymous"
    await signed_in(page)
    for _ in range(int(LONGEST_S / IDLE_S) + 1):
        assert await role(page) == "administrator"
        clock.ahead += IDLE_S - 1
    assert await role(page) == "anonymous"


async def test_a_session_ends_with_its_account_its_password_and_its_role(
    page: Client, stage: Stage
) -> None:
    await signed_in(page)
    weaker = replace(ANNA, role=TIMUR.role, sites=("open",))
    stage.settings = replace(stage.settings, accounts=(weaker, TIMUR))
    assert await role(page) == "technician"
    stage.settings = replace(stage.settings, accounts=(TIMUR,))
    assert await role(page) == "anonymous"
    changed = replace(ANNA, hash=Secret("$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$AAAAAAAA"))
    stage.settings = replace(stage.settings, accounts=(changed,))
    assert await role(page) == "anonymous"
    stage.settings = replace(stage.settings, accounts=(ANNA,))
    assert await role(page) == "administrator"


async def test_a_restart_signs_nobody_out_and_knows_who_has_left(
    stage: Stage, clock: HandClock, tmp_path: Path
) -> None:
    database = access_database(tmp_path)
    stage.stores = Stores(sessions=SessionRecords(database))
    page, other = await browser(stage), await browser(stage)
    await signed_in(page)
    jar = page.session.cookie_jar.filter_cookies(page.make_url("/"))
    await page.close()
    again = await browser(stage)
    again.session.cookie_jar.update_cookies(jar)
    assert await role(again) == "administrator"
    assert jar["session"].value not in str(await SessionRecords(database).load())
    clock.ahead += LONGEST_S + 1
    await other.close()
    await again.close()
    third = await browser(stage)
    assert len(third.app[keys.SESSIONS]) == 0
    await third.close()
    await database.close()


async def test_one_account_holds_few_sessions(page: Client) -> None:
    for _ in range(MAX_PER_ACCOUNT + 5):
        await page.app[keys.SESSIONS].open(ANNA)
    assert len(page.app[keys.SESSIONS]) == MAX_PER_ACCOUNT


@pytest.mark.parametrize(
    ("name", "password"),
    [("anna", "wrong horse battery"), ("nobody", PASSWORD), ("x" * 65, "x"), ("anna", "x" * 500)],
)
async def test_a_refusal_does_not_say_who_exists(page: Client, name: str, password: str) -> None:
    response = await try_sign_in(page, name, password)
    body = await problem_of(response)
    assert (response.status, body["reason"]) == (401, "sign_in")
    assert body["detail"] == "The name or the password is wrong."
    assert "Basic" not in response.headers["WWW-Authenticate"]
    assert "Set-Cookie" not in response.headers


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"name": "anna"}', b'{"name": 1, "password": 2}', b"{" * 5000]
)
async def test_a_sign_in_without_sense(page: Client, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    response = await page.post("/api/v1/session", data=body, headers=headers)
    assert response.status in {400, 413}


async def test_another_website_cannot_sign_its_visitors_in(page: Client) -> None:
    assert (await try_sign_in(page, Origin="https://evil.example")).status == 403
    form = {"name": "anna", "password": PASSWORD}
    assert (await page.post("/api/v1/session", data=form)).status == 415


async def test_guessing_is_slowed_down_for_names_that_exist_and_that_do_not(
    stage: Stage, clock: HandClock
) -> None:
    stage.limits = replace(stage.limits, limit_loopback=True)
    page = await browser(stage)
    for name in ("anna", "nobody"):
        statuses = [
            (await try_sign_in(page, name, "wrong horse battery")).status
            for _ in range(WITH_ADDRESS.free + 2)
        ]
        assert statuses == [401] * WITH_ADDRESS.free + [429, 429]
    right = await try_sign_in(page)
    assert right.status == 429, "not even the right password gets in during a pause"
    assert int(right.headers["Retry-After"]) >= 1
    clock.ahead += 2
    assert (await try_sign_in(page)).status == 200
    assert (await try_sign_in(page, "anna", "wrong horse battery")).status == 401
    await page.close()


async def test_many_guesses_at_the_same_moment_are_counted_too(stage: Stage) -> None:
    stage.settings = replace(stage.settings, accounts=(ANNA,))
    page = await browser(stage)
    answers = await asyncio.gather(
        *(try_sign_in(page, "anna", f"wrong horse {n}") for n in range(30))
    )
    statuses = [answer.status for answer in answers]
    assert statuses.count(401) + statuses.count(503) <= WITH_ADDRESS.free
    await page.close()


def test_guesses_fit_into_little_memory_and_are_forgotten() -> None:
    clock = HandClock()
    guesses = Guesses(clock)
    for number in range(REMEMBERED * 2):
        guesses.take(f"name {number}", f"address {number}")
    assert len(guesses) == 3 * REMEMBERED
    for _ in range(100):
        guesses.take("anna", "a")
    waited = guesses.take("anna", "a")
    assert waited > 0
    clock.ahead += 901
    assert guesses.take("anna", "a") == 0


def test_strangers_cannot_lock_somebody_out_for_long() -> None:
    guesses = Guesses(HandClock())
    for number in range(1000):
        guesses.take("anna", f"address {number}")
    assert guesses.take("anna", "at home") <= 30


@pytest.mark.parametrize(
    ("site", "status"), [("tickets", 200), ("open", 200), ("office", 404), ("nowhere", 404)]
)
async def test_a_technician_sees_the_own_sites(page: Client, site: str, status: int) -> None:
    await signed_in(page, "timur")
    response = await page.get(f"/api/v1/sites/{site}")
    assert response.status == status
    if status == 200:
        assert ("servers" in await response.json()) is (site == "tickets")


async def test_a_technician_is_told_why_an_own_camera_is_silent(stage: Stage, page: Client) -> None:
    """Reasons name addresses: who mends a camera needs them, who passes by does not."""
    for site in ("tickets", "open"):
        status = status_of(stage.sites[site])
        told = tuple(replace(camera, reason="10.0.0.2 is gone") for camera in status.cameras)
        stage.board.publish(replace(status, cameras=told))
    await signed_in(page, "timur")
    for site, reason in (("tickets", "10.0.0.2 is gone"), ("open", "")):
        cameras = (await (await page.get(f"/api/v1/sites/{site}")).json())["cameras"]
        assert {camera["reason"] for camera in cameras} == {reason}


async def test_a_technician_administers_nothing(page: Client) -> None:
    token = (await signed_in(page, "timur"))["csrf_token"]
    assert await withdraw(page, token) == 403
    assert (await page.get("/api/v1/audit")).status == 403
    assert (await page.get("/api/v1/revocations")).status == 403


SIGN_ON = SignOn("X-Remote-User", ("127.0.0.0/8",))


async def test_the_companys_sign_on(page: Client, stage: Stage) -> None:
    stage.settings = replace(stage.settings, sign_on=SIGN_ON)
    assert await role(page) == "anonymous"
    anna = {"X-Remote-User": "Anna"}
    body = await (await page.get("/api/v1/session", headers=anna)).json()
    assert (body["name"], body["role"]) == ("Anna", "administrator")
    assert await withdraw(page, **anna) == 403, "the browser sends the sign-on's cookie by itself"
    assert await withdraw(page, body["csrf_token"], **anna) == 201
    timur = {"X-Remote-User": "timur"}
    assert await withdraw(page, body["csrf_token"], **timur) == 403
    assert (await (await page.get("/api/v1/session", headers=timur)).json())["sites"] == ["tickets"]


@pytest.mark.parametrize("user", ["", " ", "nobody", "a" * 200, "anna\tanna"])
async def test_a_sign_on_of_nobody(page: Client, stage: Stage, user: str) -> None:
    stage.settings = replace(stage.settings, sign_on=SIGN_ON)
    body = await (await page.get("/api/v1/session", headers={"X-Remote-User": user})).json()
    assert body["role"] == "anonymous"


async def test_a_second_user_in_the_header_makes_both_unbelievable(
    page: Client, stage: Stage
) -> None:
    stage.settings = replace(stage.settings, sign_on=SIGN_ON)
    headers = [("X-Remote-User", "timur"), ("X-Remote-User", "anna")]
    body = await (await page.get("/api/v1/session", headers=headers)).json()
    assert body["role"] == "anonymous"


async def test_the_sign_on_may_say_roles_and_sites(page: Client, stage: Stage) -> None:
    rules = replace(SIGN_ON, role_header="X-Role", sites_header="X-Sites")
    stage.settings = replace(stage.settings, sign_on=rules)
    headers = {"X-Remote-User": "olga", "X-Role": "Technician", "X-Sites": "office, open"}
    body = await (await page.get("/api/v1/session", headers=headers)).json()
    assert (body["role"], body["sites"]) == ("technician", ["office", "open"])
    headers = {"X-Remote-User": "anna", "X-Role": "king"}
    body = await (await page.get("/api/v1/session", headers=headers)).json()
    assert body["role"] == "anonymous", "an unknown role is none, whatever the account says"


async def test_nobody_else_is_believed(page: Client, stage: Stage) -> None:
    stage.settings = replace(
        stage.settings,
        sign_on=replace(SIGN_ON, addresses=("192.0.2.0/24",)),
        trusted_proxies=("127.0.0.0/8",),
    )
    # The address of a header is the client's, never the proxy's.
    headers = {"X-Remote-User": "anna", "X-Forwarded-For": "192.0.2.1", "X-Real-IP": "192.0.2.1"}
    body = await (await page.get("/api/v1/session", headers=headers)).json()
    assert body["role"] == "anonymous"


async def test_the_staff_token_goes_on_working_for_machines(page: Client) -> None:
    assert await withdraw(page, **STAFF) == 201
    body = await (await page.get("/api/v1/session", headers=STAFF)).json()
    assert (body["role"], body["csrf_token"]) == ("administrator", None)
