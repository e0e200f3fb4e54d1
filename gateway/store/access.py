"""``access.db``: who is signed in and which tickets are void."""

from pathlib import Path
from typing import Final

from gateway.store.database import Database

FILE: Final = "access.db"
_MIGRATIONS: Final = (
    """
    CREATE TABLE sessions (
        id TEXT PRIMARY KEY, account TEXT NOT NULL, proof TEXT NOT NULL,
        began REAL NOT NULL, used REAL NOT NULL
    );
    CREATE TABLE revocations (
        site TEXT NOT NULL, subject TEXT NOT NULL, since REAL NOT NULL,
        PRIMARY KEY (site, subject)
    )
    """,
)


def access_database(folder: Path | None) -> Database:
    """Return the database in ``folder``; ``None`` keeps it in memory."""
    return Database(None if folder is None else folder / FILE, _MIGRATIONS)
