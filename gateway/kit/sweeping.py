"""Full sweeps by the clock, because Python's own come hours apart in a process that grows little.

CPython keeps freed tuples in free lists, up to 2000 of each length below 21; ``tuple(generator)``
takes none from there and gives one back, so they fill, a few megabytes in all. Only a full
collection empties them, and that one waits until the old objects have become a quarter more, which
in a gateway that keeps nothing they never do (CPython's ``Modules/gcmodule.c``).
"""

import asyncio
import gc
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from gateway.kit.tasks import Tasks

EVERY_S: Final = 60.0
_REST: Final = 1000
"""A sweep is followed by so many times its own processor time of rest: it takes a thousandth."""


@asynccontextmanager
async def swept(*, every_s: float = EVERY_S) -> AsyncIterator[None]:
    """Sweep every ``every_s`` seconds, or more rarely where that takes long.

    What is there at the beginning (modules, code, the configuration) is not looked at again, so
    that a sweep takes two milliseconds instead of sixty; cycles of it would not be freed any more.
    """
    tasks = Tasks("sweeping")
    gc.collect()
    gc.freeze()
    tasks.spawn(_sweep(every_s), "sweep")
    try:
        yield
    finally:
        await tasks.close()
        gc.unfreeze()


def rest_s(every_s: float, *, took_s: float) -> float:
    """Return the seconds until the next sweep after one of ``took_s`` seconds of processor time."""
    return max(every_s, _REST * took_s)


async def _sweep(every_s: float) -> None:
    took_s = 0.0
    while True:
        await asyncio.sleep(rest_s(every_s, took_s=took_s))
        began = time.thread_time()
        gc.collect()
        took_s = time.thread_time() - began
