"""What the files say: one building with its cameras (desired state)."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from gateway.kit.secret import Secret
from gateway.model.text import LocalText


class Pull(StrEnum):
    """When a camera's video is pulled."""

    ALWAYS = "always"
    ON_DEMAND = "on_demand"


class Follow(StrEnum):
    """What becomes of a camera that answers at another address than its file names."""

    TELL = "tell"
    PLAY = "play"
    WRITE = "write"


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
class PrivacyHours:
    """A part of every day, in minutes after midnight at the site; may go over midnight."""

    start: int
    end: int

    def covers(self, minute: int) -> bool:
        """Tell whether a minute of the day lies within."""
        if self.start < self.end:
            return self.start <= minute < self.end
        return minute >= self.start or minute < self.end


@dataclass(frozen=True, slots=True)
class Camera:
    """One camera of a site.

    ``rtsp`` and ``rtsp_sub`` are addresses of the main and the low-resolution stream without user
    and password; ``onvif`` is a host, ``host:port`` or device-service URL. At least one of
    ``rtsp`` and ``onvif`` is there. Nobody watches during the ``privacy_hours``.
    """

    id: str
    name: LocalText
    rtsp: str | None = None
    rtsp_sub: str | None = None
    onvif: str | None = None
    credential: Credential | None = None
    pull: Pull = Pull.ALWAYS
    enabled: bool = True
    privacy_hours: tuple[PrivacyHours, ...] = ()


@dataclass(frozen=True, slots=True)
class RtspOutput:
    """Where and to whom the media server offers the site's streams over RTSP (TCP port)."""

    port: int
    users: tuple[Credential, ...]


@dataclass(frozen=True, slots=True)
class MediaServerSettings:
    """One site's own media-server settings; ``None`` means the company's default.

    Without ``rtsp_output`` no recorder can take streams.
    """

    address: str | None = None
    external_address: str | None = None
    license: Secret | None = None
    max_viewers: int | None = None
    engine: str | None = None
    rtsp_output: RtspOutput | None = None
    nodes: tuple[tuple[str, str], ...] | None = None


@dataclass(frozen=True, slots=True)
class Discovery:
    """Where and with which credentials the cameras of a site are looked for.

    ``follow`` says what becomes of one that has moved.
    """

    interface: str | None = None
    subnets: tuple[str, ...] = ()
    credentials: tuple[Credential, ...] = ()
    follow: Follow = Follow.PLAY


@dataclass(frozen=True, slots=True)
class Viewing:
    """Who may watch, from which websites, for how long.

    Tickets that were issued before ``tickets_since`` open nothing here.
    """

    access: Access = Access.TICKET
    allowed_origins: tuple[str, ...] = ()
    max_watch_s: float | None = None
    sound: bool = False
    tickets_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Scaling:
    """Limits of the number of media servers of a site, the origin included.

    ``licenses`` are the keys that edges may take, one each; the site's origin has its own.
    ``own_licenses``: no other site may take them.
    """

    min_servers: int = 1
    max_servers: int = 1
    viewers_per_server: int = 200
    shrink_after_s: float = 600.0
    licenses: tuple[Secret, ...] = ()
    own_licenses: bool = False


@dataclass(frozen=True, slots=True)
class Site:
    """One building, one file. ``id`` equals the file's name without ``.yaml``.

    ``timezone`` is a name of the IANA database; privacy hours are in it.
    """

    id: str
    name: LocalText
    cameras: tuple[Camera, ...]
    media_server: MediaServerSettings = field(default_factory=MediaServerSettings)
    discovery: Discovery = field(default_factory=Discovery)
    viewing: Viewing = field(default_factory=Viewing)
    scaling: Scaling = field(default_factory=Scaling)
    enabled: bool = True
    timezone: str | None = None

    def camera(self, camera_id: str) -> Camera | None:
        """Return the camera called ``camera_id``."""
        return next((camera for camera in self.cameras if camera.id == camera_id), None)

    def is_private(self, camera_id: str, at: datetime) -> bool:
        """Tell whether ``at`` lies in the privacy hours of a camera."""
        camera = self.camera(camera_id)
        if camera is None or not camera.privacy_hours:
            return False
        local = at.astimezone(ZoneInfo(self.timezone or "UTC"))
        minute = local.hour * 60 + local.minute
        return any(hours.covers(minute) for hours in camera.privacy_hours)


def stream_name(site_id: str, camera_id: str, *, sub: bool = False) -> str:
    """Return the name of a camera's stream in a media server, unique in the fleet."""
    return f"{site_id}-{camera_id}-sub" if sub else f"{site_id}-{camera_id}"
