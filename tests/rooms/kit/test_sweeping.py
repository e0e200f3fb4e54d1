"""Full sweeps come by the clock, not by growth, and leave out what was there before."""

import gc
import weakref

from gateway.kit.sweeping import rest_s, swept
from tests.waiting import until


class Knot:
    """An object that only a collection can free."""

    def __init__(self) -> None:
        self.me = self


def old_knot() -> "weakref.ref[Knot]":
    """Return a knot that nobody holds and only a full collection looks at."""
    knot = Knot()
    gc.collect()
    return weakref.ref(knot)


async def test_old_garbage_goes_without_any_growth() -> None:
    async with swept(every_s=0.01):
        knot = old_knot()
        await until(lambda: knot() is None, within=20)


async def test_what_was_there_before_is_looked_at_again_only_afterwards() -> None:
    knot = Knot()
    there = weakref.ref(knot)
    async with swept(every_s=3600):
        assert gc.get_freeze_count() > 0
        del knot
        gc.collect()
        assert there() is not None
    assert gc.get_freeze_count() == 0
    gc.collect()
    assert there() is None


def test_sweeps_take_a_thousandth_of_the_time_at_most() -> None:
    assert rest_s(60, took_s=0.001) == 60
    assert rest_s(60, took_s=0.3) == 300
