"""Joins what tells people of outages."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

from gateway.control.announcer import Announcer
from gateway.control.board import Board
from gateway.kit.clock import SystemClock
from gateway.kit.measures import Measures
from gateway.model.company import Fleet
from gateway.notify.post import Post
from gateway.store.told import ToldFile


async def tell_of_outages(
    stack: AsyncExitStack,
    folder: Path,
    *,
    board: Board,
    fleet: Callable[[], Fleet],
    measures: Measures,
) -> None:
    """Have people told of what happens on the board; ``stack`` ends it."""
    post = Post()
    measures.level("queue_length", lambda: post.waiting, queue="messages")
    stack.push_async_callback(post.close)
    announcer = Announcer(
        board=board, fleet=fleet, messenger=post, store=ToldFile(folder), clock=SystemClock()
    )
    stack.push_async_callback(announcer.close)
    await announcer.start()
