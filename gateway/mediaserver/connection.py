"""One socket of a viewer or of the gateway: the messages of WCS's signalling, for playing only."""

import asyncio
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import structlog
from aiohttp import WSCloseCode, WSMsgType, web

from gateway.kit.tasks import Tasks
from gateway.mediaserver import messages
from gateway.mediaserver.allowance import Allowance
from gateway.mediaserver.messages import Subject
from gateway.mediaserver.ports import PlayEnd, PlayRefused
from gateway.mediaserver.texts import Info

MAX_MESSAGE: Final = 128 * 1024
MAX_ID: Final = 128
MAX_PLAYS: Final = 64
_INTRODUCTION_S: Final = 10.0
_SEND_S: Final = 10.0
_LAST_WORDS_S: Final = 1.0
_QUEUE: Final = 512
_BURST: Final = 200.0
_PER_SECOND: Final = 50.0
_SHOWN: Final = (
    "appKey",
    "mediaProviders",
    "keepAlive",
    "clientVersion",
    "clientOSVersion",
    "clientBrowserVersion",
    "msePacketizationVersion",
)
_VERSION: Final = "5.2"


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """A ping each ``interval_s``; the socket is closed after ``probes`` without an answer."""

    interval_s: float
    probes: int


class Hub(Protocol):
    """What one connection asks of :class:`gateway.mediaserver.signalling.Signalling`."""

    def lets_in(self, custom: Any) -> bool:
        """Check the token."""

    def play(self, connection: "Connection", about: Subject, offer: str) -> str:
        """Start a play."""

    def lacks(self, name: str) -> bool:
        """Ask whether a stream has to be fetched first."""

    async def fetch(self, name: str) -> None:
        """Fetch a stream."""

    def stop(self, media_session_id: str, info: Info) -> bool:
        """End a play."""

    def available(self, name: str) -> Info | None:
        """Ask for a stream."""

    def size(self, name: str) -> tuple[int, int]:
        """Ask for a picture's size."""


class Connection:
    """Reads, answers and pings one WebSocket until either side ends it."""

    def __init__(
        self, socket: web.WebSocketResponse, hub: Hub, *, session_id: str, keep_alive: KeepAlive
    ) -> None:
        self.session_id = session_id
        self.keeps_plays = False
        self.gone = asyncio.Event()
        self._socket = socket
        self._hub = hub
        self._keep_alive = keep_alive
        self._client: dict[str, Any] | None = None
        self._plays: set[str] = set()
        self._fetching: dict[str, asyncio.Task[None]] = {}
        self._tasks = Tasks("signalling")
        self._missing = 0
        self._allowance = Allowance(_BURST, _PER_SECOND)
        self._outbox: asyncio.Queue[str] = asyncio.Queue(_QUEUE)
        self._over: asyncio.Future[tuple[int, str]] = asyncio.get_running_loop().create_future()
        self._log = structlog.get_logger("mediaserver").bind(session=session_id)

    def view(self) -> Mapping[str, Any]:
        """Return what ``/connection/find_all`` shows; never ``custom``, which holds the token."""
        client = self._client or {}
        return {
            **{key: client[key] for key in _SHOWN if key in client},
            "sessionId": self.session_id,
            "nodeId": None,
            "plays": len(self._plays),
        }

    async def run(self) -> None:
        """Serve the socket until it ends."""
        tasks = self._tasks
        tasks.spawn(self._read(), "read")
        tasks.spawn(self._write(), "write")
        tasks.spawn(self._ping(), "ping")
        code, reason = int(WSCloseCode.GOING_AWAY), ""
        try:
            code, reason = await self._over
            await self._say_last_words()
        finally:
            await tasks.close()
            try:
                await self._socket.close(code=code, message=reason.encode())
            finally:
                self.gone.set()

    def abort(self, reason: str, code: int = WSCloseCode.GOING_AWAY) -> None:
        """End this connection soon, after what waits has been sent."""
        if not self._over.done():
            self._over.set_result((code, reason))

    def ended(self, about: Subject, end: PlayEnd, info: str) -> None:
        """Tell the client that a play is over."""
        self._plays.discard(about.media_session_id)
        self._send(messages.status(about, str(end), info=info))

    async def _say_last_words(self) -> None:
        try:
            async with asyncio.timeout(_LAST_WORDS_S):
                await self._outbox.join()
        except TimeoutError:
            self._log.debug("a client does not read its last messages")

    async def _read(self) -> None:
        deadline = time.monotonic() + _INTRODUCTION_S
        while not self._over.done():
            wait = None if self._client is not None else max(0.0, deadline - time.monotonic())
            try:
                async with asyncio.timeout(wait):
                    message = await self._socket.receive()
            except TimeoutError:
                self.abort("no connection message came", WSCloseCode.POLICY_VIOLATION)
                return
            if message.type in (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED):
                self.abort("the client is gone")
            elif message.type is WSMsgType.ERROR:
                self.abort("the client broke the protocol", WSCloseCode.PROTOCOL_ERROR)
            elif not self._allowance.take():
                self._log.warning("a client sends too much, its socket is closed")
                self.abort("too many messages", WSCloseCode.POLICY_VIOLATION)
            elif message.type is WSMsgType.TEXT:
                self._receive(message.data)

    def _receive(self, text: str) -> None:
        try:
            name, body = messages.unpack(text)
        except ValueError:
            self.abort("not a message", WSCloseCode.INVALID_TEXT)
            return
        self._missing = 0
        try:
            self._handle(name, body)
        except Exception:  # noqa: BLE001  # one bad message must not end the other plays
            # Its content stays out of the log: an offer is long, and a token may be in it.
            self._log.exception("a message could not be handled")

    def _handle(self, name: Any, body: Mapping[str, Any]) -> None:
        match name:
            case "connection":
                self._introduce(body)
            case "playStream":
                self._play(body)
            case "stopStream":
                self._stop(body)
            case "availableStream":
                self._available(body)
            case "publishStream":
                about = messages.subject(body)
                self._send(messages.status(about, "FAILED", info=Info.RESTRICTED, published=True))
            case "ping":
                self._send(messages.pack("pong", None))
            case _:
                pass  # pong, pushLogs and whatever later SDKs may say

    def _introduce(self, body: Mapping[str, Any]) -> None:
        if self._client is not None:
            return
        if not self._hub.lets_in(body.get("custom")):
            self._log.warning("a client without the right token was refused")
            why = {"apiMethod": "ConnectionStatusEvent", "info": str(Info.RESTRICTED)}
            self._send(messages.pack("fail", why))
            self.abort(Info.RESTRICTED, WSCloseCode.POLICY_VIOLATION)
            return
        self._client = {key: body[key] for key in _SHOWN if key in body}
        self.keeps_plays = body.get("keepAlive") is True
        self._send(messages.pack("getVersion", _VERSION))
        # No webRTCMetricsServerDescription: its absence switches the SDK's metrics off.
        user = {**self._client, "authToken": secrets.token_urlsafe(16)}
        self._send(messages.pack("getUserData", user))

    def _play(self, body: Mapping[str, Any]) -> None:
        about, offer = messages.subject(body), messages.text(body, "sdp")
        try:
            self._reserve(about.media_session_id)
        except PlayRefused as refused:
            self._send(messages.refusal(about, refused))
            return
        if not self._hub.lacks(about.name):
            self._begin(about, offer)
            return
        task = self._tasks.spawn(self._begin_later(about, offer), "fetch")
        self._fetching[about.media_session_id] = task

    def _reserve(self, media_session_id: str) -> None:
        """Take note of a play before it begins, because it may end before its answer is there."""
        if self._client is None:
            raise PlayRefused(Info.SESSION_NOT_READY)
        if not media_session_id or len(media_session_id) > MAX_ID:
            raise PlayRefused(Info.NO_MEDIA_SESSION_ID)
        if media_session_id in self._plays:
            raise PlayRefused(Info.MEDIA_SESSION_ID_IN_USE)
        if len(self._plays) >= MAX_PLAYS:
            raise PlayRefused(Info.FAILED, f"one connection plays {MAX_PLAYS} streams at most")
        self._plays.add(media_session_id)

    async def _begin_later(self, about: Subject, offer: str) -> None:
        try:
            await self._hub.fetch(about.name)
        except PlayRefused as refused:
            self._plays.discard(about.media_session_id)
            self._send(messages.refusal(about, refused))
        else:
            self._begin(about, offer)
        finally:
            self._fetching.pop(about.media_session_id, None)

    def _begin(self, about: Subject, offer: str) -> None:
        try:
            answer = self._hub.play(self, about, offer)
        except PlayRefused as refused:
            self._plays.discard(about.media_session_id)
            self._send(messages.refusal(about, refused))
            return
        except Exception:  # noqa: BLE001  # one viewer's trouble stays its own
            self._plays.discard(about.media_session_id)
            self._log.exception("a play could not be started", camera=about.name)
            self._send(messages.status(about, "FAILED", info=Info.FAILED))
            return
        self._send(messages.pack("setRemoteSDP", about.media_session_id, answer))
        self._send(messages.status(about, "PLAYING"))
        width, height = self._hub.size(about.name)
        if width and height:
            self._send(messages.resize(about, width, height))

    def _stop(self, body: Mapping[str, Any]) -> None:
        media_session_id = messages.text(body, "mediaSessionId")
        fetching = self._fetching.pop(media_session_id, None)
        if fetching is not None:
            fetching.cancel()
            about = messages.subject(body)
            self.ended(about, PlayEnd.STOPPED, Info.STOPPED_BY_USER)
        elif media_session_id in self._plays:
            self._hub.stop(media_session_id, Info.STOPPED_BY_USER)

    def _available(self, body: Mapping[str, Any]) -> None:
        why_not = self._hub.available(messages.text(body, "name"))
        state = {
            "id": messages.text(body, "mediaSessionId"),
            "status": "true" if why_not is None else "false",
            "info": why_not or "",
        }
        self._send(messages.pack("availableStream", state))

    def _send(self, message: str) -> None:
        try:
            self._outbox.put_nowait(message)
        except asyncio.QueueFull:
            self.abort("the client does not read", WSCloseCode.POLICY_VIOLATION)

    async def _write(self) -> None:
        while True:
            texts = [await self._outbox.get()]
            while not self._outbox.empty():
                texts.append(self._outbox.get_nowait())
            try:
                async with asyncio.timeout(_SEND_S):
                    for text in texts:
                        await self._socket.send_str(text)
            except (TimeoutError, ConnectionError, RuntimeError):
                self.abort("the client does not read")
            finally:
                for _ in texts:
                    self._outbox.task_done()

    async def _ping(self) -> None:
        while not self._over.done():
            await asyncio.sleep(self._keep_alive.interval_s)
            if self._missing >= self._keep_alive.probes:
                self._log.info("a client answers no pings, its socket is closed")
                self.abort("no pong", WSCloseCode.POLICY_VIOLATION)
                return
            if self._client is not None:
                self._missing += 1
                self._send(messages.pack("ping", None))
