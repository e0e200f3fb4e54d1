"""The first installation on ipvlan, as ``docs/docker.md`` tells it, in a small virtual machine."""

import pytest

from tests.ipvlan import machine
from tests.ipvlan.steps import DONE, Step

VIDEO = (Step.PLAYS, Step.CHANGE, Step.CONTAINER, Step.GATEWAY, Step.ENGINE)
NO_CAMERA = "door is silent: no camera answers"

pytestmark = [pytest.mark.machine, pytest.mark.timeout(1500), pytest.mark.xdist_group("machine")]


@pytest.fixture(scope="module")
def said() -> str:
    """Return what the machine has said from its start to its end."""
    reason = machine.missing()
    if reason:
        pytest.skip(f"no virtual machine: {reason}")
    return machine.run()


def skip_without_camera(said: str) -> None:
    """Skip what needs video where the emulated processor is too slow to encode a picture."""
    if f"ok: {Step.PLAYS}\n" not in said and NO_CAMERA in said:
        pytest.skip("the emulated processor did not get the pretend cameras ready in time")


@pytest.mark.parametrize("step", list(Step), ids=lambda step: step.name.lower())
def test_step(said: str, step: Step) -> None:
    if step in VIDEO:
        skip_without_camera(said)
    assert f"ok: {step}\n" in said, said[-4000:]


def test_the_end(said: str) -> None:
    skip_without_camera(said)
    assert DONE in said, said[-4000:]
