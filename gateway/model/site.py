"""What the files say: one building with its cameras (desired state)."""

from dataclasses import dataclass, field
from enum import StrEnum

from gateway.kit.secret import Secret
from gateway.model.text import LocalText


class Pull(StrEnum):
    """When a camera's video is pulled."""

    ALWAYS = "always"
    ON_DEMAND = "on_demand"


class Access(StrEnum):
    """Who may watch a site."""

    TICKET = "ticket"
    PUBLIC = "public"
    STAFF = "staff"


@dataclass(frozen=True, slots=True)
class Credential:
    """A user of cameras; ``reference`` (``env:CAMERAS``) is what may be shown and remembered."""

    username: str
    password: Secret
    reference: str


@dataclass(frozen=True, slots=True)
class Camera:
    """One camera of a site.

    ``rtsp`` and ``rtsp_sub`` are addresses of the main and the low-resolution stream without user
    and password; ``onvif`` is a host, ``host:port`` or device-service URL. At least one of
    ``rtsp`` and ``onvif`` is there.
    """

    id: str
    name: LocalText
    rtsp: str | None = None
    rtsp_sub: str | None = None
    onvif: str | None = None
    credential: Credential | None = None
    pull: Pull = Pull.ALWAYS
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class MediaServerSettings:
    """One site's own media-server settings; ``None`` means the company's default."""

    address: str | None = None
    external_address: str | None = None
    license: Secret | None = None
    max_viewers: int | None = None


@dataclass(frozen=True, slots=True)
class Discovery:
    """Where and with which credentials the cameras of a site are looked for."""

    interface: str | None = None
    subnets: tuple[str, ...] = ()
    credentials: tuple[Credential, ...] = ()


@dataclass(frozen=True, slots=True)
class Viewing:
    """Who may watch, from which websites, for how long."""

    access: Access = Access.TICKET
    allowed_origins: tuple[str, ...] = ()
    max_watch_s: float | None = None
    sound: bool = False


@dataclass(frozen=True, slots=True)
class Scaling:
    """Limits of the number of media servers of a site."""

    max_servers: int = 1
    viewers_per_server: int = 200


@dataclass(frozen=True, slots=True)
class Site:
    """One building, one file. ``id`` equals the file's name without ``.yaml``."""

    id: str
    name: LocalText
    cameras: tuple[Camera, ...]
    media_server: MediaServerSettings = field(default_factory=MediaServerSettings)
    discovery: Discovery = field(default_factory=Discovery)
    viewing: Viewing = field(default_factory=Viewing)
    scaling: Scaling = field(default_factory=Scaling)
    enabled: bool = True

    def camera(self, camera_id: str) -> Camera | None:
        """Return the camera called ``camera_id``."""
        return next((camera for camera in self.cameras if camera.id == camera_id), None)


def stream_name(site_id: str, camera_id: str, *, sub: bool = False) -> str:
    """Return the name of a camera's stream in a media server, unique in the fleet."""
    return f"{site_id}-{camera_id}-sub" if sub else f"{site_id}-{camera_id}"
