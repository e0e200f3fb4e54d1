"""Metrics: who reads them, what they say, and that a browser's numbers only ever add up."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway.api import keys
from gateway.control.facts import Facts, ServerFacts
from gateway.kit.measures import BOUNDS, Measures
from gateway.model.company import Problem, Severity
from gateway.model.probe import Playable
from gateway.model.server import Role, ServerObserved, ServerState, ServerStats
from gateway.model.status import Checked
from tests.rooms.api.people import ANNA, Client, browser
from tests.rooms.api.stage import OFFER, SDP, STAFF, Stage, problem_of

OBSERVED = ServerObserved(
    "open", "open", Role.ORIGIN, ServerState.RUNNING, "f", datetime(2026, 5, 5, tzinfo=UTC)
)


@pytest.fixture
async def door(stage: Stage) -> AsyncIterator[Client]:
    stage.settings = replace(stage.settings, accounts=(ANNA,))
    client = await browser(stage)
    yield client
    await client.close()


async def read(client: Client) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    response = await client.get("/metrics", headers=STAFF)
    assert response.status == 200
    return {
        (sample.name.removeprefix("camera_gateway_"), tuple(sorted(sample.labels.items()))): (
            sample.value
        )
        for family in text_string_to_metric_families(await response.text())
        for sample in family.samples
    }


async def test_only_administrators_read_them(door: Client) -> None:
    response = await door.get("/metrics")
    assert response.status == 401
    await problem_of(response)


async def test_buildings_cameras_and_servers_are_counted(door: Client) -> None:
    found = await read(door)
    assert found["sites", (("state", "ok"),)] >= 1
    assert found["cameras", (("site", "open"), ("state", "live"))] == 2
    assert found["cameras", (("site", "open"), ("state", "failed"))] == 0
    assert found["servers", (("role", "origin"), ("site", "open"), ("state", "running"))] == 1
    assert found["loops_stalled", ()] == 0
    assert found["process_resident_memory_bytes", ()] > 0


async def test_viewers_load_verdicts_and_mistakes_are_told(door: Client, stage: Stage) -> None:
    seen = stage.board.site("open")
    assert seen is not None
    [origin], [entrance, yard] = seen.servers, seen.cameras
    edge = replace(origin, id="open.edge1", role=Role.EDGE, viewers=30, cpu=0.25)
    when = datetime(2026, 5, 5, tzinfo=UTC)
    judged = Checked(Playable.SOMEWHERE, "plays in some browsers only", "H.264", when)
    stage.board.publish(
        replace(
            seen,
            servers=(replace(origin, viewers=12, cpu=0.5), edge),
            cameras=(replace(entrance, checked=judged), yard),
        )
    )
    stage.problems = (
        Problem("a.yaml", 1, "name", "is missing"),
        Problem("a.yaml", 2, "rtsp", "is malformed"),
        Problem("b.yaml", 3, "scaling", "is more than there is", Severity.WARNING),
    )
    found = await read(door)
    assert found["viewers", (("site", "open"),)] == 42
    assert found["viewers", (("site", "office"),)] == 0
    assert found["server_cpu_ratio", (("server", "open"), ("site", "open"))] == 0.5
    assert found["server_cpu_ratio", (("server", "open.edge1"), ("site", "open"))] == 0.25
    assert ("server_cpu_ratio", (("server", "office"), ("site", "office"))) not in found
    assert found["verdicts", (("playable", "somewhere"),)] == 1
    assert found["verdicts", (("playable", "everywhere"),)] == 0
    unknown = found["verdicts", (("playable", "unknown"),)]
    assert unknown == sum(len(site.cameras) for site in stage.sites.values()) - 1
    assert found["config_problems", (("severity", "error"),)] == 2
    assert found["config_problems", (("severity", "warning"),)] == 1


async def test_what_media_servers_count_is_passed_on(door: Client, stage: Stage) -> None:
    stats = ServerStats({"engine_packets": 12345.0, "engine_nacks": 7.0})
    stage.facts["open"] = Facts("open", (ServerFacts(OBSERVED, asked=True, stats=stats),))
    found = await read(door)
    where = (("server", "open"), ("site", "open"))
    assert found["media_packets_total", where] == 12345
    assert found["media_nacks_total", where] == 7


async def test_what_was_measured_is_shown_in_classes(door: Client) -> None:
    measures: Measures = door.app[keys.MEASURES]
    for seconds in (0.005, 0.3, 0.4, 100.0):
        measures.took("cycle_seconds", seconds)
    measures.count("steps", kind="create", result="done")
    measures.count("steps", 2, kind="pull", result="failed")
    found = await read(door)
    assert found["cycle_seconds_bucket", (("le", "0.01"),)] == 1
    assert found["cycle_seconds_bucket", (("le", "0.5"),)] == 3
    assert found["cycle_seconds_bucket", (("le", str(BOUNDS[-1])),)] == 3
    assert found["cycle_seconds_count", ()] == 4
    assert found["steps_total", (("kind", "pull"), ("result", "failed"))] == 2


async def test_what_waits_is_asked_for_at_the_moment(door: Client) -> None:
    measures: Measures = door.app[keys.MEASURES]
    lengths = {"looks": 3, "messages": 0}
    measures.level("queue_length", lambda: lengths["looks"], queue="looks")
    measures.level("queue_length", lambda: lengths["messages"], queue="messages")
    assert (await read(door))["queue_length", (("queue", "looks"),)] == 3
    lengths["looks"] = 1
    found = await read(door)
    assert found["queue_length", (("queue", "looks"),)] == 1
    assert found["queue_length", (("queue", "messages"),)] == 0
    assert found["tasks", ()] >= 1


async def test_a_browser_tells_what_it_saw(door: Client) -> None:
    beacon = await played(door)
    said = {"first_frame_s": 0.21, "played_s": 30, "freezes": 1, "frozen_s": 0.5}
    assert (await send(door, beacon, said)).status == 204
    assert (await send(door, beacon, {"played_s": 10})).status == 204
    found = await read(door)
    assert found["player_plays_total", ()] == 1
    assert found["player_seconds_total", ()] == 40
    assert found["player_freezes_total", ()] == 1
    assert found["player_first_frame_seconds_bucket", (("le", "0.25"),)] == 1
    assert found["plays", ()] == 1


async def test_nobody_shifts_the_sums_by_himself(door: Client) -> None:
    beacon = await played(door)
    for _ in range(200):
        assert (await send(door, beacon, {"freezes": 100})).status == 204
    assert (await read(door))["player_freezes_total", ()] == 3000
    assert (await send(door, beacon.replace("/plays/", "/plays/x"), {})).status == 404


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"{",
        b'{"freezes": -1}',
        b'{"freezes": 1e99}',
        b'{"freezes": NaN}',
        b'{"freezes": true}',
        b'{"freezes": "1"}',
        b'{"who": 1}',
        b"[" * 400,
    ],
)
async def test_other_things_than_numbers_are_refused(door: Client, body: bytes) -> None:
    beacon = await played(door)
    response = await door.post(beacon, data=body, headers={"Content-Type": "text/plain"})
    assert response.status == 400
    await problem_of(response)


async def played(client: Client) -> str:
    response = await client.post("/whep/open/yard", data=OFFER, headers=SDP)
    assert response.status == 201
    play = response.headers["Location"].rpartition("/")[2]
    return f"/api/v1/sites/open/cameras/yard/plays/{play}/beacon"


async def send(client: Client, beacon: str, numbers: dict[str, Any]) -> Any:
    return await client.post(
        beacon, data=json.dumps(numbers), headers={"Content-Type": "text/plain"}
    )
