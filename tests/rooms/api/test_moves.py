"""Plays that have to move: told a few at a time, carried on elsewhere, ended at last."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.api import keys, tickets
from gateway.api.moves import PER_SECOND
from gateway.model.site import Scaling
from tests.rooms.api.people import Client, browser
from tests.rooms.api.stage import OFFER, SDP, TICKET_SECRET, HandClock, Stage
from tests.waiting import until

PLAYS = "/api/v1/sites/tickets/cameras/yard/plays/"


@pytest.fixture
async def door(stage: Stage) -> AsyncIterator[Client]:
    """Give a client at the doors of a building that may have several media servers."""
    stage.clock = HandClock()
    site = replace(stage.sites["tickets"], scaling=Scaling(max_servers=2))
    stage.add(site)
    client = await browser(stage)
    yield client
    await client.close()


def ticket(valid_s: int = 600) -> dict[str, str]:
    now = datetime.now(UTC)
    made = tickets.mint(TICKET_SECRET, now=now, sites=["tickets"], valid_s=valid_s, subject="flat")
    return {"Authorization": f"Bearer {made}"}


async def play(client: Client, query: str = "", **headers: str) -> str:
    """Watch a camera; return the play's id."""
    response = await client.post(f"/whep/tickets/yard{query}", data=OFFER, headers=SDP | headers)
    assert response.status == 201, await response.text()
    assert float(response.headers["Play-Ask-After"]) >= 1
    return response.headers["Location"].rpartition("/")[2]


async def play_open(client: Client) -> str:
    response = await client.post("/whep/open/yard", data=OFFER, headers=SDP)
    return response.headers["Location"].rpartition("/")[2]


async def state(client: Client, play_id: str) -> dict[str, Any]:
    found: dict[str, Any] = await (await client.get(PLAYS + play_id)).json()
    return found


async def test_a_play_moves_without_a_ticket_and_ends_when_it_would(
    stage: Stage, door: Client
) -> None:
    old = await play(door, **ticket())
    before = await state(door, old)
    assert before["move"] is False
    assert before["ask_after"] >= 1
    refused = await door.post(f"/whep/tickets/yard?moves={old}", data=OFFER, headers=SDP)
    assert refused.status == 404, "nobody has told it to move"
    stage.cinema.draining.add(old)
    await until(lambda: _moving(door, old))
    new = await play(door, f"?moves={old}")
    after = await state(door, new)
    assert after["until"] == before["until"]
    assert after["move"] is False
    again = await door.post(f"/whep/tickets/yard?moves={old}", data=OFFER, headers=SDP)
    assert again.status == 404, "it moves once"
    assert (await door.delete(f"/whep/tickets/yard/{old}")).status == 200
    ended = await state(door, old)
    assert (ended["state"], ended["reason"]) == ("ended", "moved")
    assert (await state(door, new))["state"] == "running"


async def test_who_does_not_move_is_ended_at_last(stage: Stage, door: Client) -> None:
    old = await play(door, **ticket())
    stage.cinema.draining.add(old)
    await until(lambda: _moving(door, old))
    assert isinstance(stage.clock, HandClock)
    stage.clock.ahead += 60

    async def over() -> bool:
        return (await state(door, old))["reason"] == "moved"

    await until(over)


async def test_a_few_are_told_in_a_second(stage: Stage) -> None:
    client = await browser(stage)
    plays = [await play_open(client) for _ in range(PER_SECOND + 1)]
    stage.cinema.draining.update(plays)
    seats = client.app[keys.PLAYS].seats.running

    def told() -> int:
        return sum(seats[one].moving for one in plays)

    assert await until(told) == PER_SECOND
    await until(lambda: told() == PER_SECOND + 1)
    await client.close()


async def test_a_drain_that_is_called_off_leaves_everybody_alone(
    stage: Stage, door: Client
) -> None:
    old = await play(door, **ticket())
    stage.cinema.draining.add(old)
    await until(lambda: _moving(door, old))
    stage.cinema.draining.clear()

    async def stays() -> bool:
        return not await _moving(door, old)

    await until(stays)
    assert isinstance(stage.clock, HandClock)
    stage.clock.ahead += 300
    assert (await state(door, old))["state"] == "running"


async def test_who_only_would_do_better_elsewhere_is_never_ended(
    stage: Stage, door: Client
) -> None:
    old = await play(door, **ticket())
    stage.cinema.uneasy.add(old)
    await until(lambda: _moving(door, old))
    assert isinstance(stage.clock, HandClock)
    stage.clock.ahead += 300
    other = await play(door, **ticket())
    stage.cinema.uneasy.add(other)
    await until(lambda: _moving(door, other))
    assert (await state(door, old))["state"] == "running"


async def _moving(client: Client, play_id: str) -> bool:
    return bool((await state(client, play_id))["move"])
