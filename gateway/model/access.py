"""What is written down about watching and signing in; times are Unix times in seconds."""

from dataclasses import dataclass
from enum import StrEnum


class Way(StrEnum):
    """How a viewer was let in."""

    TICKET = "ticket"
    ACCOUNT = "account"
    TOKEN = "token"  # noqa: S105  # a word for the staff token, not a token
    PUBLIC = "public"


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One play, for the audit and so that its end is known after a restart of the gateway.

    ``who`` is a ticket's subject or an account; ``address`` a salted hash; ``website`` the Origin
    of the page. ``until`` is the hard stop, ``issued`` the time at which the ticket was made.
    """

    play: str
    site: str
    camera: str
    way: Way
    who: str
    address: str
    website: str
    started: float
    until: float | None = None
    issued: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PastView:
    """One row of the audit; ``ended`` is ``None`` while the play runs."""

    id: int
    view: View
    ended: float | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditQuery:
    """Which rows are asked for: newest first, those with a smaller id than ``before``.

    ``who`` is a part of the name; ``running`` leaves out the plays that are over.
    """

    site: str | None = None
    camera: str | None = None
    who: str | None = None
    running: bool = False
    start: float | None = None
    end: float | None = None
    before: int | None = None
    limit: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """Tickets issued before ``since`` are void: all of a site, of a subject, or of both."""

    site: str | None
    subject: str | None
    since: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRecord:
    """A signed-in browser.

    ``id`` is the hash of its cookie. ``account`` and ``proof`` name the account and the password
    hash it had, so that a session ends with them.
    """

    id: str
    account: str
    proof: str
    began: float
    used: float
