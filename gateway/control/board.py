"""The latest known status of every site, and who wants to hear of changes."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Literal

from gateway.model.status import CameraState, CameraStatus, SiteStatus

EventKind = Literal["site", "camera", "gone"]


@dataclass(frozen=True, slots=True)
class BoardEvent:
    """One change. ``site`` is the whole new status (``None`` for ``gone``)."""

    kind: EventKind
    site_id: str
    site: SiteStatus | None = None
    camera: CameraStatus | None = None


class _Mailbox(AsyncIterator[BoardEvent]):
    """What one subscriber has not read yet: at most one event per site and camera."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[str, str, str], BoardEvent] = {}
        self._filled = asyncio.Event()

    def put(self, event: BoardEvent) -> None:
        if event.kind == "gone":
            self._purge(event.site_id)
        else:
            self._waiting.pop(("gone", event.site_id, ""), None)
        camera = event.camera.id if event.camera else ""
        self._waiting[event.kind, event.site_id, camera] = event
        self._filled.set()

    def _purge(self, site_id: str) -> None:
        for key in [key for key in self._waiting if key[1] == site_id]:
            del self._waiting[key]

    async def __anext__(self) -> BoardEvent:
        while not self._waiting:
            self._filled.clear()
            await self._filled.wait()
        return self._waiting.pop(next(iter(self._waiting)))


class Board:
    """Holds one :class:`SiteStatus` per site and tells subscribers what has changed."""

    def __init__(self) -> None:
        self._sites: dict[str, SiteStatus] = {}
        self._mailboxes: set[_Mailbox] = set()

    def sites(self) -> Sequence[SiteStatus]:
        """Return all sites in the order of their ids."""
        return [self._sites[site_id] for site_id in sorted(self._sites)]

    def site(self, site_id: str) -> SiteStatus | None:
        """Return one site."""
        return self._sites.get(site_id)

    def publish(self, status: SiteStatus) -> None:
        """Put up a site's status; only what differs from before is told."""
        before = self._sites.get(status.id)
        if before == status:
            return
        self._sites[status.id] = status
        if before is None or _glance(before) != _glance(status):
            self._tell(BoardEvent("site", status.id, status))
        for camera in status.cameras:
            if before is None or before.camera(camera.id) != camera:
                self._tell(BoardEvent("camera", status.id, status, camera))

    def forget(self, site_id: str) -> None:
        """Take a site down."""
        if self._sites.pop(site_id, None) is not None:
            self._tell(BoardEvent("gone", site_id))

    @contextmanager
    def subscribe(self) -> Iterator[AsyncIterator[BoardEvent]]:
        """Give the changes from now on; a slow reader gets the newest state of each thing."""
        mailbox = _Mailbox()
        self._mailboxes.add(mailbox)
        try:
            yield mailbox
        finally:
            self._mailboxes.discard(mailbox)

    def _tell(self, event: BoardEvent) -> None:
        for mailbox in self._mailboxes:
            mailbox.put(event)


def _glance(status: SiteStatus) -> tuple[SiteStatus, tuple[tuple[str, bool], ...]]:
    """Return what a list of sites shows: everything but the cameras' own news."""
    cameras = tuple((one.id, one.state is CameraState.LIVE) for one in status.cameras)
    return replace(status, cameras=()), cameras
