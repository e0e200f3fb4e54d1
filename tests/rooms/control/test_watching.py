"""Plays: which stream, which errors, and how they end."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import pytest

from gateway.control.watching import Watching
from gateway.model.company import Fleet
from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.site import Pull
from tests.rooms.control.world import Kept, camera, fleet, kept, site
from tests.waiting import until


@dataclass
class House:
    world: Kept
    watching: Watching
    fleet: Fleet


@pytest.fixture
async def house() -> AsyncIterator[House]:
    world = kept()
    one = fleet(
        site(
            "s",
            camera("a", sub=True),
            camera("b"),
            camera("later", pull=Pull.ON_DEMAND),
            replace(camera("off"), enabled=False),
        )
    )
    watching = Watching(
        fleet=lambda: one,
        keeper=world.keeper,
        clients=world.world.clients,
        demand=world.world.demand,
        clock=world.world.clock,
    )
    world.keeper.start()
    world.keeper.apply(one)
    await until(lambda: world.states("s").get("a") == "live")
    yield House(world, watching, one)
    await watching.close()
    await world.keeper.close()


async def refused(house: House, site_id: str, camera_id: str) -> ErrorKind:
    with pytest.raises(GatewayError) as caught:
        await house.watching.play(site_id, camera_id, "offer", low=False)
    return caught.value.kind


async def test_low_means_the_small_stream_where_there_is_one(house: House) -> None:
    for camera_id, low in (("a", True), ("a", False), ("b", True)):
        await house.watching.play("s", camera_id, "offer", low=low)
    viewers = house.world.runtime.servers["s"].viewers
    assert [name for name, _ in viewers.values()] == ["s-a-sub", "s-a", "s-b"]


async def test_what_cannot_be_watched_is_said(house: House) -> None:
    assert await refused(house, "s", "nothing") is ErrorKind.NOT_FOUND
    assert await refused(house, "t", "a") is ErrorKind.NOT_FOUND
    assert await refused(house, "s", "off") is ErrorKind.CAMERA_OFFLINE
    house.world.runtime.servers["s"].broken = GatewayError(ErrorKind.NOT_FOUND, "no stream")
    assert await refused(house, "s", "a") is ErrorKind.CAMERA_OFFLINE, (
        "it is known, so it will come"
    )
    house.world.runtime.servers["s"].broken = GatewayError(ErrorKind.SERVER_FULL, "full")
    assert await refused(house, "s", "a") is ErrorKind.SERVER_FULL


async def test_a_play_ends_once_for_its_own_camera_only(house: House) -> None:
    handle = await house.watching.play("s", "a", "offer", low=False)
    assert handle.answer == "answer to offer"
    assert not await house.watching.stop("s", "b", handle.id)
    assert await house.watching.stop("s", "a", handle.id)
    assert handle.ended.result() == "Stopped by user"
    await until(lambda: len(house.watching) == 0)
    assert not await house.watching.stop("s", "a", handle.id)


async def test_a_play_of_before_a_restart_is_found_on_the_server(house: House) -> None:
    server = house.world.runtime.servers["s"]
    old = await server.play("s-a", "offer")
    assert not await house.watching.stop("s", "b", old.id)
    assert not await house.watching.stop("s", "a", "in-s-a"), "an ingest is nobody's play"
    assert await house.watching.stop("s", "a", old.id)
    assert old.ended.done()


async def test_a_viewer_who_vanishes_is_forgotten(house: House) -> None:
    handle = await house.watching.play("s", "a", "offer", low=False)
    assert len(house.watching) == 1
    assert await house.world.runtime.servers["s"].stop_viewer(handle.id)
    await until(lambda: len(house.watching) == 0)


async def test_an_on_demand_camera_is_pulled_for_its_viewer(house: House) -> None:
    assert house.world.states("s")["later"] == "idle"
    handle = await house.watching.play("s", "later", "offer", low=False)
    await until(lambda: house.world.states("s")["later"] == "live")
    # It stays while somebody watches, for longer than it lingers.
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await until(lambda: loop.time() > begun + 2 * house.world.world.demand.linger_s)
    assert house.world.states("s")["later"] == "live"
    await house.watching.stop("s", "later", handle.id)
    await until(lambda: house.world.states("s")["later"] == "idle")


async def test_a_server_that_is_gone_is_looked_for_at_once(house: House) -> None:
    server = house.world.runtime.servers["s"]
    server.broken = GatewayError(ErrorKind.SERVER_NOT_READY, "it is gone")
    assert await refused(house, "s", "a") is ErrorKind.SERVER_NOT_READY
    await until(lambda: house.world.states("s")["a"] == "waiting")
    assert await refused(house, "s", "a") is ErrorKind.SERVER_NOT_READY


async def test_viewers_do_not_hear_where_a_media_server_is_driven_from(house: House) -> None:
    server = house.world.runtime.servers["s"]
    for kind in (ErrorKind.SERVER_NOT_READY, ErrorKind.SERVER_BAD_ANSWER):
        server.refuses = GatewayError(kind, "the media server at http://10.9.9.9:8081 is silent")
        with pytest.raises(GatewayError) as caught:
            await house.watching.play("s", "a", "offer", low=False)
        assert caught.value.kind is ErrorKind.SERVER_NOT_READY
        assert "10.9.9.9" not in str(caught.value)
    server.refuses = GatewayError(ErrorKind.SERVER_FULL, "it serves as many as it may")
    with pytest.raises(GatewayError, match="as many as it may"):
        await house.watching.play("s", "a", "offer", low=False)
