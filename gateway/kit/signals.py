"""Work that lasts until somebody ends it by a signal."""

import asyncio
import functools
import signal
from collections.abc import Coroutine
from typing import Any


async def until_told(begin: Coroutine[Any, Any, None]) -> signal.Signals:
    """Run ``begin``, then wait; return the signal that ended either. Raises what ``begin`` raises.

    A signal that comes while ``begin`` still works cancels it.
    """
    loop = asyncio.get_running_loop()
    told: asyncio.Future[signal.Signals] = loop.create_future()
    numbers = (signal.SIGINT, signal.SIGTERM)
    for number in numbers:
        loop.add_signal_handler(number, functools.partial(_tell, told, number))
    work = asyncio.ensure_future(begin)
    either: set[asyncio.Future[Any]] = {work, told}
    try:
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            await work
        return await told
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)


def _tell(told: asyncio.Future[signal.Signals], number: signal.Signals) -> None:
    if not told.done():
        told.set_result(number)
