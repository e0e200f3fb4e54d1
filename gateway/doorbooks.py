"""Opens the records that the doors keep: who watched, who is signed in, which tickets are void."""

from contextlib import AsyncExitStack
from pathlib import Path

from gateway.api.ports import Stores
from gateway.store.access import access_database
from gateway.store.audit import AuditRecords
from gateway.store.revocations import RevocationRecords
from gateway.store.sessions import SessionRecords


def open_stores(stack: AsyncExitStack, folder: Path) -> Stores:
    """Return the records in the data folder; ``stack`` closes them."""
    audit, access = AuditRecords(folder), access_database(folder)
    stack.push_async_callback(audit.close)
    stack.push_async_callback(access.close)
    return Stores(
        audit=audit, sessions=SessionRecords(access), revocations=RevocationRecords(access)
    )
