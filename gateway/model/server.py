"""Media servers: what a site wants of one, and what the world shows of it."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from gateway.kit.secret import Secret
from gateway.model.company import Limits, RuntimeKind
from gateway.model.site import RtspOutput


class Role(StrEnum):
    """A site's first media server pulls the cameras; further ones take its streams."""

    ORIGIN = "origin"
    EDGE = "edge"


def edge_id(site: str, n: int) -> str:
    """Return the id of a site's ``n``-th edge, counted from 1.

    A site's id holds no dot, so the id of an edge is never that of a site.
    """
    return f"{site}.edge{n}"


def without_version(fingerprint: str) -> str:
    """Return what a fingerprint says of the settings: ``@`` and a version may follow that."""
    return fingerprint.partition("@")[0]


@dataclass(frozen=True, slots=True)
class ServerSpec:
    """One wanted media server. ``id`` is unique in the fleet (the site's id for the origin).

    ``origin``: the server that an edge takes its streams from, ``None`` for an origin.
    ``feeds_edges``: an origin that edges may take streams from; it is there before the first edge,
    so that an origin need not be made anew for it. ``rtsp_output``: what recorders are offered.
    ``nodes``: labels that the node of a Swarm must have.
    """

    id: str
    site: str
    role: Role = Role.ORIGIN
    runtime: RuntimeKind = RuntimeKind.PROCESS
    image: str | None = None
    address: str | None = None
    external_address: str | None = None
    license: Secret | None = None
    limits: Limits = field(default_factory=Limits)
    max_viewers: int = 500
    sound: bool = False
    origin: str | None = None
    feeds_edges: bool = False
    rtsp_output: RtspOutput | None = None
    nodes: tuple[tuple[str, str], ...] = ()


class ServerState(StrEnum):
    """Where a media server stands, as its runtime sees it."""

    STARTING = "starting"
    RUNNING = "running"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class ControlAddress:
    """How the gateway reaches a media server: REST and signalling, never the media."""

    http_url: str
    ws_url: str
    username: str | None = None
    password: Secret | None = None
    token: Secret | None = None


@dataclass(frozen=True, slots=True)
class ServerObserved:
    """One media server that the runtime shows.

    ``fingerprint`` is that of the spec it was made from, with ``@`` and the version of what made it
    where that matters; ``detail`` holds the last log lines of
    one that died; ``control`` is there once it can be asked.
    """

    id: str
    site: str
    role: Role
    state: ServerState
    fingerprint: str
    since: datetime
    control: ControlAddress | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class CaptureObserved:
    """A camera that a media server pulls (``/rtsp/find_all``). ``uri`` holds credentials.

    ``reason`` says in words why it does not play and ``kind`` in one; only the embedded server
    tells it.
    """

    uri: Secret
    stream: str | None
    status: str
    info: str | None = None
    reason: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class StreamObserved:
    """An entry of ``/stream/find_all``: an ingest (``published``) or one viewer."""

    name: str
    media_session_id: str
    published: bool
    status: str
    info: str | None = None
    video_codec: str | None = None
    width: int = 0
    height: int = 0


@dataclass(frozen=True, slots=True)
class ServerStats:
    """Numbers of ``/?action=stat`` by metric name."""

    values: dict[str, float]

    def get(self, name: str, default: float = 0.0) -> float:
        """Return one metric."""
        return self.values.get(name, default)
