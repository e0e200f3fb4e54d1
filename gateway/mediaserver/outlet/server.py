"""The RTSP output of this media server: all streams, all who take them."""

import asyncio
import secrets
import time
from collections.abc import Sequence
from typing import Final

import structlog

from gateway.kit.oserrors import plainly
from gateway.kit.tasks import Tasks
from gateway.mediaserver.outlet.feed import Feed
from gateway.mediaserver.outlet.login import Gate, User
from gateway.mediaserver.outlet.session import Session
from gateway.mediaserver.ports import MediaSink
from gateway.model.errors import ErrorKind, GatewayError

MOST_CLIENTS: Final = 512
MOST_STRANGERS: Final = 64
_REPORT_EVERY_S: Final = 5.0


class Outlet:
    """Offers every stream as ``rtsp://host:port/<stream>``, at each port to users of its own."""

    def __init__(self) -> None:
        self._feeds: dict[str, Feed] = {}
        self._strangers: set[Session] = set()
        self._clients: set[Session] = set()
        self._servers: list[asyncio.Server] = []
        self.tasks = Tasks("rtsp-output")
        self._cname = secrets.token_hex(8)
        self._log = structlog.get_logger("rtsp-output")

    async def open(self, host: str | None, port: int, users: Sequence[User]) -> int:
        """Listen for ``users`` at ``host`` (``None``: every address); return the port in use.

        Raises CONFLICT when it is taken.
        """
        loop = asyncio.get_running_loop()
        gate = Gate(users)
        try:
            server = await loop.create_server(lambda: Session(self, gate), host, port)
        except OSError as error:
            raise GatewayError(
                ErrorKind.CONFLICT,
                f"TCP port {port} cannot be opened for the RTSP output: {plainly(error)}",
                "end what uses it, or choose another port for the RTSP output",
            ) from error
        if not self._servers:
            self.tasks.spawn(self._report(), "reports")
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Hang up on everybody and close the ports."""
        for server in self._servers:
            server.close()
        for feed in self._feeds.values():
            feed.end("the server ends")
        for session in [*self._clients, *self._strangers]:
            session.hang_up("the server ends")
        await self.tasks.close()

    def publish(self, name: str) -> MediaSink:
        """Offer one more stream."""
        feed = self._feeds[name] = Feed(name, cname=self._cname)
        return feed

    def unpublish(self, name: str) -> None:
        """Take a stream away and hang up on those who play it."""
        feed = self._feeds.pop(name, None)
        if feed is not None:
            feed.end("the stream has ended")

    def counters(self) -> dict[str, float]:
        """Return how many play, under WCS's name for it."""
        return {"streams_rtsp_out": float(sum(feed.players for feed in self._feeds.values()))}

    # what sessions ask

    def feed(self, name: str) -> Feed | None:
        """Return a stream."""
        return self._feeds.get(name)

    def joined(self, session: Session) -> bool:
        """Take note of a connection; false when there are too many."""
        full = len(self._strangers) >= MOST_STRANGERS or len(self._clients) >= MOST_CLIENTS
        if not full:
            self._strangers.add(session)
        return not full

    def known(self, session: Session) -> None:
        """Take note that a connection has proved who it is."""
        self._strangers.discard(session)
        self._clients.add(session)

    def left(self, session: Session) -> None:
        """Forget a connection."""
        self._strangers.discard(session)
        self._clients.discard(session)

    async def _report(self) -> None:
        while True:
            await asyncio.sleep(_REPORT_EVERY_S)
            now = time.monotonic()
            for feed in list(self._feeds.values()):
                try:
                    feed.report(now)
                except Exception:  # noqa: BLE001  # one stream's trouble stays its own
                    self._log.exception("reports could not be sent", stream=feed.name)
