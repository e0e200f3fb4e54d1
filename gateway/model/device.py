"""What a camera has said about itself over ONVIF."""

from dataclasses import dataclass
from enum import StrEnum


class DeviceFailureKind(StrEnum):
    """Why a device could not be questioned to the end."""

    UNREACHABLE = "unreachable"
    NO_ONVIF = "no_onvif"
    WRONG_PASSWORD = "wrong_password"  # noqa: S105  # the name of a failure
    NEEDS_PASSWORD = "needs_password"  # noqa: S105  # the name of a failure
    CLOCK_OFF = "clock_off"
    LOCKED = "locked"
    TOO_SLOW = "too_slow"
    BAD_ANSWER = "bad_answer"
    NO_PROFILE = "no_profile"
    OUTSIDE = "outside"
    NOT_OFFERED = "not_offered"


@dataclass(frozen=True, slots=True)
class DeviceFailure:
    """A failure in a technician's words: what is so, and what to do."""

    kind: DeviceFailureKind
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class Profile:
    """One media profile; zero or ``None`` where the camera does not say.

    ``source`` is the token of the video source that it shows; ``rtsp`` has no user and password;
    ``gop`` in frames, ``bitrate`` in bits per second.
    """

    token: str
    name: str
    source: str
    codec: str | None = None
    width: int = 0
    height: int = 0
    fps: float = 0
    gop: int = 0
    bitrate: int = 0
    encoder: str | None = None
    rtsp: str | None = None
    media2: bool = False


@dataclass(frozen=True, slots=True)
class VideoSource:
    """One picture of a device (a recorder has many), with its best and its lightest profile."""

    token: str
    main: Profile
    sub: Profile | None = None


@dataclass(frozen=True, slots=True)
class DeviceReport:
    """All that a device has told.

    ``skew_s`` is the camera's clock minus ours in seconds; ``credential`` is the reference of the
    one that was accepted, empty when none was needed; ``notes`` are oddities worth knowing.
    """

    address: str
    xaddr: str = ""
    make: str = ""
    model: str = ""
    firmware: str = ""
    serial: str = ""
    mac: str | None = None
    skew_s: float | None = None
    sources: tuple[VideoSource, ...] = ()
    credential: str = ""
    failure: DeviceFailure | None = None
    notes: tuple[str, ...] = ()

    @property
    def identity(self) -> str:
        """What tells this device from others: its MAC, else serial and model, else its address."""
        if self.mac:
            return f"mac:{self.mac}"
        if self.serial and self.serial.lower() not in _PLACEHOLDERS:
            return f"serial:{self.model}:{self.serial}"
        return f"address:{self.address}"


_PLACEHOLDERS = frozenset({"serialnumber", "123456", "0123456789", "0", "none", "n/a", "unknown"})
