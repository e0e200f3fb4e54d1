"""What the doors ask of ``gateway.control``, declared by the one who asks."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gateway.control.facts import Facts
from gateway.model.access import AuditQuery, PastView, Revocation, SessionRecord, View
from gateway.model.company import Fleet
from gateway.model.history import HistoryQuery, Span
from gateway.model.status import CameraStatus, SiteStatus

CurrentFleet = Callable[[], Fleet]
"""The settings and sites in force now."""

CurrentFacts = Callable[[], Mapping[str, Facts]]
"""What the last cycle of every site has seen."""

LoopAges = Callable[[], Mapping[str, float]]
"""Seconds since the last finished cycle, by site."""


class BoardEvent(Protocol):
    """One change: ``kind`` is ``site``, ``camera`` or ``gone``."""

    @property
    def kind(self) -> str:
        """What changed."""

    @property
    def site_id(self) -> str:
        """Where."""

    @property
    def site(self) -> SiteStatus | None:
        """The site's new status, with kind ``site``."""

    @property
    def camera(self) -> CameraStatus | None:
        """The camera's new status, with kind ``camera``."""


class Board(Protocol):
    """The latest known status."""

    def sites(self) -> Sequence[SiteStatus]:
        """Return every site's status."""

    def site(self, site_id: str, /) -> SiteStatus | None:
        """Return one site's status."""

    def subscribe(self) -> AbstractContextManager[AsyncIterator[BoardEvent]]:
        """Open a bounded stream of the changes from now on."""


class PlayHandle(Protocol):
    """A running play."""

    @property
    def id(self) -> str:
        """An unguessable name: who knows it may stop the play."""

    @property
    def answer(self) -> str:
        """The SDP answer."""

    @property
    def ended(self) -> asyncio.Future[str]:
        """Done with the reason when the play is over, whoever ended it."""


class Watching(Protocol):
    """Starts and stops plays; raises :class:`gateway.model.errors.GatewayError`."""

    async def play(
        self, site_id: str, camera_id: str, offer: str, *, low: bool, tcp: bool = False
    ) -> PlayHandle:
        """Play a camera to the browser that sent ``offer``; ``tcp``: UDP did not reach it."""

    async def stop(self, site_id: str, camera_id: str, play_id: str) -> bool:
        """End a play; tell whether it was there."""

    def room(self, site_id: str) -> int | None:
        """Return how many viewers a site still takes; ``None`` while nobody can tell."""

    def leaving(self, site_id: str) -> frozenset[str]:
        """Return the ids of the plays that have to go on at another media server."""

    def crowded(self, site_id: str) -> frozenset[str]:
        """Return the ids of plays that would do better at another media server, and may stay."""

    def viewers(self, site_id: str) -> frozenset[str] | None:
        """Return the ids of a site's running plays; ``None`` while nobody can tell."""


class AuditStore(Protocol):
    """Keeps who watched; ``begin`` and ``end`` return at once and never fail."""

    def begin(self, view: View) -> None:
        """Write down that a play began."""

    def end(self, play: str, at: float, reason: str) -> None:
        """Write down that a play is over."""

    async def salt(self) -> bytes:
        """Return what addresses are hashed with, the same for the life of the installation."""

    async def page(self, query: AuditQuery) -> Sequence[PastView]:
        """Return rows, newest first."""

    async def running(self) -> Sequence[PastView]:
        """Return the rows without an end."""

    async def forget_before(self, at: float) -> int:
        """Delete the rows of plays that were over by ``at``; return how many."""


class SessionStore(Protocol):
    """Keeps who is signed in."""

    async def load(self) -> Sequence[SessionRecord]:
        """Return every session."""

    async def save(self, record: SessionRecord) -> None:
        """Keep a session, a new one or one that was used again."""

    async def remove(self, ids: Sequence[str]) -> None:
        """Forget sessions."""


class RevocationStore(Protocol):
    """Keeps which tickets are void."""

    async def load(self) -> Sequence[Revocation]:
        """Return every revocation."""

    async def save(self, revocation: Revocation) -> None:
        """Keep a revocation."""


class HistoryStore(Protocol):
    """Keeps the states of the cameras."""

    async def spans(self, query: HistoryQuery) -> Sequence[Span]:
        """Return spans, newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """Where the doors' records outlive a restart; what is absent is kept in memory or not at all.

    Every method of a store may raise GatewayError of kind INTERNAL.
    """

    audit: AuditStore | None = None
    sessions: SessionStore | None = None
    revocations: RevocationStore | None = None
    history: HistoryStore | None = None


class Poster(Protocol):
    """A camera's latest still picture."""

    @property
    def jpeg(self) -> bytes:
        """The picture."""

    @property
    def taken(self) -> datetime:
        """When."""


class Posters(Protocol):
    """The latest still picture of every camera."""

    def get(self, site_id: str, camera_id: str, /) -> Poster | None:
        """Return the picture, if there is one yet."""


class DemoSwitch(Protocol):
    """Pulls the plug of a pretend camera, so that anybody can see what happens then."""

    def cameras(self) -> Mapping[str, bool]:
        """Return whether each pretend camera is plugged in."""

    async def set_plugged(self, camera_id: str, plugged: bool, /) -> None:  # noqa: FBT001  # positional in the contract
        """Plug one in or out."""
