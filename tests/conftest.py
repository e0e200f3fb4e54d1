"""What every test shares: no task may be left over."""

import asyncio
from collections.abc import AsyncIterator

import pytest


@pytest.fixture(autouse=True)
async def no_leftover_tasks() -> AsyncIterator[None]:
    """Fail a test that leaves a task running."""
    before = asyncio.all_tasks()
    yield
    await asyncio.sleep(0)
    ours = asyncio.current_task()
    left = [task for task in asyncio.all_tasks() - before if task is not ours and not task.done()]
    assert not left, f"left running: {left}"
