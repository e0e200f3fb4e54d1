"""Tasks with an owner: named, watched, and ended together with whoever started them."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog


class Tasks:
    """The background tasks of one owner.

    A task that fails is logged once with its name; :meth:`close` ends all of them and waits.
    """

    def __init__(self, owner: str) -> None:
        self._owner = owner
        self._tasks: set[asyncio.Task[Any]] = set()
        self._log = structlog.get_logger("tasks").bind(owner=owner)

    def __len__(self) -> int:
        return len(self._tasks)

    def spawn(self, work: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """Start ``work`` as a task called ``<owner>:<name>`` and keep it until it ends."""
        task = asyncio.get_running_loop().create_task(work, name=f"{self._owner}:{name}")
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    async def close(self) -> None:
        """Cancel every task and wait until the last one has ended."""
        while self._tasks:
            running = list(self._tasks)
            for task in running:
                task.cancel()
            await asyncio.wait(running)

    async def settle(self) -> None:
        """Wait until the last one has ended by itself."""
        while self._tasks:
            await asyncio.wait(list(self._tasks))

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:
            self._log.error(
                "a background task ended by an error", task=task.get_name(), exc_info=error
            )
