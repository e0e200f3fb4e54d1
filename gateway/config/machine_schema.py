"""The keys in ``gateway.yaml`` that say how much of the machine media servers may take."""

import re
from typing import Annotated, Any, Final

from pydantic import Field, PlainValidator, WithJsonSchema

from gateway.config.fields import CpuSet, Memory, wrong
from gateway.config.site_schema import Keys
from gateway.model.company import Machine

_SHARE: Final = re.compile(r"(\d{1,3}) ?%")
_MACHINE: Final = Machine()


def _share(data: Any) -> float:
    match = _SHARE.fullmatch(data) if isinstance(data, str) else None
    if match is None or not 1 <= int(match[1]) <= 100:  # noqa: PLR2004  # percent
        raise wrong("must be a share from 1% to 100%; write for example 80%")
    return int(match[1]) / 100


Share = Annotated[
    float, PlainValidator(_share), WithJsonSchema({"type": "string", "pattern": r"^\d{1,3} ?%$"})
]


class LimitsKeys(Keys):
    """What one media server may use."""

    cpus: Annotated[float, Field(gt=0, le=1024, allow_inf_nan=False)] | None = Field(
        default=None, description="Processors that one media server may use.", examples=["2"]
    )
    memory: Memory | None = Field(
        default=None,
        description="Memory that one media server may use (k, m, g).",
        examples=["2g"],
    )
    cpuset: CpuSet | None = Field(
        default=None,
        description="Numbers of the processors that media servers run on.",
        examples=["0-3"],
    )


class MachineKeys(Keys):
    """How much of the machine may be taken before no building grows any more."""

    cpu: Share = Field(
        default=_MACHINE.cpu,
        description="Share of the machine's processors above which no building grows any more.",
        examples=["70%"],
        json_schema_extra={"default": f"{_MACHINE.cpu:.0%}"},
    )
    memory: Share = Field(
        default=_MACHINE.memory,
        description="Share of the machine's memory above which no building grows any more.",
        examples=["70%"],
        json_schema_extra={"default": f"{_MACHINE.memory:.0%}"},
    )
