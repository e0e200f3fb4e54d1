"""The steps between desired and observed, each with its reason."""

from dataclasses import dataclass
from enum import StrEnum

from gateway.kit.secret import Secret
from gateway.model.remark import Remark
from gateway.model.server import ServerSpec


class StepKind(StrEnum):
    """What a step does."""

    CREATE = "create"
    REPLACE = "replace"
    START = "start"
    STOP = "stop"
    REMOVE = "remove"
    PULL = "pull"
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class Step:
    """One step. ``target`` is the server's id, or the stream's name for PULL and DROP."""

    kind: StepKind
    site: str
    target: str
    reason: Remark
    server: str = ""
    spec: ServerSpec | None = None
    uri: Secret | None = None

    def __str__(self) -> str:
        return f"{self.kind} {self.target}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Plan:
    """All steps of one site, in order; empty when the world is as wanted."""

    site: str
    steps: tuple[Step, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.steps)
