"""What is said of the last step of a site: what was done, or why it could not be (pure)."""

from typing import Final

from gateway.model.errors import GatewayError
from gateway.model.plan import Step, StepKind
from gateway.model.remark import Remark, remark

_DONE: Final = {
    StepKind.CREATE: "made media server",
    StepKind.REPLACE: "replaced media server",
    StepKind.START: "started media server",
    StepKind.STOP: "stopped media server",
    StepKind.REMOVE: "removed media server",
    StepKind.PULL: "asked for the video of",
    StepKind.DROP: "let go of",
}


def done(step: Step, took_s: float) -> Remark:
    """Say what a step has done, how fast and why."""
    seconds = f"{took_s:.2f}"
    text = f"{_DONE[step.kind]} {step.target} in {seconds} s: {step.reason}"
    values = dict(step.reason.values)
    return remark(
        f"done_{step.kind}",
        text,
        target=step.target,
        seconds=seconds,
        why=step.reason.code,
        **values,
    )


def failed(step: Step, error: GatewayError) -> Remark:
    """Say that a step could not be taken."""
    text = f"could not {step.kind} {step.target}: {error}"
    return remark(f"failed_{step.kind}", text, target=step.target, why=str(error.kind))


def troubled(error: GatewayError) -> Remark:
    """Say why nothing can be done for a site."""
    return remark("troubled", str(error), why=str(error.kind))
