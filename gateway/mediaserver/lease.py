"""An orphan's end: a server that nobody asks for long enough ends by itself."""

import asyncio

import structlog

from gateway.kit.clock import Clock


class Lease:
    """Runs out ``seconds`` after the last :meth:`renew`; 0 seconds means never."""

    def __init__(self, seconds: float, clock: Clock) -> None:
        self._seconds = seconds
        self._clock = clock
        self._renewed = clock.monotonic()

    def renew(self) -> None:
        """Start the time anew: somebody has asked."""
        self._renewed = self._clock.monotonic()

    async def run_out(self, over: asyncio.Event) -> None:
        """Wait until the lease is over, then set ``over``."""
        while self._seconds > 0:
            left = self._renewed + self._seconds - self._clock.monotonic()
            if left <= 0:
                structlog.get_logger("mediaserver").warning(
                    "nobody has asked this server for long, it ends", seconds=self._seconds
                )
                over.set()
                return
            await self._clock.sleep(left)
