"""From the board to a real webhook, once, also over a restart."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gateway.control.announcer import Announcer
from gateway.control.board import Board
from gateway.kit.clock import SystemClock
from gateway.model.company import Fleet, Settings
from gateway.model.notify import Notifications, Webhook
from gateway.model.status import CameraState
from gateway.notify.post import Post
from gateway.store.told import FILE, ToldFile
from tests.rooms.control.test_outages import site
from tests.rooms.notify.test_post import Inbox, inbox
from tests.waiting import until


@dataclass
class FastClock(SystemClock):
    """Each sleep of the announcer is five of its seconds, and no time of ours."""

    at: float = 1_800_000_000.0
    looks: int = 0

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.at, UTC)

    async def sleep(self, seconds: float) -> None:
        self.at += seconds
        self.looks += 1
        await super().sleep(0.001)


@asynccontextmanager
async def announced(
    folder: Path, board: Board, clock: FastClock, box: Inbox
) -> AsyncIterator[None]:
    rules = Notifications((Webhook(f"{box.url}/hook"),), language="en")
    post = Post()
    announcer = Announcer(
        board=board,
        fleet=lambda: Fleet(Settings(notifications=rules), {}),
        messenger=post,
        store=ToldFile(folder),
        clock=clock,
    )
    await announcer.start()
    try:
        yield
    finally:
        await announcer.close()
        await post.close()


async def test_an_outage_reaches_people_once(tmp_path: Path) -> None:
    board, clock = Board(), FastClock()
    board.publish(site(yard=CameraState.SILENT))
    async with inbox() as box:
        async with announced(tmp_path, board, clock, box):
            await until(lambda: box.got)
            await until((tmp_path / FILE).exists)
        looks = clock.looks
        async with announced(tmp_path, board, clock, box):
            await until(lambda: clock.looks > looks + 100)
            assert len(box.got) == 1, "a restart has told it again"
            board.publish(site(yard=CameraState.LIVE))
            await until(lambda: len(box.got) == 2)
    assert b"outage.ended" in box.got[1][2]


async def test_a_broken_file_is_no_reason_not_to_start(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('{"a": [1')
    assert ToldFile(tmp_path).load() == {}
    (tmp_path / FILE).write_text('{"a": {"b": "c"}}')
    assert ToldFile(tmp_path).load() == {}
