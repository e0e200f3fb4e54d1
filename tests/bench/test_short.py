"""The bar that needs neither Janus nor a compiler nor root: the engine beside a bare loop."""

import asyncio
import re
import sys

import pytest

from tests.bench import place
from tests.bench.report import OURS


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_the_engine_costs_little_more_than_encrypting_and_sending() -> None:
    """Nothing but a ratio of the same minute is asserted."""
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
    assert re.search(rf"^\| {OURS} \|", said, re.MULTILINE), said
    bar = re.search(r"^\| CPU a packet against Python loop, 50 viewers .*$", said, re.MULTILINE)
    assert bar is not None, said
    assert "| met |" in bar[0], said
