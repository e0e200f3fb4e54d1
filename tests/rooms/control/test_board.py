"""The board: what is told, and that a slow reader costs nothing."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

from gateway.control.board import Board, BoardEvent
from gateway.model.status import CameraState, CameraStatus, SiteState, SiteStatus
from tests.rooms.control.world import NAME

NOW = datetime(2026, 5, 1, tzinfo=UTC)
A = CameraStatus("a", NAME, CameraState.LIVE, NOW)
B = CameraStatus("b", NAME, CameraState.IDLE, NOW)
SITE = SiteStatus("s", NAME, SiteState.OK, NOW, (A, B))


async def read(board: Board, *changes: SiteStatus | str) -> list[BoardEvent]:
    """Make changes while nobody reads, then read all there is."""
    with board.subscribe() as events:
        for change in changes:
            if isinstance(change, str):
                board.forget(change)
            else:
                board.publish(change)
        found: list[BoardEvent] = []
        try:
            async with asyncio.timeout(0.05):
                while True:
                    found.append(await anext(events))
        except TimeoutError:
            return found


def kinds(events: list[BoardEvent]) -> list[str]:
    return [f"{one.kind} {one.camera.id if one.camera else one.site_id}" for one in events]


async def test_a_new_site_is_told_with_its_cameras() -> None:
    board = Board()
    assert kinds(await read(board, SITE)) == ["site s", "camera a", "camera b"]
    assert board.site("s") == SITE
    assert list(board.sites()) == [SITE]


async def test_only_what_differs_is_told() -> None:
    board = Board()
    board.publish(SITE)
    assert await read(board, SITE) == []
    watched = replace(SITE, cameras=(replace(A, viewers=1), B))
    assert kinds(await read(board, watched)) == ["camera a"]
    silent = replace(SITE, cameras=(replace(A, state=CameraState.SILENT), B))
    assert kinds(await read(board, silent)) == ["site s", "camera a"]
    fewer = replace(silent, cameras=silent.cameras[:1])
    assert kinds(await read(board, fewer)) == ["site s"]


async def test_a_slow_reader_gets_the_newest_of_each_thing() -> None:
    board = Board()
    board.publish(SITE)
    changes = [replace(SITE, cameras=(replace(A, viewers=n), B)) for n in range(1, 1000)]
    events = await read(board, *changes)
    assert [one.camera.viewers for one in events if one.camera] == [999]


async def test_a_site_that_is_gone_leaves_one_word() -> None:
    board = Board()
    assert kinds(await read(board, SITE, "s")) == ["gone s"]
    assert kinds(await read(board, SITE, "s", SITE)) == ["site s", "camera a", "camera b"]
    assert kinds(await read(board, "unknown")) == []


async def test_every_subscriber_reads_for_itself() -> None:
    board = Board()
    with board.subscribe() as one, board.subscribe() as other:
        board.publish(replace(SITE, cameras=()))
        assert (await anext(one)).kind == "site"
        assert (await anext(other)).kind == "site"
