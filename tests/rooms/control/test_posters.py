"""Posters: taken soon after a camera is live, kept over a restart, retried after a failure."""

from datetime import UTC, datetime

import structlog

from gateway.control.posters import Posters, Schedule
from gateway.model.server import ServerSpec
from tests.rooms.control.world import Kept, camera, failure, fleet, kept, site
from tests.waiting import until


class MemoryStore:
    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], tuple[bytes, datetime]] = {}

    def load(self, site_id: str, camera_id: str) -> tuple[bytes, datetime] | None:
        return self.kept.get((site_id, camera_id))

    def save(self, site_id: str, camera_id: str, jpeg: bytes, taken: datetime) -> None:
        self.kept[site_id, camera_id] = (jpeg, taken)

    def forget(self, site_id: str) -> None:
        self.kept = {key: kept for key, kept in self.kept.items() if key[0] != site_id}


async def to_jpeg(png: bytes, width: int) -> bytes:
    return b"%b, %d wide" % (png, width)


def posters_of(world: Kept, store: MemoryStore, *, every: float = 0.05) -> Posters:
    return Posters(
        board=world.board,
        keeper=world.keeper,
        clients=world.world.clients,
        store=store,
        to_jpeg=to_jpeg,
        clock=world.world.clock,
        schedule=Schedule(every=every, look=0.01, share=0),
    )


async def test_a_live_camera_gets_a_picture_of_its_small_stream() -> None:
    world, store = kept(), MemoryStore()
    posters = posters_of(world, store, every=60)
    world.keeper.apply(fleet(site("s", camera("a", sub=True), camera("b"))))
    posters.start()
    await until(lambda: posters.get("s", "a") and posters.get("s", "b"))
    a, b = posters.get("s", "a"), posters.get("s", "b")
    assert a is not None
    assert b is not None
    assert (a.jpeg, b.jpeg) == (b"picture of s-a-sub, 960 wide", b"picture of s-b, 960 wide")
    assert set(store.kept) == {("s", "a"), ("s", "b")}
    assert posters.get("s", "nothing") is None
    await posters.close()
    await world.keeper.close()


async def test_the_last_picture_outlives_a_restart_and_a_dead_camera() -> None:
    world, store = kept(), MemoryStore()
    store.save("s", "a", b"of yesterday", datetime(2026, 5, 1, tzinfo=UTC))
    posters = posters_of(world, store)
    assert posters.get("s", "a") is None, "nothing is shown of a camera that nobody knows"
    world.keeper.apply(fleet(site("s", camera("a"))))
    await until(lambda: world.board.site("s"))
    poster = posters.get("s", "a")
    assert poster is not None
    assert poster.jpeg == b"of yesterday"
    await world.keeper.close()


async def test_a_picture_that_could_not_be_taken_is_tried_again() -> None:
    world, store = kept(), MemoryStore()
    posters = posters_of(world, store, every=0.01)
    world.keeper.apply(fleet(site("s", camera("a"))))
    posters.start()
    await until(lambda: posters.get("s", "a"))
    server = world.runtime.servers["s"]
    server.picture_trouble = failure()
    tries = server.calls["snapshot"]
    await until(lambda: server.calls["snapshot"] > tries)
    assert posters.get("s", "a"), "the last picture stays"
    server.picture_trouble = None
    old = posters.get("s", "a")
    await until(lambda: posters.get("s", "a") is not old)
    await posters.close()
    await world.keeper.close()


async def test_a_building_that_is_gone_leaves_no_picture() -> None:
    world, store = kept(), MemoryStore()
    posters = posters_of(world, store)
    posters.start()
    world.keeper.apply(fleet(site("s", camera("a")), site("t", camera("a"))))
    await until(lambda: len(store.kept) == 2)
    world.keeper.apply(fleet(site("t", camera("a"))))
    await until(lambda: set(store.kept) == {("t", "a")})
    await posters.close()
    await world.keeper.close()


async def test_an_unforeseen_error_does_not_end_the_pictures() -> None:
    world, store = kept(), MemoryStore()
    world.runtime.put(ServerSpec("s", "s"))
    world.runtime.servers["s"].picture_trouble = ZeroDivisionError()
    posters = posters_of(world, store)
    world.keeper.apply(fleet(site("s", camera("a"))))
    posters.start()
    with structlog.testing.capture_logs() as logs:
        await until(lambda: logs)
        world.runtime.servers["s"].picture_trouble = None
        await until(lambda: posters.get("s", "a"))
    await posters.close()
    await world.keeper.close()
