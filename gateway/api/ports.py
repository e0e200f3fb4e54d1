"""What the doors ask of ``gateway.control``, declared by the one who asks."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from gateway.model.company import Fleet
from gateway.model.status import CameraStatus, SiteStatus

CurrentFleet = Callable[[], Fleet]
"""The settings and sites in force now."""

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

    async def play(self, site_id: str, camera_id: str, offer: str, *, low: bool) -> PlayHandle:
        """Play a camera to the browser that sent ``offer``."""

    async def stop(self, site_id: str, camera_id: str, play_id: str) -> bool:
        """End a play; tell whether it was there."""


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
