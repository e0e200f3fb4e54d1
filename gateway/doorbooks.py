"""Opens the records that the doors keep or show: who watched, who is signed in, what happened."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

from gateway.api.ports import Stores
from gateway.control.board import Board
from gateway.control.chronicle import Chronicle
from gateway.kit.clock import SystemClock
from gateway.kit.measures import Measures
from gateway.store.access import access_database
from gateway.store.audit import AuditRecords
from gateway.store.history import HistoryRecords
from gateway.store.revocations import RevocationRecords
from gateway.store.sessions import SessionRecords


async def keep_history(
    stack: AsyncExitStack,
    folder: Path,
    *,
    board: Board,
    days: Callable[[], int],
    measures: Measures,
) -> HistoryRecords:
    """Write down what happens on the board from now on; ``stack`` ends it."""
    records = HistoryRecords(folder)
    measures.level("queue_length", lambda: records.waiting, queue="history")
    stack.push_async_callback(records.close)
    chronicle = Chronicle(board=board, store=records, clock=SystemClock(), days=days)
    stack.push_async_callback(chronicle.close)
    await chronicle.start()
    return records


def open_stores(
    stack: AsyncExitStack, folder: Path, history: HistoryRecords, *, measures: Measures
) -> Stores:
    """Return the records in the data folder; ``stack`` closes them."""
    audit, access = AuditRecords(folder), access_database(folder)
    measures.level("queue_length", lambda: audit.waiting, queue="audit")
    stack.push_async_callback(audit.close)
    stack.push_async_callback(access.close)
    return Stores(
        audit=audit,
        sessions=SessionRecords(access),
        revocations=RevocationRecords(access),
        history=history,
    )
