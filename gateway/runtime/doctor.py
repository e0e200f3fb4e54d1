"""What a check of the machine found, and what to do about it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from gateway.model.errors import GatewayError


class Health(StrEnum):
    """How a check went; only ``fail`` keeps media servers from working."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check's result; ``fix`` says what to do when it is not ``ok``."""

    check: str
    health: Health
    message: str
    fix: str = ""

    def __str__(self) -> str:
        line = f"{self.health:4}  {self.check}: {self.message}"
        return f"{line}\n      -> {self.fix}" if self.fix else line


def ok(check: str, message: str) -> Finding:
    """Return the finding of a check that went well."""
    return Finding(check, Health.OK, message)


def warn(check: str, message: str, fix: str) -> Finding:
    """Return the finding of something that may hurt later."""
    return Finding(check, Health.WARN, message, fix)


def fail(check: str, message: str, fix: str) -> Finding:
    """Return the finding of something that cannot work."""
    return Finding(check, Health.FAIL, message, fix)


async def asked(check: str, question: Callable[[], Awaitable[Sequence[Finding]]]) -> list[Finding]:
    """Return what ``question`` finds; a GatewayError becomes a finding of ``check``."""
    try:
        return list(await question())
    except GatewayError as error:
        return [fail(check, error.message, error.hint)]
