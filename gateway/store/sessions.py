"""The signed-in browsers, so that a restart of the gateway signs nobody out."""

import sqlite3
from collections.abc import Sequence

from gateway.model.access import SessionRecord
from gateway.store.database import Database


class SessionRecords:
    """The table of sessions; only hashes of cookies are kept."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self) -> Sequence[SessionRecord]:
        """Return every session; raises GatewayError."""
        return await self._database.do(_load)

    async def save(self, record: SessionRecord) -> None:
        """Keep a session, a new one or one that was used again; raises GatewayError."""
        row = (record.id, record.account, record.proof, record.began, record.used)
        await self._database.do(
            lambda connection: connection.execute(
                "INSERT OR REPLACE INTO sessions VALUES (?, ?, ?, ?, ?)", row
            )
        )

    async def remove(self, ids: Sequence[str]) -> None:
        """Forget sessions; raises GatewayError."""
        await self._database.do(
            lambda connection: connection.executemany(
                "DELETE FROM sessions WHERE id = ?", [(one,) for one in ids]
            )
        )


def _load(connection: sqlite3.Connection) -> list[SessionRecord]:
    rows = connection.execute("SELECT id, account, proof, began, used FROM sessions")
    return [
        SessionRecord(id=one, account=account, proof=proof, began=began, used=used)
        for one, account, proof, began, used in rows
    ]
