"""The open event streams: how many, whose, and how each is written and ended."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web

from gateway.api.limits import Limits, unlimited
from gateway.api.problems import busy, too_many


class Streams:
    """All open event streams; :meth:`close` ends them at shutdown."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._held: Counter[str] = Counter()
        self._open: set[Stream] = set()
        self._closing = False

    def __len__(self) -> int:
        return len(self._open)

    @contextmanager
    def join(self, client: str) -> Iterator["Stream"]:
        """Hold a place while a stream is open; raises HttpProblem 429 or 503 at the limits."""
        if self._closing or len(self._open) >= self._limits.streams_total:
            raise busy("The gateway has as many event streams open as it takes.")
        crowded = self._held[client] >= self._limits.streams_per_client
        if crowded and not unlimited(client, self._limits):
            raise too_many("Too many event streams are open from this network address.", 30)
        stream = Stream(self._limits.write_s)
        self._open.add(stream)
        self._held[client] += 1
        try:
            yield stream
        finally:
            self._open.discard(stream)
            self._held[client] -= 1
            if not self._held[client]:
                del self._held[client]

    def close(self) -> None:
        """End every stream, and let nobody in any more."""
        self._closing = True
        for stream in self._open:
            stream.end()


class Stream:
    """One event stream to one client."""

    def __init__(self, write_s: float) -> None:
        self._write_s = write_s
        self._writing: web.Request | None = None
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def end(self) -> None:
        """Ask the handler to finish; a client that does not read is cut off."""
        if not self.ended.done():
            self.ended.set_result(None)
        if self._writing is not None and self._writing.transport is not None:
            self._writing.transport.abort()

    async def write(self, request: web.Request, response: web.StreamResponse, data: bytes) -> None:
        """Send ``data``; a client that does not take it in time is cut off (ConnectionError)."""
        self._writing = request
        try:
            async with asyncio.timeout(self._write_s):
                await response.write(data)
        except TimeoutError as error:
            if request.transport is not None:
                request.transport.abort()
            raise ConnectionResetError("the client does not read its events") from error
        finally:
            self._writing = None
