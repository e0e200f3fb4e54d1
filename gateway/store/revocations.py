"""Which tickets are void, so that a restart of the gateway revives none."""

import sqlite3
from collections.abc import Sequence

from gateway.model.access import Revocation
from gateway.store.database import Database


class RevocationRecords:
    """The table of revocations; an empty text stands for every site or every subject."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self) -> Sequence[Revocation]:
        """Return every revocation; raises GatewayError."""
        return await self._database.do(_load)

    async def save(self, revocation: Revocation) -> None:
        """Keep a revocation; an older one of the same kind only ever moves on."""
        row = (revocation.site or "", revocation.subject or "", revocation.since)
        await self._database.do(
            lambda connection: connection.execute(
                "INSERT INTO revocations VALUES (?, ?, ?) "
                "ON CONFLICT DO UPDATE SET since = max(since, excluded.since)",
                row,
            )
        )


def _load(connection: sqlite3.Connection) -> list[Revocation]:
    rows = connection.execute("SELECT site, subject, since FROM revocations")
    return [
        Revocation(site=site or None, subject=subject or None, since=since)
        for site, subject, since in rows
    ]
