"""The keys of ``machine`` in ``gateway.yaml``: how much of the machine media servers may take."""

import re
from typing import Annotated, Any, Final

from pydantic import Field, PlainValidator, WithJsonSchema

from gateway.config.fields import wrong
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
