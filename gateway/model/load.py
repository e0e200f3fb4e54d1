"""How much is asked of media servers and of the machine that they run on."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServerLoad:
    """One media server of a site as it is loaded now.

    ``n`` is 0 for the origin, an edge's number else. ``cpu`` is a share of what one server can
    use (1 is all of it), ``None`` where it does not say; ``ports_free`` is how many viewers its
    media ports still take; ``degraded`` is the share of its streams that it sends too late.
    """

    n: int
    ready: bool = True
    viewers: int = 0
    cpu: float | None = None
    ports_free: int | None = None
    degraded: float = 0.0


@dataclass(frozen=True, slots=True)
class MachineLoad:
    """What is taken of the machine, by whomever; shares from 0 to 1."""

    cpu: float = 0.0
    memory: float = 0.0
