"""A full building: a place in line for everybody who asks, and nobody overtakes."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from aiohttp import ClientResponse

from gateway.api.limits import Limits
from gateway.api.waiting import WaitingRoom, ask_again_s, gone_s
from gateway.model.errors import ErrorKind, GatewayError
from tests.rooms.api.people import Client, browser
from tests.rooms.api.stage import OFFER, SDP, STAFF, HandClock, Stage, problem_of


@pytest.fixture
async def door(stage: Stage) -> AsyncIterator[Client]:
    """Give a client at the doors of a gateway whose buildings take one viewer each."""
    stage.clock = HandClock()
    stage.cinema.places = 1
    client = await browser(stage)
    yield client
    await client.close()


async def ask(client: Client, token: str = "", site: str = "open") -> ClientResponse:
    query = f"?queue={token}" if token else ""
    return await client.post(f"/whep/{site}/yard{query}", data=OFFER, headers=SDP)


async def wait(client: Client, token: str = "", site: str = "open") -> tuple[int, str]:
    """Ask in vain; return the place in line and the token."""
    response = await ask(client, token, site)
    assert response.status == 503
    problem = await problem_of(response)
    assert problem["kind"] == "server_full"
    assert float(response.headers["Retry-After"]) >= 1
    return int(problem["place"]), str(problem["queue"])


async def test_who_came_first_gets_the_next_place(door: Client) -> None:
    seated = await ask(door)
    first, second = await wait(door), await wait(door)
    assert (first[0], second[0]) == (1, 2)
    assert first[1] != second[1]
    assert (await door.delete(seated.headers["Location"])).status == 200
    assert (await wait(door, second[1]))[0] == 2, "the place is free, and not theirs"
    assert (await wait(door))[0] == 3, "whoever comes now does not overtake either"
    assert (await ask(door, first[1])).status == 201
    assert await wait(door, second[1]) == (1, second[1])


async def test_the_sentence_tells_how_many_are_ahead(stage: Stage, door: Client) -> None:
    stage.cinema.places = 0
    details = [(await problem_of(await ask(door)))["detail"] for _ in range(3)]
    assert [detail.rpartition("carry. ")[2] for detail in details] == [
        "You are next.",
        "1 person is ahead of you.",
        "2 people are ahead of you.",
    ]


async def test_the_line_is_shown_to_prometheus(stage: Stage, door: Client) -> None:
    stage.cinema.places = 0
    for _ in range(2):
        await wait(door)
    text = await (await door.get("/metrics", headers=STAFF)).text()
    assert 'camera_gateway_viewers_waiting{site="open"} 2.0' in text


async def test_who_stops_asking_loses_the_place(stage: Stage, door: Client) -> None:
    stage.cinema.places = 0
    gone, stayed = await wait(door), await wait(door)
    assert isinstance(stage.clock, HandClock)
    stage.clock.ahead += gone_s(0) - 1
    assert await wait(door, stayed[1]) == (2, stayed[1])
    stage.clock.ahead += 2
    assert await wait(door, stayed[1]) == (1, stayed[1])
    assert (await wait(door, gone[1]))[0] == 2, "an old token is a newcomer's"


async def test_a_media_server_that_is_full_sends_into_the_line_too(
    stage: Stage, door: Client
) -> None:
    stage.cinema.places = None
    stage.cinema.error = GatewayError(ErrorKind.SERVER_FULL, "inside words", "inside hint")
    place, token = await wait(door)
    stage.cinema.error = None
    assert place == 1
    assert (await ask(door, token)).status == 201
    assert (await ask(door)).status == 201, "the line is empty again"


async def test_buildings_have_lines_of_their_own(stage: Stage, door: Client) -> None:
    await ask(door)
    await wait(door)
    stage.add(replace(stage.sites["open"], id="other"))
    assert (await ask(door, site="other")).status == 201


def test_the_room_is_bounded() -> None:
    limits = Limits(waiting_per_site=3, waiting_per_client=2)
    room = WaitingRoom(limits, HandClock())
    assert room.wait("s", "", "10.0.0.1")
    assert room.wait("s", "", "10.0.0.1")
    assert room.wait("s", "", "10.0.0.1") == "", "one address has its share"
    assert room.wait("s", "", "10.0.0.2")
    assert room.wait("s", "", "10.0.0.3") == "", "a site's line has an end"
    assert room.ahead("s", "unknown") == 3
    assert room.ahead("t", "") == 0


def test_those_far_behind_ask_less_often_and_soon_enough_to_keep_their_place() -> None:
    waits = [ask_again_s(ahead) for ahead in (0, 5, 50, 1000)]
    assert waits == sorted(waits)
    assert waits[0] < 5
    assert all(2 * ask_again_s(ahead) < gone_s(ahead) < 45 for ahead in (0, 5, 50, 1000))
