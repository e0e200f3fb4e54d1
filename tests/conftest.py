"""What every test shares: no task may be left over, and the pretend cameras' pictures."""

import asyncio
import fcntl
import hashlib
import inspect
import os
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import settings

import gateway.demo
from gateway.demo import encode
from gateway.demo.building import _view

# No deadlines: the machine may be busy with something else. `make test` looks more closely.
settings.register_profile("quick", max_examples=40, deadline=None)
settings.register_profile("thorough", max_examples=400, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


@pytest.fixture(scope="session")
def clips() -> Path:
    """Return a folder in which the first three pretend cameras' pictures are ready to be played.

    Encoding a minute takes seconds: it is done once, by one worker, and kept for the next run as
    long as nothing in the room that draws them changes.
    """
    digest = hashlib.sha256()
    for source in sorted(Path(gateway.demo.__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    folder = Path(__file__).parent / "out" / f"clips-{digest.hexdigest()[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for number in range(3):
            encode.clips(
                _view(number),
                second=0,
                ready=lambda _made: None,
                stop=threading.Event(),
                cache=folder,
            )
    return folder


@pytest.fixture(autouse=True)
def no_leftovers(request: pytest.FixtureRequest) -> None:
    """Look after every test that has an event loop."""
    if inspect.iscoroutinefunction(getattr(request, "function", None)):
        request.getfixturevalue("no_leftover_tasks")


@pytest.fixture
async def no_leftover_tasks() -> AsyncIterator[None]:
    """Fail a test that leaves a task running."""
    before = asyncio.all_tasks()
    yield
    await asyncio.sleep(0)
    ours = asyncio.current_task()
    left = [task for task in asyncio.all_tasks() - before if task is not ours and not task.done()]
    assert not left, f"left running: {left}"
