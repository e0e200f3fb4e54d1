"""The quickest faults once: the video comes back by itself, and the neighbours miss nothing."""

from pathlib import Path

import pytest

from tests.faults.fault import suffer
from tests.faults.places import PLACES

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


async def test_the_video_comes_back_and_the_neighbours_miss_nothing(tmp_path: Path) -> None:
    house = PLACES[0]
    async with house.opened(tmp_path) as stage:
        for fault in house.faults:
            if fault.quick:
                seconds, missed = await suffer(stage, fault)
                print(f"{fault.title}: {max(seconds):.1f} s")
                assert missed == 0, fault.title


def test_every_fault_has_a_name_of_its_own() -> None:
    names = [fault.name for place in PLACES for fault in place.faults]
    assert len(names) == len(set(names))
