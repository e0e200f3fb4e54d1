"""Telling whoever listens which site has changed."""

import asyncio
from collections.abc import AsyncIterator


class Broadcast:
    """Any number of listeners, each with a queue of its own."""

    def __init__(self) -> None:
        self._queues: set[asyncio.Queue[str | None]] = set()

    def tell(self, site: str) -> None:
        """Tell every listener."""
        for queue in self._queues:
            queue.put_nowait(site)

    def listen(self) -> AsyncIterator[str]:
        """Return what is told from now on, until the end."""
        queue: asyncio.Queue[str | None] = asyncio.Queue()
        self._queues.add(queue)
        return self._drain(queue)

    def end(self) -> None:
        """End every listener's iteration."""
        for queue in self._queues:
            queue.put_nowait(None)

    async def _drain(self, queue: asyncio.Queue[str | None]) -> AsyncIterator[str]:
        try:
            while (site := await queue.get()) is not None:
                yield site
        finally:
            self._queues.discard(queue)
