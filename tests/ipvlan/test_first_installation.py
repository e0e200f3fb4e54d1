"""The first installation on ipvlan, as ``docs/docker.md`` tells it, in a small virtual machine."""

import pytest

from tests.ipvlan import machine
from tests.ipvlan.steps import DONE, Step

pytestmark = [pytest.mark.machine, pytest.mark.timeout(1500), pytest.mark.xdist_group("machine")]


@pytest.fixture(scope="module")
def said() -> str:
    """Return what the machine has said from its start to its end."""
    reason = machine.missing()
    if reason:
        pytest.skip(f"no virtual machine: {reason}")
    return machine.run()


@pytest.mark.parametrize("step", list(Step), ids=lambda step: step.name.lower())
def test_step(said: str, step: Step) -> None:
    assert f"ok: {step}\n" in said, said[-4000:]


def test_the_end(said: str) -> None:
    assert DONE in said, said[-4000:]
