"""Bars of the residents' page: what a visit weighs, and that twelve cameras play on one visits."""

from pathlib import Path

import pytest

from tests.bench import visits
from tests.e2e.browser import chromium

FILES_BYTES = 30_000
AGAIN_BYTES = 5_000
"""Headers of answers that say that nothing has changed."""

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(180)]


async def test_a_visit_weighs_little_and_twelve_cameras_play(tmp_path: Path) -> None:
    async with visits.a_building(tmp_path) as company, chromium() as browser:
        first, again = await visits.first_and_again(browser, company, visits.PROFILES[0])
        assert 10_000 < first.bytes["files"] < FILES_BYTES
        assert again.bytes["files"] < AGAIN_BYTES
        assert first.requests <= 20
        many = await visits.crowd(browser, company, seconds=4)
        assert many.playing == visits.PLAYERS


def test_only_what_is_beyond_fifty_milliseconds_of_the_main_thread_blocks() -> None:
    def event(name: str, tid: int, **more: object) -> dict[str, object]:
        return {"name": name, "pid": 7, "tid": tid, "args": {}, **more}

    events = [
        event("thread_name", 1, args={"name": "CrRendererMain"}),
        event("thread_name", 2, args={"name": "Compositor"}),
        event("RunTask", 1, dur=49_000),
        event("RunTask", 1, dur=80_000),
        event("RunTask", 2, dur=500_000),
        event("Paint", 1, dur=500_000),
    ]
    assert visits.blocked_ms(events) == 30
