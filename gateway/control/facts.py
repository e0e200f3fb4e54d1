"""What one cycle saw of a site, and the plain words for it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.model.errors import GatewayError
from gateway.model.load import ServerLoad
from gateway.model.plan import Plan
from gateway.model.remark import NOTHING, Remark
from gateway.model.server import (
    CaptureObserved,
    ServerObserved,
    ServerSpec,
    ServerState,
    ServerStats,
    StreamObserved,
)

PUBLISHING = "PUBLISHING"
"""A stream's status while its camera sends (WCS REST, /stream/find_all)."""

PLAYING = "PLAYING"
"""A capture's status while its camera sends (WCS REST, /rtsp/find_all)."""


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """One media server: what its runtime says, and what it says itself when it can be asked.

    ``error`` is why it could not be asked or made; ``None`` together with ``asked`` false means
    that it is still coming up. ``stats`` are there when it has viewers or is an edge.
    """

    observed: ServerObserved
    asked: bool = False
    captures: tuple[CaptureObserved, ...] = ()
    streams: tuple[StreamObserved, ...] = ()
    error: GatewayError | None = None
    stats: ServerStats | None = None

    def ingest(self, stream: str) -> StreamObserved | None:
        """Return the published stream of this name."""
        return next((one for one in self.streams if one.published and one.name == stream), None)

    def capture(self, stream: str) -> CaptureObserved | None:
        """Return the pull of this stream."""
        return next((one for one in self.captures if one.stream == stream), None)

    def viewers(self, stream: str | None = None) -> int:
        """Count the viewers of one stream, or of all."""
        return sum(1 for one in self.streams if not one.published and stream in (None, one.name))

    def sends(self, stream: str) -> bool:
        """Tell whether video of this stream flows."""
        ingest = self.ingest(stream)
        return ingest is not None and ingest.status == PUBLISHING


@dataclass(frozen=True, slots=True)
class Size:
    """What a site's size means now: its edges, who drains, the loads by server, the last word.

    ``tight``: the machine is taken, so nobody gets more than the usual number of viewers.
    """

    edges: tuple[ServerSpec, ...] = ()
    draining: frozenset[str] = frozenset()
    loads: Mapping[str, ServerLoad] = field(default_factory=dict)
    said: Remark = NOTHING
    tight: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """One site as its last cycle saw it.

    ``troubles`` are failed steps by their target; ``plan`` is what the cycle found to do;
    ``size`` is how many servers were wanted and why.
    """

    site: str
    servers: tuple[ServerFacts, ...] = ()
    troubles: Mapping[str, GatewayError] = field(default_factory=dict)
    plan: Plan = field(default_factory=lambda: Plan(""))
    last_step: Remark = NOTHING
    size: Size = field(default_factory=Size)

    def running(self) -> list[ServerFacts]:
        """Return the media servers that run, whether they answer or not."""
        return [one for one in self.servers if one.observed.state is ServerState.RUNNING]

    def origin(self) -> ServerFacts | None:
        """Return the site's first media server (its id is the site's)."""
        return next((one for one in self.servers if one.observed.id == self.site), None)
