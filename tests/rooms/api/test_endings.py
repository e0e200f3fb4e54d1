"""Plays that may not go on: withdrawn tickets, hard stops, privacy hours, also after a restart."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.api import keys, tickets
from gateway.api.ports import Stores
from gateway.api.runner import create_runner
from gateway.api.seats import ORDINARY, ORDINARY_S, REMEMBERED, End, Past, Seat, Seats
from gateway.model.access import AuditQuery, PastView, Revocation, View, Way
from gateway.model.company import Account, AccountRole
from gateway.model.errors import GatewayError
from gateway.model.site import Access, PrivacyHours, Site
from gateway.store.access import access_database
from gateway.store.audit import AuditRecords
from gateway.store.revocations import RevocationRecords
from tests.rooms.api.people import ANNA, HASH, TIMUR, Client, browser, signed_in
from tests.rooms.api.stage import (
    OFFER,
    SDP,
    STAFF,
    TICKET_SECRET,
    HandClock,
    Picture,
    Stage,
    events_of,
    problem_of,
    site_of,
)
from tests.waiting import until


@pytest.fixture
async def kept(stage: Stage, tmp_path: Path) -> AsyncIterator[Stage]:
    """Give a stage whose records outlive its doors."""
    audit, access = AuditRecords(tmp_path), access_database(tmp_path)
    stage.stores = Stores(audit=audit, revocations=RevocationRecords(access))
    stage.clock = HandClock()
    yield stage
    await audit.close()
    await access.close()


@pytest.fixture
async def door(kept: Stage) -> AsyncIterator[Client]:
    """Give a client at the doors."""
    client = await browser(kept)
    yield client
    await client.close()


def bearer(**claims: Any) -> dict[str, str]:
    now = claims.pop("now", datetime.now(UTC))
    made = {"sites": ["tickets"], "valid_s": 600, "subject": "flat 7"} | claims
    return {"Authorization": f"Bearer {tickets.mint(TICKET_SECRET, now=now, **made)}"}


async def play(client: Client, where: str = "tickets/yard", **headers: str) -> str:
    """Watch a camera; return the address at which the play's state can be read."""
    response = await client.post(f"/whep/{where}", data=OFFER, headers=SDP | headers)
    assert response.status == 201, await response.text()
    site, _, camera = where.partition("/")
    name = response.headers["Location"].rpartition("/")[2]
    return f"/api/v1/sites/{site}/cameras/{camera}/plays/{name}"


async def state(client: Client, address: str) -> tuple[str, str | None]:
    body = await (await client.get(address)).json()
    return body["state"], body["reason"]


async def revoke(client: Client, **what: str) -> None:
    response = await client.post("/api/v1/revocations", json=what, headers=STAFF)
    assert response.status == 201, await response.text()


async def audited(stage: Stage) -> list[PastView]:
    assert stage.stores.audit is not None
    return list(await stage.stores.audit.page(AuditQuery()))


async def test_a_withdrawn_sites_plays_end_and_its_tickets_open_nothing(
    door: Client, kept: Stage
) -> None:
    kept.add(site_of("other", Access.TICKET))
    mine = bearer(sites=["tickets", "other"])
    watched, elsewhere = await play(door, **mine), await play(door, "other/yard", **mine)
    anybody = await play(door, "open/yard", **mine)
    await revoke(door, site="tickets")
    await until(lambda: len(kept.cinema.plays) == 2)
    assert await state(door, watched) == ("ended", "revoked")
    assert await state(door, elsewhere) == ("running", None)
    assert await state(door, anybody) == ("running", None)
    again = await door.post("/whep/tickets/yard", data=OFFER, headers=SDP | mine)
    body = await problem_of(again)
    assert (again.status, body["reason"]) == (401, "revoked")
    assert 'error="invalid_token"' in again.headers["WWW-Authenticate"]
    assert (await door.get("/api/v1/sites/tickets", headers=mine)).status == 404
    assert (await door.get("/api/v1/sites/other", headers=mine)).status == 200
    fresh = bearer(now=datetime.now(UTC) + timedelta(seconds=2))
    await play(door, **fresh)


async def test_a_withdrawn_subject_loses_everything_and_nobody_else_does(
    door: Client, kept: Stage
) -> None:
    mine, neighbours = await play(door, **bearer()), await play(door, **bearer(subject="flat 8"))
    await revoke(door, subject="flat 7")
    await until(lambda: len(kept.cinema.plays) == 1)
    assert await state(door, mine) == ("ended", "revoked")
    assert await state(door, neighbours) == ("running", None)
    listed = await door.get("/api/v1/sites", headers=bearer())
    assert (await problem_of(listed))["reason"] == "revoked"
    shown = await (await door.get("/api/v1/revocations", headers=STAFF)).json()
    (entry,) = shown["revocations"]
    assert (entry["site"], entry["subject"]) == (None, "flat 7")


async def test_a_subject_may_lose_one_site(door: Client, kept: Stage) -> None:
    kept.add(site_of("other", Access.TICKET))
    await revoke(door, site="tickets", subject="flat 7")
    mine = bearer(sites=["tickets", "other"])
    await play(door, "other/yard", **mine)
    await play(door, "tickets/yard", **bearer(subject="flat 8"))
    assert (await door.get("/api/v1/sites/tickets", headers=mine)).status == 404


async def test_a_ticket_that_does_not_say_when_it_was_issued_is_old(door: Client) -> None:
    claims = {"sites": ["tickets"], "exp": datetime.now(UTC).timestamp() + 60, "sub": "flat 7"}
    token = tickets.jwt.encode(claims, TICKET_SECRET.reveal(), algorithm="HS256")
    headers = {"Authorization": f"Bearer {token}"}
    await play(door, **headers)
    await revoke(door, site="tickets")
    assert (await door.get("/api/v1/sites", headers=headers)).status == 401


async def test_the_file_may_withdraw_tickets_too(door: Client, kept: Stage) -> None:
    watched = await play(door, **bearer())
    site = kept.sites["tickets"]
    viewing = replace(site.viewing, tickets_since=datetime.now(UTC) + timedelta(seconds=1))
    kept.sites["tickets"] = replace(site, viewing=viewing)
    await until(lambda: not kept.cinema.plays)
    assert await state(door, watched) == ("ended", "revoked")


async def test_a_revocation_outlives_a_restart(door: Client, kept: Stage) -> None:
    await revoke(door, subject="flat 7")
    await door.close()
    again = await browser(kept)
    assert (await again.get("/api/v1/sites", headers=bearer())).status == 401
    await again.close()


async def test_a_gateway_that_cannot_read_its_revocations_does_not_start(
    stage: Stage, tmp_path: Path
) -> None:
    newer = sqlite3.connect(tmp_path / "access.db")
    newer.execute("PRAGMA user_version = 999")
    newer.close()
    access = access_database(tmp_path)
    stage.stores = Stores(revocations=RevocationRecords(access))
    runner = create_runner(stage.app())
    with pytest.raises(GatewayError, match=r"access\.db"):
        await runner.setup()
    await runner.cleanup()
    await access.close()


@pytest.mark.parametrize(
    ("body", "status"),
    [({}, 400), ({"site": 1}, 400), ({"subject": "x" * 500}, 400), ({"site": "nowhere"}, 404)],
)
async def test_a_revocation_without_sense(door: Client, body: dict[str, Any], status: int) -> None:
    response = await door.post("/api/v1/revocations", json=body, headers=STAFF)
    assert response.status == status


async def test_events_end_with_the_ticket_that_opened_them(kept: Stage) -> None:
    kept.limits = replace(kept.limits, heartbeat_s=0.05)
    client = await browser(kept)
    response = await client.get("/api/v1/events", headers=bearer())
    stream = events_of(response)
    await anext(stream)
    await client.app[keys.REVOCATIONS].add(
        Revocation(site="tickets", subject=None, since=datetime.now(UTC).timestamp() + 1)
    )
    async for _ in stream:
        pass
    assert response.content.at_eof()
    await client.close()


async def test_a_site_that_is_closed_ends_its_plays(door: Client, kept: Stage) -> None:
    anybody, holder = await play(door, "open/yard"), await play(door, **bearer())
    machine = await play(door, "open/yard", **STAFF)
    for name in ("open", "tickets"):
        site = kept.sites[name]
        kept.sites[name] = replace(site, viewing=replace(site.viewing, access=Access.STAFF))
    await until(lambda: len(kept.cinema.plays) == 1)
    assert await state(door, anybody) == ("ended", "closed")
    assert await state(door, holder) == ("ended", "closed")
    assert await state(door, machine) == ("running", None)


async def test_an_account_that_is_gone_watches_no_more(kept: Stage) -> None:
    kept.settings = replace(kept.settings, accounts=(ANNA, TIMUR))
    page = await browser(kept)
    token = (await signed_in(page, "timur"))["csrf_token"]
    watched = await play(page, **{"X-CSRF-Token": token})
    elsewhere = Account("timur", AccountRole.TECHNICIAN, HASH, sites=("office",))
    kept.settings = replace(kept.settings, accounts=(ANNA, elsewhere))
    await until(lambda: not kept.cinema.plays)
    assert await state(page, watched) == ("ended", "closed")
    await page.close()


async def test_a_hard_stop_tells_the_player_and_the_audit(door: Client, kept: Stage) -> None:
    site = kept.sites["open"]
    kept.sites["open"] = replace(site, viewing=replace(site.viewing, max_watch_s=0.3))
    watched = await play(door, "open/yard", Origin="https://uk.example")
    before = await (await door.get(watched)).json()
    assert before["state"] == "running"
    assert before["until"] is not None
    await until(lambda: not kept.cinema.plays)
    assert await state(door, watched) == ("ended", "time_over")

    async def written() -> list[PastView]:
        return [row for row in await audited(kept) if row.ended is not None]

    (row,) = await until(written)
    assert row.reason == "time_over"
    assert row.view.website == "https://uk.example"
    assert row.view.play == ""


async def test_a_play_that_was_left_says_so_and_other_cameras_know_nothing(door: Client) -> None:
    watched = await play(door, "open/yard")
    name = watched.rpartition("/")[2]
    assert (await door.delete(f"/whep/open/yard/{name}")).status == 200
    await until(lambda: not door.app[keys.PLAYS].seats.running)
    assert await state(door, watched) == ("ended", "left")
    assert (await door.get(watched.replace("yard", "entrance-1"))).status == 404
    assert (await door.get(watched + "x")).status == 404


def leave(seats: Seats, play: str, reason: End) -> None:
    """Let a play begin and end."""
    view = View(
        play=play,
        site="a",
        camera="b",
        way=Way.PUBLIC,
        who="",
        address="",
        website="",
        started=0.0,
    )
    seat = Seat(view, "", asyncio.Future(), adopted=True, met=True, reason=reason)
    seats.take(seat)
    seat.over()
    seats.leave(seat)


async def test_the_ends_of_many_plays_fit_into_little_memory() -> None:
    seats = Seats(HandClock())
    for number in range(REMEMBERED + 10):
        leave(seats, f"left{number}", End.LEFT)
    assert seats.find("a", "b", "left9") is None
    assert isinstance(seats.find("a", "b", "left10"), Past), "a crowd's last words are all heard"
    for number in range(REMEMBERED + 10):
        leave(seats, f"p{number}", End.TIME_OVER)
    assert seats.find("a", "b", "p9") is None
    found = seats.find("a", "b", "p10")
    assert isinstance(found, Past)
    assert seats.find("a", "b", "p11") is found, "plays that ended alike share what is remembered"
    assert not seats.running


async def test_of_ordinary_ends_the_last_minutes_and_the_latest_are_remembered() -> None:
    seats = Seats(clock := HandClock())
    for number in range(ORDINARY + 50):
        leave(seats, f"p{number}", End.LEFT)
        clock.ahead += 0.1
    assert seats.find("a", "b", "p0"), "all of a minute"
    clock.ahead += ORDINARY_S
    leave(seats, "late", End.ENDED)
    assert seats.find("a", "b", "p50") is None
    assert seats.find("a", "b", "p51"), "the latest, however long ago"


async def test_a_hard_stop_survives_a_restart(door: Client, kept: Stage) -> None:
    site = kept.sites["open"]
    kept.sites["open"] = replace(site, viewing=replace(site.viewing, max_watch_s=3600))
    watched, endless = await play(door, "open/yard"), await play(door, "open/yard", **STAFF)
    await until_written(kept, 2)
    await door.close()
    assert len(kept.cinema.plays) == 2, "plays outlive the gateway"
    again = await browser(kept)
    assert await state(again, watched) == ("running", None)
    assert isinstance(kept.clock, HandClock)
    await again.close()
    kept.clock.ahead += 3601
    third = await browser(kept)
    await until(lambda: len(kept.cinema.plays) == 1)
    await until(lambda: len(third.app[keys.PLAYS]) == 1)
    assert await state(third, watched) == ("ended", "time_over")
    assert await state(third, endless) == ("running", None)
    await third.close()


async def test_tickets_can_be_withdrawn_from_plays_of_before_a_restart(
    door: Client, kept: Stage
) -> None:
    watched = await play(door, **bearer())
    await until_written(kept, 1)
    await door.close()
    again = await browser(kept)
    await revoke(again, subject="flat 7")
    await until(lambda: not kept.cinema.plays)
    await until(lambda: len(again.app[keys.PLAYS]) == 0)
    assert await state(again, watched) == ("ended", "revoked")
    await again.close()


async def test_no_row_stays_open_when_its_play_was_over_long_ago(door: Client, kept: Stage) -> None:
    await play(door, "open/yard")
    await play(door, "tickets/yard", **bearer())
    await until_written(kept, 2)
    await door.close()
    kept.cinema.plays.clear()
    kept.cinema.silent = True
    del kept.sites["tickets"]
    again = await browser(kept)
    await until(lambda: len(again.app[keys.PLAYS]) == 1)
    kept.cinema.silent = False
    await until(lambda: len(again.app[keys.PLAYS]) == 0)

    async def closed() -> bool:
        rows = await audited(kept)
        return {row.reason for row in rows} == {"lost"}

    await until(closed)
    await again.close()


async def test_a_viewer_of_before_a_restart_may_still_leave(door: Client, kept: Stage) -> None:
    watched = await play(door, "open/yard")
    await until_written(kept, 1)
    await door.close()
    again = await browser(kept)
    assert (await again.delete(f"/whep/open/yard/{watched.rpartition('/')[2]}")).status == 200
    await until(lambda: len(again.app[keys.PLAYS]) == 0)
    assert await state(again, watched) == ("ended", "left")
    await again.close()


def private(site: Site, *, now: bool) -> Site:
    """Give the camera ``yard`` privacy hours that cover this hour, or another one."""
    minute = datetime.now(UTC).hour * 60 + datetime.now(UTC).minute
    start = (minute - 60 if now else minute + 300) % 1440
    hours = PrivacyHours(start, (start + 120) % 1440)
    cameras = tuple(
        replace(camera, privacy_hours=(hours,)) if camera.id == "yard" else camera
        for camera in site.cameras
    )
    return replace(site, cameras=cameras, timezone="UTC")


async def test_nobody_watches_in_privacy_hours(door: Client, kept: Stage) -> None:
    jpeg = Picture(b"\xff\xd8\xff", datetime.now(UTC) - timedelta(hours=12))
    kept.album.pictures["open", "yard"] = jpeg
    poster = "/api/v1/sites/open/cameras/yard/poster.jpg"
    kept.sites["open"] = private(kept.sites["open"], now=False)
    watched, other = await play(door, "open/yard"), await play(door, "open/entrance-1")
    assert (await door.get(poster)).status == 200
    kept.sites["open"] = private(kept.sites["open"], now=True)
    await until(lambda: len(kept.cinema.plays) == 1)
    assert await state(door, watched) == ("ended", "privacy")
    assert await state(door, other) == ("running", None)
    for headers in (SDP, SDP | STAFF):
        response = await door.post("/whep/open/yard", data=OFFER, headers=headers)
        assert (await problem_of(response))["kind"] == "privacy"
        assert response.headers["Retry-After"] == "60"
    assert (await door.get(poster, headers=STAFF)).status == 503
    body = await (await door.get("/api/v1/sites/open", headers=STAFF)).json()
    yard = next(camera for camera in body["cameras"] if camera["id"] == "yard")
    assert (yard["poster"], yard["private"]) == (None, True)


async def test_a_picture_of_privacy_hours_is_never_shown(door: Client, kept: Stage) -> None:
    kept.album.pictures["open", "yard"] = Picture(
        b"\xff\xd8\xff", datetime.now(UTC) - timedelta(hours=12)
    )
    minute = (datetime.now(UTC).hour * 60 + datetime.now(UTC).minute + 720) % 1440
    hours = PrivacyHours((minute - 30) % 1440, (minute + 30) % 1440)
    site = private(kept.sites["open"], now=False)
    cameras = tuple(replace(camera, privacy_hours=(hours,)) for camera in site.cameras)
    kept.sites["open"] = replace(site, cameras=cameras)
    assert (await door.get("/api/v1/sites/open/cameras/yard/poster.jpg")).status == 404
    await play(door, "open/yard")


async def test_the_page_is_told_when_privacy_begins(kept: Stage) -> None:
    kept.limits = replace(kept.limits, heartbeat_s=0.05)
    client = await browser(kept)
    kept.sites["open"] = private(kept.sites["open"], now=False)
    stream = events_of(await client.get("/api/v1/events?site=open"))
    told: list[bool] = []
    async for kind, body in stream:
        if kind == "camera" and body["id"] == "yard":
            told.append(body["private"])
            kept.sites["open"] = private(kept.sites["open"], now=not body["private"])
        if len(told) == 3:
            break
    assert told == [False, True, False]
    await client.close()


async def until_written(stage: Stage, count: int) -> None:
    async def there() -> bool:
        return len(await audited(stage)) == count

    await until(there)
