"""Who plays what over Web Call Server's WebSocket signalling, across all sockets."""

import asyncio
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog
from aiohttp import web

from gateway.kit.secret import Secret
from gateway.mediaserver.connection import MAX_MESSAGE, Connection, KeepAlive
from gateway.mediaserver.edge import Edge
from gateway.mediaserver.messages import Subject
from gateway.mediaserver.ports import Engine, PlayEnd, PlayRefused
from gateway.mediaserver.texts import Info

SPARE_SOCKETS: Final = 100
"""Sockets beyond one per viewer, for clients that are coming or going."""

_GOODBYE_S: Final = 0.5
"""So long a client may take to confirm that its socket is closed."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How many viewers this server takes, and what a client must show; ``None`` lets all in."""

    max_viewers: int
    token: Secret | None
    keep_alive: KeepAlive


class Signalling:
    """The WebSocket endpoint, and the plays by their ``mediaSessionId``."""

    def __init__(self, engine: Engine, limits: Limits, edge: Edge | None = None) -> None:
        self._engine = engine
        self._edge = edge
        self._limits = limits
        self._connections: set[Connection] = set()
        self._plays: dict[str, Connection | None] = {}
        self._log = structlog.get_logger("mediaserver")

    def application(self) -> web.Application:
        """Return the aiohttp application of the signalling port."""
        app = web.Application()
        app.router.add_get("/", self._upgrade, allow_head=False)
        return app

    def connections(self) -> Sequence[Connection]:
        """Return the open sockets."""
        return list(self._connections)

    def lets_in(self, custom: Any) -> bool:
        """Tell whether ``connection.custom`` carries the token that this server wants."""
        if self._limits.token is None:
            return True
        said = custom.get("token") if isinstance(custom, dict) else None
        if not isinstance(said, str):
            return False
        return hmac.compare_digest(
            said.encode("utf-8", "surrogatepass"), self._limits.token.reveal().encode()
        )

    def play(self, connection: Connection, about: Subject, offer: str) -> str:
        """Start a play that reports to ``connection``; return the SDP answer or raise PlayRefused.

        Only what this server publishes can be played: an ``rtsp://`` name never makes it connect
        anywhere.
        """
        if about.media_session_id in self._plays:
            raise PlayRefused(Info.MEDIA_SESSION_ID_IN_USE)
        if not any(stream.name == about.name for stream in self._engine.streams()):
            raise PlayRefused(_why_unknown(about.name))
        self._plays[about.media_session_id] = connection
        try:
            answer = self._engine.play(
                stream=about.name,
                media_session_id=about.media_session_id,
                offer=offer,
                tcp=about.tcp,
                on_end=lambda end, info: self._ended(about, end, info),
            )
        except BaseException:
            self._plays.pop(about.media_session_id, None)
            raise
        return answer

    def lacks(self, name: str) -> bool:
        """Tell whether ``name`` has to be fetched before it can be played."""
        return self._edge is not None and not _foreign(name) and self._edge.lacks(name)

    async def fetch(self, name: str) -> None:
        """Get ``name`` from the origin; raises PlayRefused when it does not come."""
        if self._edge is not None:
            await self._edge.fetch(name)

    def stop(self, media_session_id: str, info: Info) -> bool:
        """End a play."""
        return self._engine.stop(media_session_id, info)

    def left(self, connection: Connection, *, keep: bool) -> None:
        """Take note that a socket is gone; its plays go on only if it asked for that."""
        self._connections.discard(connection)
        for media_session_id, owner in list(self._plays.items()):
            if owner is not connection:
                continue
            self._plays[media_session_id] = None
            if not keep:
                self._engine.stop(media_session_id, Info.STOPPED_BY_DISCONNECT)

    def available(self, name: str) -> Info | None:
        """Return ``None`` when ``name`` can be played now, else why not."""
        for stream in self._engine.streams():
            if stream.name == name:
                return None if stream.live else Info.NOT_READY
        return Info.STREAM_NOT_FOUND

    def size(self, name: str) -> tuple[int, int]:
        """Return width and height of a stream, 0 while they are not known."""
        for stream in self._engine.streams():
            if stream.name == name and stream.video is not None:
                return stream.video.width, stream.video.height
        return 0, 0

    async def close(self) -> None:
        """Let every socket say its last words and end, within a second or two."""
        connections = self.connections()
        for connection in connections:
            connection.abort("the server ends")
        await asyncio.gather(*(connection.gone.wait() for connection in connections))

    def _ended(self, about: Subject, end: PlayEnd, info: str) -> None:
        owner = self._plays.pop(about.media_session_id, None)
        # One line for each play, at its end: one more at its start costs a fiftieth of the start.
        self._log.info(
            "a viewer is gone", camera=about.name, viewer=about.media_session_id, reason=str(info)
        )
        if owner is not None:
            owner.ended(about, end, info)

    async def _upgrade(self, request: web.Request) -> web.StreamResponse:
        if len(self._connections) >= self._limits.max_viewers + SPARE_SOCKETS:
            return web.Response(status=503, text="too many connections")
        socket = web.WebSocketResponse(max_msg_size=MAX_MESSAGE, compress=False, timeout=_GOODBYE_S)
        await socket.prepare(request)
        peer = request.transport.get_extra_info("peername") if request.transport else None
        own = request.transport.get_extra_info("sockname") if request.transport else None
        connection = Connection(
            socket,
            self,
            session_id=f"/{_address(peer)}/{_address(own)}",
            keep_alive=self._limits.keep_alive,
        )
        self._connections.add(connection)
        try:
            await connection.run()
        finally:
            self.left(connection, keep=connection.keeps_plays)
        return socket


def _why_unknown(name: str) -> Info:
    return Info.RESTRICTED if _foreign(name) else Info.STREAM_NOT_FOUND


def _foreign(name: str) -> bool:
    return name.lower().startswith(("rtsp:", "rtsps:", "rtmp:", "http:", "https:"))


def _address(name: Any) -> str:
    return f"{name[0]}:{name[1]}" if isinstance(name, tuple) else "unknown:0"
