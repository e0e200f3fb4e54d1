"""What the board shows becomes history, and a crash leaves no hole that looks like a good night."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from gateway.control.board import Board
from gateway.control.chronicle import Chronicle
from gateway.kit.clock import SystemClock
from gateway.model.history import HistoryQuery, Span
from gateway.model.status import CameraState, CameraStatus, SiteState, SiteStatus
from gateway.model.text import LocalText
from gateway.store.history import HistoryRecords
from tests.waiting import until

SINCE = datetime(2026, 5, 5, tzinfo=UTC)


def site(**cameras: CameraState) -> SiteStatus:
    return SiteStatus(
        "lenina-12",
        LocalText.of("Lenina 12"),
        SiteState.OK,
        SINCE,
        tuple(CameraStatus(one, LocalText.of(one), state, SINCE) for one, state in cameras.items()),
    )


@dataclass
class HandClock(SystemClock):
    """The wall clock is the hand's; sleeping is real."""

    at: float = 1000.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.at, UTC)


@asynccontextmanager
async def kept(
    folder: Path, board: Board, clock: HandClock, days: int = 400
) -> AsyncIterator[tuple[Chronicle, HistoryRecords]]:
    records = HistoryRecords(folder)
    chronicle = Chronicle(board=board, store=records, clock=clock, days=lambda: days)
    await chronicle.start()
    yield chronicle, records
    await chronicle.close()
    await records.close()


async def rows(records: HistoryRecords, count: int) -> list[Span]:
    async def there() -> list[Span]:
        found = list(await records.spans(HistoryQuery(site="lenina-12")))
        return found if len(found) == count else []

    return await until(there)


async def test_states_follow_one_another(tmp_path: Path) -> None:
    board, clock = Board(), HandClock()
    async with kept(tmp_path, board, clock) as (_, records):
        board.publish(site(yard=CameraState.LIVE))
        await rows(records, 1)
        clock.at = 1060
        board.publish(site(yard=CameraState.SILENT))
        newest, oldest = await rows(records, 2)
    assert (oldest.state, oldest.began, oldest.ended) == (CameraState.LIVE, 1000, 1060)
    assert (newest.state, newest.began, newest.ended) == (CameraState.SILENT, 1060, None)


async def test_what_is_the_same_is_not_written_twice(tmp_path: Path) -> None:
    board, clock = Board(), HandClock()
    async with kept(tmp_path, board, clock) as (_, records):
        board.publish(site(yard=CameraState.LIVE))
        status = site(yard=CameraState.LIVE, gate=CameraState.IDLE)
        yard = replace(status.cameras[0], viewers=3)
        board.publish(replace(status, cameras=(yard, status.cameras[1])))
        assert {one.camera for one in await rows(records, 2)} == {"yard", "gate"}


async def test_a_removed_camera_and_a_removed_site_end(tmp_path: Path) -> None:
    board, clock = Board(), HandClock()
    async with kept(tmp_path, board, clock) as (_, records):
        board.publish(site(yard=CameraState.LIVE, gate=CameraState.LIVE))
        await rows(records, 2)
        clock.at = 1010

        async def over() -> int:
            found = await records.spans(HistoryQuery(site="lenina-12"))
            return sum(one.ended is not None for one in found)

        board.publish(site(yard=CameraState.LIVE))
        await until(lambda: _is(over, 1))
        board.forget("lenina-12")
        await until(lambda: _is(over, 2))


async def _is(count: object, wanted: int) -> bool:
    return await count() == wanted  # type: ignore[operator]  # a coroutine function


async def test_a_stop_ends_what_is_open_and_a_crash_does_at_the_last_sign_of_life(
    tmp_path: Path,
) -> None:
    board, clock = Board(), HandClock()
    records = HistoryRecords(tmp_path)
    records.begin(Span("lenina-12", "yard", CameraState.LIVE, "", 500.0))
    records.alive(530.0)
    await records.close()  # as after a crash: the span is open
    clock.at = 9000
    async with kept(tmp_path, board, clock) as (chronicle, records):
        (crashed,) = await rows(records, 1)
        assert crashed.ended == 530.0
        board.publish(site(yard=CameraState.LIVE))
        await rows(records, 2)
        clock.at = 9100
        await chronicle.close()
        newest, _ = await rows(records, 2)
        await until(lambda: _ended(records, 9100))
    assert newest.began == 9000


async def _ended(records: HistoryRecords, at: float) -> bool:
    return (await records.spans(HistoryQuery(site="lenina-12")))[0].ended == at


async def test_old_history_goes(tmp_path: Path) -> None:
    records = HistoryRecords(tmp_path)
    records.begin(Span("lenina-12", "yard", CameraState.LIVE, "", 0.0))
    records.begin(Span("lenina-12", "yard", CameraState.SILENT, "", 100.0))
    records.alive(100 + 2 * 86_400.0)
    await records.close()
    board, clock = Board(), HandClock(at=100 + 3 * 86_400.0)
    async with kept(tmp_path, board, clock, days=2) as (_, records):
        (kept_one,) = await rows(records, 1)
    assert kept_one.state is CameraState.SILENT
