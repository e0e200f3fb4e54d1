"""The bar that needs neither Janus nor a compiler nor root: the engine beside a bare loop."""

import asyncio
import re
import sys

import pytest

from tests.bench import place
from tests.bench.report import LOOP, OURS

BAR = 1.3
NOISE = 1.4
"""On a machine that others use, too, ratios wander; packets that go one by one cost twice."""


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_the_engine_costs_little_more_than_encrypting_and_sending() -> None:
    """Nothing but a ratio of medians of the same minute is asserted."""
    if place.cores() < 2:
        pytest.skip("needs a core for the server and one for the viewers")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench", "--short", "--only", "ours", "loop"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=place.ROOT,
    )
    assert process.stdout is not None
    try:
        said = (await process.stdout.read()).decode()
    finally:
        await place.end(process)
    figures = dict(re.findall(r"^\| (ours|Python loop) \| ([\d.]+) ", said, re.MULTILINE))
    assert set(figures) == {OURS, LOOP}, said
    assert float(figures[OURS]) / float(figures[LOOP]) < BAR * NOISE, said
