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


# Nobody knows any more which tickets were withdrawn: until websites mint new ones, none is good.
_NO_TICKET: Final = "INSERT INTO revocations VALUES ('', '', strftime('%s', 'now') + 1)"


def access_database(folder: Path | None) -> Database:
    """Return the database in ``folder``; ``None`` keeps it in memory."""
    path = None if folder is None else folder / FILE
    return Database(path, _MIGRATIONS, instead=_NO_TICKET)
