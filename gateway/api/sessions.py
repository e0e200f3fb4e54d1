"""Signed-in browsers: an unguessable cookie each, kept here and ended here.

Only the cookie's hash is kept, so that whoever reads the records cannot sign in with them.
"""

import hashlib
import hmac
import secrets
from collections.abc import Awaitable
from dataclasses import replace
from typing import Final

import structlog

from gateway.api.ports import SessionStore
from gateway.kit.clock import Clock
from gateway.kit.tasks import Tasks
from gateway.model.access import SessionRecord
from gateway.model.company import Account
from gateway.model.errors import GatewayError

SECURE_COOKIE: Final = "__Host-session"
"""Browsers take this name only over https, for the whole host and for no other (RFC 6265bis)."""

PLAIN_COOKIE: Final = "session"
COOKIES: Final = (SECURE_COOKIE, PLAIN_COOKIE)

IDLE_S: Final = 2 * 3600.0
"""Seconds without a request after which a session ends."""

LONGEST_S: Final = 12 * 3600.0
MAX_PER_ACCOUNT: Final = 20
MAX_SESSIONS: Final = 10_000
_SAVE_EVERY_S: Final = 60.0
_TOKEN_BYTES: Final = 32
_MAX_COOKIE: Final = 128


class Sessions:
    """All sessions, in memory for every request and in the store for the next start."""

    def __init__(self, store: SessionStore | None, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._open: dict[str, SessionRecord] = {}
        self._saved: dict[str, float] = {}
        self._tasks = Tasks("sessions")
        self._log = structlog.get_logger("api")

    def __len__(self) -> int:
        return len(self._open)

    async def load(self) -> None:
        """Read the sessions of before a restart; raises GatewayError."""
        if self._store is not None:
            for record in await self._store.load():
                self._open[record.id] = record
                self._saved[record.id] = record.used
            await self._sweep()

    async def open(self, account: Account) -> str:
        """Sign an account in; return the cookie's value, which was never used before."""
        await self._sweep()
        await self._make_room(account.name)
        token, now = secrets.token_urlsafe(_TOKEN_BYTES), self._now()
        record = SessionRecord(
            id=_id(token), account=account.name, proof=proof_of(account), began=now, used=now
        )
        self._open[record.id] = record
        await self._save(record)
        return token

    def find(self, cookie: str) -> SessionRecord | None:
        """Return the session of a cookie, and count it as used."""
        record = self._open.get(_id(cookie)) if len(cookie) <= _MAX_COOKIE else None
        if record is None or self._over(record):
            return None
        now = self._now()
        record = replace(record, used=max(now, record.used))
        self._open[record.id] = record
        if now - self._saved.get(record.id, 0.0) > _SAVE_EVERY_S:
            self._saved[record.id] = now
            self._tasks.spawn(self._save(record), "save")
        return record

    def alive(self, session_id: str) -> bool:
        """Tell whether a session is not over; does not count as use."""
        record = self._open.get(session_id)
        return record is not None and not self._over(record)

    async def end(self, session_id: str) -> None:
        """Sign a session out."""
        await self._remove([session_id])

    async def close(self) -> None:
        """Finish what is being written."""
        await self._tasks.close()

    async def _sweep(self) -> None:
        await self._remove([item.id for item in self._open.values() if self._over(item)])

    async def _make_room(self, account: str) -> None:
        """End the oldest sessions of an account, or of all, that has as many as it may have."""
        own = sorted(
            (item for item in self._open.values() if item.account == account),
            key=lambda item: item.used,
        )
        gone = own[: max(0, len(own) - MAX_PER_ACCOUNT + 1)]
        if not gone and len(self._open) >= MAX_SESSIONS:
            gone = [min(self._open.values(), key=lambda item: item.used)]
        await self._remove([item.id for item in gone])

    async def _remove(self, ids: list[str]) -> None:
        for one in ids:
            self._open.pop(one, None)
            self._saved.pop(one, None)
        if ids and self._store is not None:
            await self._kept(self._store.remove(ids))

    async def _save(self, record: SessionRecord) -> None:
        self._saved[record.id] = record.used
        if self._store is not None:
            await self._kept(self._store.save(record))

    async def _kept(self, writing: Awaitable[None]) -> None:
        """Await the store; staff must get in to repair a full disk, so a failure is only told."""
        try:
            await writing
        except GatewayError as error:
            self._log.warning("a session is not kept for the next start", reason=str(error))

    def _over(self, record: SessionRecord) -> bool:
        now = self._now()
        return now - record.used > IDLE_S or now - record.began > LONGEST_S

    def _now(self) -> float:
        return self._clock.now().timestamp()


def csrf_of(cookie: str) -> str:
    """Return the CSRF token of a session: only who has the cookie can make it."""
    return hmac.new(cookie.encode(), b"csrf", hashlib.sha256).hexdigest()


def proof_of(account: Account) -> str:
    """Return what ties a session to the password that opened it, without saying the hash."""
    text = "" if account.hash is None else account.hash.reveal()
    return hashlib.sha256(f"{account.name}\n{text}".encode()).hexdigest()


def _id(cookie: str) -> str:
    return hashlib.sha256(cookie.encode(errors="surrogateescape")).hexdigest()
