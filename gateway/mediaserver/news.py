"""Tells who listens that a camera's pull has changed, so that nobody needs to ask for it.

An addition to Web Call Server's REST API: ``GET /rest-api/changes`` is answered without end, by a
``!`` whenever captures are other than before, and by a ``.`` now and again, so that silence means
trouble. Viewers are no news: whoever begins a play hears of its end over the signalling.
"""

import asyncio
from collections.abc import Callable, Hashable
from typing import Final

from aiohttp import web

LOOK_S: Final = 0.5
"""Changes are gathered for so long; comparing takes microseconds."""

ALIVE_S: Final = 15.0
MOST: Final = 8
"""Listeners at a time; a gateway is one, or two while it is replaced."""


class News:
    """Compares what ``state`` returns with what was told last, while anybody listens."""

    def __init__(self, state: Callable[[], Hashable]) -> None:
        self._state = state
        self._listeners = 0
        self._over = asyncio.Event()

    async def tell(self, request: web.Request) -> web.StreamResponse:
        """Answer ``GET /rest-api/changes`` until the listener or the server ends."""
        if self._listeners >= MOST:
            raise web.HTTPServiceUnavailable(text="there are listeners enough")
        response = web.StreamResponse(headers={"Cache-Control": "no-store"})
        response.content_type = "text/plain"
        self._listeners += 1
        try:
            await response.prepare(request)
            await self._tell(response)
        except ConnectionError:
            return response
        finally:
            self._listeners -= 1
        return response

    def close(self) -> None:
        """Let go of everybody."""
        self._over.set()

    async def _tell(self, response: web.StreamResponse) -> None:
        told = self._state()
        await response.write(b"!")
        quiet_s = 0.0
        while not await self._ends():
            now = self._state()
            quiet_s += LOOK_S
            if now != told:
                await response.write(b"!")
            elif quiet_s >= ALIVE_S:
                await response.write(b".")
            else:
                continue
            told, quiet_s = now, 0.0

    async def _ends(self) -> bool:
        try:
            async with asyncio.timeout(LOOK_S):
                return await self._over.wait()
        except TimeoutError:
            return False
