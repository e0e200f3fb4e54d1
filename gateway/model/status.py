"""The latest known status, as the board holds it and the API shows it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gateway.model.company import Problem
from gateway.model.probe import Playable, Reason
from gateway.model.remark import NOTHING, Remark
from gateway.model.server import Role
from gateway.model.text import LocalText


class CameraState(StrEnum):
    """What a resident may expect of a camera now."""

    LIVE = "live"
    IDLE = "idle"  # on demand, nobody watches
    CONNECTING = "connecting"
    SILENT = "silent"  # it was live and sends nothing now
    FAILED = "failed"  # it answers, but cannot be played; the reason says why
    WAITING = "waiting"  # its media server is not ready, or its address is not known yet
    DISABLED = "disabled"


class SiteState(StrEnum):
    """A building at one glance."""

    OK = "ok"
    DEGRADED = "degraded"
    DOWN = "down"
    STARTING = "starting"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Checked:
    """What the last full look at a camera has shown.

    ``sentence`` is whether browsers can play it and why not, ``setting`` what to change on it;
    ``reasons`` are the same for programs.
    """

    playable: Playable
    sentence: str
    setting: str
    when: datetime
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class CameraStatus:
    """One camera: its state since when, why, and what plays.

    ``code`` is the reason in one word, ``about`` the other camera that it is about, if any.
    """

    id: str
    name: LocalText
    state: CameraState
    since: datetime
    reason: str = ""
    hint: str = ""
    code: str = ""
    about: str = ""
    video_codec: str | None = None
    width: int = 0
    height: int = 0
    viewers: int = 0
    last_live: datetime | None = None
    has_sub: bool = False
    checked: Checked | None = None


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """One media server on the board.

    ``cpu`` is a share of what it can use, ``None`` while it does not say; one that is ``draining``
    takes no new viewers.
    """

    id: str
    role: Role
    state: str
    since: datetime
    detail: str = ""
    viewers: int = 0
    cpu: float | None = None
    draining: bool = False


@dataclass(frozen=True, slots=True)
class SiteStatus:
    """One building on the board; ``scaling`` is the last decision on its number of servers."""

    id: str
    name: LocalText
    state: SiteState
    since: datetime
    cameras: tuple[CameraStatus, ...] = ()
    servers: tuple[ServerStatus, ...] = ()
    problems: tuple[Problem, ...] = ()
    last_step: Remark = NOTHING
    scaling: Remark = NOTHING

    def camera(self, camera_id: str) -> CameraStatus | None:
        """Return the status of ``camera_id``."""
        return next((camera for camera in self.cameras if camera.id == camera_id), None)
