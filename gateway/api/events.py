"""Server-sent events: the whole state first, then every change (HTML standard, section 9.2).

A reconnecting client gets the whole state again, so events need no ids.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

from aiohttp import web

from gateway.api import keys, views
from gateway.api.access import seen_site, visitor_of
from gateway.api.limits import client_of
from gateway.api.ports import BoardEvent
from gateway.api.principal import Principal
from gateway.api.problems import STARTED
from gateway.api.sites import seen_sites
from gateway.api.streams import Stream
from gateway.model.site import Site
from gateway.model.status import CameraStatus, SiteStatus

_PREAMBLE: Final = b"retry: 2000\n\n"
_HEARTBEAT: Final = b": still here\n\n"


async def follow(request: web.Request) -> web.StreamResponse:
    """``GET /api/v1/events[?site=S]``: stream what the visitor may see."""
    visitor = visitor_of(request)
    only = request.query.get("site")
    if only is not None:
        seen_site(request, visitor, only)
    response = web.StreamResponse(
        headers={
            "Content-Type": "text/event-stream; charset=utf-8",
            "X-Accel-Buffering": "no",  # nginx would hold the events back
        }
    )
    story = Story(request.app, visitor, only)
    board = request.app[keys.BOARD]
    with (
        request.app[keys.STREAMS].join(client_of(request)) as stream,
        board.subscribe() as changes,
        suppress(ConnectionError),  # the client left
    ):
        await response.prepare(request)
        request[STARTED] = True
        await stream.write(request, response, _PREAMBLE + story.begin())
        async with _closing(changes):
            await _tell(request, response, stream, story, changes)
        await response.write_eof()
    return response


async def _tell(
    request: web.Request,
    response: web.StreamResponse,
    stream: Stream,
    story: "Story",
    changes: AsyncIterator[BoardEvent],
) -> None:
    """Write what changes, and a comment line when nothing does.

    Ends with the application, with the board, and when the visitor's ticket expires. The pending
    read is kept over heartbeats, because cancelling it could lose a change.
    """
    limits = request.app[keys.LIMITS]
    pending = asyncio.ensure_future(anext(changes, None))
    try:
        while not story.over():
            await asyncio.wait(
                (pending, stream.ended),
                timeout=limits.heartbeat_s,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if stream.ended.done():
                return
            data = story.catch_up()
            if pending.done():
                event = pending.result()
                if event is None:
                    return
                data += story.go_on(event)
                pending = asyncio.ensure_future(anext(changes, None))
            elif not data:
                data = _HEARTBEAT
            if data:
                await stream.write(request, response, data)
    finally:
        pending.cancel()
        await asyncio.wait([pending])


@asynccontextmanager
async def _closing(changes: AsyncIterator[BoardEvent]) -> AsyncIterator[None]:
    """Close a generator at once; the garbage collector would do it some time in another task."""
    try:
        yield
    finally:
        if isinstance(changes, AsyncGenerator):
            await changes.aclose()


class Story:
    """What one subscriber has been told, so that each change is told in the right words."""

    def __init__(self, app: web.Application, visitor: Principal, only: str | None) -> None:
        self._visitor = visitor
        self._app = app
        self._only = only
        self._shown: set[str] = set()
        self._private: dict[tuple[str, str], bool] = {}

    def over(self) -> bool:
        """Tell whether the visitor's ticket or session has ended."""
        return not self._app[keys.IDENTITY].holds(self._visitor)

    def begin(self) -> bytes:
        """Return the whole current state."""
        return b"".join(
            self._whole(status, site)
            for status, site in seen_sites(self._app, self._visitor)
            if self._only in {None, status.id}
        )

    def catch_up(self) -> bytes:
        """Return the cameras whose privacy hours have begun or ended since they were told."""
        now = self._app[keys.CLOCK].now()
        sites = self._app[keys.FLEET]().sites
        told = b""
        for (site_id, camera_id), private in list(self._private.items()):
            site, status = sites.get(site_id), self._app[keys.BOARD].site(site_id)
            camera = None if status is None else status.camera(camera_id)
            if site is None or camera is None:
                del self._private[site_id, camera_id]
            elif site.is_private(camera_id, now) is not private:
                told += self._camera(site, camera)
        return told

    def go_on(self, event: BoardEvent) -> bytes:
        """Return the events that tell ``event``; nothing when it is none of the subscriber's."""
        if self._only not in {None, event.site_id}:
            return b""
        site = self._app[keys.FLEET]().sites.get(event.site_id)
        status = self._app[keys.BOARD].site(event.site_id)
        if site is None or status is None or not self._visitor.sees(site):
            return self._gone(event.site_id)
        status = views.seen_part(status, site, self._visitor)
        if site.id not in self._shown:
            return self._whole(status, site)
        if event.camera is not None:
            return self._camera(site, event.camera)
        return sse("site", views.summary(status, site))

    def _whole(self, status: SiteStatus, site: Site) -> bytes:
        self._shown.add(status.id)
        cameras = b"".join(self._camera(site, camera) for camera in status.cameras)
        return sse("site", views.summary(status, site)) + cameras

    def _camera(self, site: Site, camera: CameraStatus) -> bytes:
        if not self._visitor.sees_camera(site, camera.id):
            return b""
        camera = views.seen_camera(site, camera, self._visitor)
        poster = self._app[keys.POSTERS].get(site.id, camera.id)
        view = views.camera_view(site, camera, poster, self._app[keys.CLOCK].now())
        known = site.camera(camera.id)
        if known is not None and known.privacy_hours:
            self._private[site.id, camera.id] = view["private"]
        return sse("camera", view | {"site": site.id})

    def _gone(self, site_id: str) -> bytes:
        if site_id not in self._shown:
            return b""
        self._shown.discard(site_id)
        return sse("gone", {"site": site_id})


def sse(kind: str, body: dict[str, Any]) -> bytes:
    """Return one event; JSON keeps line ends escaped, so the data is a single line."""
    return f"event: {kind}\ndata: {json.dumps(body, ensure_ascii=False)}\n\n".encode()
