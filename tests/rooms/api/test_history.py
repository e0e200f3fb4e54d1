"""The history for staff: spans, availability, a table; nothing for anybody else."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.api.ports import Stores
from gateway.model.history import Span
from gateway.model.status import CameraState
from gateway.store.history import HistoryRecords
from tests.rooms.api.people import ANNA, Client, browser
from tests.rooms.api.stage import STAFF, Stage, problem_of
from tests.waiting import until

BEGAN = 1_767_225_600.0  # 2026-01-01T00:00:00Z


@pytest.fixture
async def door(stage: Stage, tmp_path: Path) -> AsyncIterator[Client]:
    records = HistoryRecords(tmp_path)
    stage.stores = Stores(history=records)
    stage.settings = replace(stage.settings, accounts=(ANNA,))
    records.begin(Span("open", "yard", CameraState.LIVE, "", BEGAN))
    records.begin(Span("open", "yard", CameraState.SILENT, "=no power", BEGAN + 5400))
    records.end("open", "yard", BEGAN + 7200)
    records.begin(Span("tickets", "yard", CameraState.LIVE, "", BEGAN))
    client = await browser(stage)
    yield client
    await client.close()
    await records.close()


async def test_spans_newest_first(door: Client) -> None:
    async def spans() -> list[dict[str, str]]:
        response = await door.get("/api/v1/sites/open/history", headers=STAFF)
        assert response.status == 200
        found = (await response.json())["spans"]
        return list(found) if len(found) == 2 else []

    newest, oldest = await until(spans)
    assert newest == {
        "camera": "yard",
        "state": "silent",
        "reason": "=no power",
        "from": "2026-01-01T01:30:00Z",
        "to": "2026-01-01T02:00:00Z",
    }
    assert oldest["state"] == "live"


async def test_availability_and_its_table(door: Client) -> None:
    async def months() -> list[dict[str, object]]:
        response = await door.get("/api/v1/sites/open/availability", headers=STAFF)
        found = (await response.json())["months"]
        return list(found) if found and found[0]["watched_s"] == 7200 else []

    assert await until(months) == [
        {
            "camera": "yard",
            "month": "2026-01",
            "availability": 0.75,
            "available_s": 5400,
            "watched_s": 7200,
            "outages": 1,
        }
    ]
    response = await door.get("/api/v1/sites/open/availability.csv", headers=STAFF)
    assert response.content_type == "text/csv"
    assert (await response.text()).splitlines()[1] == "yard,2026-01,0.75,5400,7200,1"


@pytest.mark.parametrize("path", ["history", "availability", "availability.csv"])
async def test_nobody_else_reads_it(door: Client, path: str) -> None:
    response = await door.get(f"/api/v1/sites/open/{path}")
    assert response.status == 401
    await problem_of(response)
    assert (await door.get(f"/api/v1/sites/nowhere/{path}", headers=STAFF)).status == 404


async def test_a_bad_question_is_answered_in_words(door: Client) -> None:
    for query in ("from=yesterday", "limit=0", "limit=1e3"):
        response = await door.get(f"/api/v1/sites/open/history?{query}", headers=STAFF)
        assert response.status == 400
        await problem_of(response)
