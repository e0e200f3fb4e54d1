"""How much of its processors a container uses, by two of the engine's samples; pure.

Docker Engine API, ``GET /containers/{id}/stats``: a sample holds what the container has used since
it began and what the machine's processors, busy or idle, have had to give since its boot, both in
nanoseconds. Their differences make the share; no clock of ours comes into it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

_PERIOD_US: Final = 100_000
"""What a quota is of, unless the container says otherwise."""

_RANGE: Final = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?")


@dataclass(frozen=True, slots=True)
class Sample:
    """One look: ``used`` by the container and ``had`` by the machine (ns), its processors."""

    used: int
    had: int
    online: int

    @classmethod
    def read(cls, answer: Any) -> Self | None:
        """Return what an engine's answer holds; ``None`` for one without the numbers.

        A container that does not run has none.
        """
        try:
            cpu = answer["cpu_stats"]
            used, had = int(cpu["cpu_usage"]["total_usage"]), int(cpu["system_cpu_usage"])
            online = int(cpu.get("online_cpus") or len(cpu["cpu_usage"]["percpu_usage"]))
        except (KeyError, TypeError, ValueError, AttributeError):
            return None
        return cls(used, had, online) if online > 0 else None


def share(before: Sample, after: Sample, limit: float | None) -> float | None:
    """Return what was used between two samples of what may be used: ``limit``, else the machine.

    ``limit`` is a number of processors. ``None`` when the counters have begun anew.
    """
    used, had = after.used - before.used, after.had - before.had
    if used < 0 or had <= 0:
        return None
    whole = min(limit or after.online, after.online)
    return min(1.0, used / had * after.online / whole)


def limit_of(host_config: Mapping[str, Any]) -> float | None:
    """Return how many processors a container may use, by its ``HostConfig``; ``None``: all."""
    limits = [int(host_config.get("NanoCpus") or 0) / 1e9]
    quota, period = host_config.get("CpuQuota") or 0, host_config.get("CpuPeriod") or _PERIOD_US
    limits.append(int(quota) / int(period))
    limits.append(_count(str(host_config.get("CpusetCpus") or "")))
    return min((one for one in limits if one > 0), default=None)


def _count(cpuset: str) -> int:
    """Count the processors of a list such as ``0-3,7``."""
    found = (_RANGE.fullmatch(part.strip()) for part in cpuset.split(","))
    return sum(int(one[2] or one[1]) - int(one[1]) + 1 for one in found if one is not None)
