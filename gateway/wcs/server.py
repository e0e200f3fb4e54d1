"""Drives one media server; satisfies ``control.ports.MediaServer`` by shape."""

import base64
import binascii
import hashlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, TCPConnector

from gateway.kit.secret import Secret
from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.server import CaptureObserved, ControlAddress, ServerStats, StreamObserved
from gateway.wcs import stats
from gateway.wcs.lines import Lines
from gateway.wcs.rest import MAX_PICTURE, STARTUP_S, Answer, WcsRest, good
from gateway.wcs.session import WcsPlay

_NONE = 404
_CONFLICT = 409
_BAD = 400
_FULL = 503
_ERROR = 500
_NO_LIMIT = 0
_KEPT_S = 60.0
_CHANGED = b"!"


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Listed(Generic[T]):
    """A list as the server has last told it; a server mostly says what it said before."""

    digest: bytes = b""
    items: tuple[T, ...] = ()


class WcsServer:
    """A WCS or the embedded server at ``control``; make it inside a running event loop."""

    def __init__(self, control: ControlAddress) -> None:
        self._control = control
        self._http = ClientSession(
            # Plays hold sockets for as long as they run; calls are bounded by WcsRest itself.
            # Quiet servers are asked twice a minute: the connection is kept from one to the next.
            connector=TCPConnector(limit=_NO_LIMIT, keepalive_timeout=_KEPT_S),
            cookie_jar=DummyCookieJar(),
            timeout=ClientTimeout(total=None),
        )
        self._rest = WcsRest(control, self._http)
        self._lines = Lines(self._http, control)
        self._captures: _Listed[CaptureObserved] = _Listed()
        self._streams: _Listed[StreamObserved] = _Listed()

    async def ready(self) -> bool:
        """Tell whether statistics and REST both answer."""
        try:
            if not good(await self._rest.stat()):
                return False
            return (await self._rest.call("rtsp/find_all")).status in (200, _NONE)
        except GatewayError:
            return False

    async def captures(self) -> Sequence[CaptureObserved]:
        """Return the cameras that it pulls."""
        self._captures = await self._read("rtsp/find_all", _capture, self._captures)
        return list(self._captures.items)

    async def changes(self) -> AsyncIterator[None]:
        """Yield whenever a pull has changed.

        Raises NOT_FOUND for a WCS, which tells nothing, and SERVER_NOT_READY when the embedded
        server is not heard any more.
        """
        async with aclosing(self._rest.follow("changes")) as pieces:
            async for piece in pieces:
                if _CHANGED in piece:
                    yield

    async def startup(self, uri: Secret, stream: str) -> None:
        """Start to pull ``uri`` as ``stream``; a pull that runs already is no error."""
        call = {"uri": uri.reveal(), "toStream": stream}
        answer = await self._rest.call("rtsp/startup", call, within_s=STARTUP_S)
        if answer.status == _CONFLICT:
            await self._check_capture(uri, stream)
        elif answer.status == _FULL:
            raise GatewayError(
                ErrorKind.SERVER_FULL,
                f"the media server takes no further camera ({stream})",
                "remove cameras that are not needed, or add a media server",
            )
        elif answer.status in (_BAD, _ERROR):
            raise GatewayError(
                ErrorKind.CAMERA_UNREACHABLE,
                f"the media server could not pull the camera of {stream}",
                answer.info() or "check the camera's address, user and password",
            )
        elif not good(answer):
            raise self._rest.unexpected("/rtsp/startup", answer)

    async def terminate_capture(self, uri: Secret) -> None:
        """Stop to pull ``uri``; one that is not pulled is no error."""
        answer = await self._rest.call("rtsp/terminate", {"uri": uri.reveal()})
        if not good(answer) and answer.status != _NONE:
            raise self._rest.unexpected("/rtsp/terminate", answer)

    async def streams(self) -> Sequence[StreamObserved]:
        """Return all ingests and viewers."""
        self._streams = await self._read("stream/find_all", _stream, self._streams)
        return list(self._streams.items)

    async def stop_viewer(self, media_session_id: str) -> bool:
        """End one viewer's play by its id; tell whether it was there."""
        if not media_session_id:
            return False  # without an id WCS would stop every stream
        answer = await self._rest.call("stream/terminate", {"mediaSessionId": media_session_id})
        if not good(answer) and answer.status != _NONE:
            raise self._rest.unexpected("/stream/terminate", answer)
        return good(answer)

    async def stats(self) -> ServerStats:
        """Return its numbers."""
        answer = await self._rest.stat()
        if not good(answer):
            raise self._rest.unexpected("/?action=stat", answer)
        return stats.parse(answer.body.decode("utf-8", "replace"))

    async def snapshot(self, stream: str) -> bytes:
        """Return the current picture of ``stream`` as PNG.

        Raises NOT_FOUND for an unknown stream, CAMERA_OFFLINE when there is no picture yet.
        """
        answer = await self._rest.call(
            "stream/snapshot", {"streamName": stream}, within_s=10.0, max_bytes=MAX_PICTURE
        )
        if answer.status == _NONE:
            raise GatewayError(
                ErrorKind.NOT_FOUND,
                f"the media server has no stream {stream}",
                "wait until the camera is pulled",
            )
        if answer.status == _ERROR:
            raise GatewayError(
                ErrorKind.CAMERA_OFFLINE,
                f"the media server has no picture of {stream} yet",
                "try again soon",
            )
        if not good(answer):
            raise self._rest.unexpected("/stream/snapshot", answer)
        return self._picture(answer)

    async def play(self, stream: str, offer: str, *, tcp: bool = False) -> WcsPlay:
        """Play ``stream`` to a browser that sent ``offer``; ``tcp``: UDP did not reach it.

        Raises the kinds that ``control.ports.MediaServer.play`` names.
        """
        return await self._lines.play(stream, offer, tcp=tcp)

    async def close(self) -> None:
        """Close the sockets without ending the plays (they were asked to be kept alive)."""
        await self._lines.close()
        await self._http.close()

    async def _read(
        self, path: str, take: Callable[[Mapping[str, Any]], T], before: _Listed[T]
    ) -> _Listed[T]:
        """Return a list; one that says what it said ``before`` is not read again."""
        answer = await self._rest.call(path)
        if answer.status == _NONE:
            return _Listed()
        if not good(answer):
            raise self._rest.unexpected(f"/{path}", answer)
        digest = hashlib.blake2b(answer.body, digest_size=16).digest()
        if digest == before.digest:
            return before
        try:
            items = answer.json()
        except ValueError as error:
            raise self._rest.unexpected(f"/{path} (no JSON)", answer) from error
        if not isinstance(items, list):
            raise self._rest.unexpected(f"/{path} (no list)", answer)
        return _Listed(digest, tuple(take(item) for item in items if isinstance(item, dict)))

    async def _check_capture(self, uri: Secret, stream: str) -> None:
        """Take a 409 for success if ``uri`` is pulled, as ``stream`` or under an untold name."""
        for capture in await self.captures():
            if capture.uri == uri and capture.stream in (None, stream):
                return
        raise GatewayError(
            ErrorKind.CONFLICT,
            f"the media server has another capture in the way of {stream}",
            "stop the capture that uses this camera's address or stream name",
        )

    def _picture(self, answer: Answer) -> bytes:
        try:
            return base64.b64decode(answer.json()["data"], validate=True)
        except (ValueError, KeyError, TypeError, binascii.Error) as error:
            raise self._rest.unexpected("/stream/snapshot (no picture)", answer) from error


def _capture(item: Mapping[str, Any]) -> CaptureObserved:
    return CaptureObserved(
        uri=Secret(_text(item, "uri")),
        stream=_text(item, "toStream") or None,
        status=_text(item, "status"),
        info=_text(item, "info") or None,
        reason=_text(item, "reason"),
        kind=_text(item, "kind"),
    )


def _stream(item: Mapping[str, Any]) -> StreamObserved:
    return StreamObserved(
        name=_text(item, "name"),
        media_session_id=_text(item, "mediaSessionId"),
        published=item.get("published") is True,
        status=_text(item, "status"),
        info=_text(item, "info") or None,
        video_codec=_text(item, "videoCodec") or None,
        width=_number(item, "width"),
        height=_number(item, "height"),
    )


def _text(item: Mapping[str, Any], key: str) -> str:
    value = item.get(key)
    return value if isinstance(value, str) else ""


def _number(item: Mapping[str, Any], key: str) -> int:
    value = item.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
