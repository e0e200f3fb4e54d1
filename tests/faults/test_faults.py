"""Every fault once: the video comes back by itself, and the neighbours miss nothing."""

from pathlib import Path

import pytest

from tests.faults.__main__ import suffer
from tests.faults.faults import FAULTS
from tests.faults.scene import scene

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


async def test_the_video_comes_back_and_the_neighbours_miss_nothing(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        for fault in FAULTS:
            seconds, missed = await suffer(stage, fault)
            print(f"{fault.name}: {seconds:.1f} s")
            assert missed == 0, fault.name
