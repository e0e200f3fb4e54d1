"""What a probe has measured of a camera's stream, and what follows for a browser."""

from dataclasses import dataclass, field
from enum import StrEnum


class Playable(StrEnum):
    """Whether residents' browsers can play a stream without transcoding."""

    EVERYWHERE = "everywhere"
    SOMEWHERE = "somewhere"
    NOWHERE = "nowhere"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class StreamFacts:
    """Measured facts of one stream; ``None`` where the probe could not tell.

    ``fps`` in frames per second, ``bitrate`` in bits per second, ``gop_s`` the longest distance
    of key frames in seconds, ``gop_varies`` when distances differ by more than half (the mark of
    "H.264+" and other smart codecs), ``audio`` the codec's RTP name or ``None`` for no sound.
    """

    codec: str | None = None
    profile: str | None = None
    level: str | None = None
    width: int = 0
    height: int = 0
    fps: float | None = None
    bitrate: float | None = None
    gop_s: float | None = None
    gop_varies: bool = False
    b_frames: bool = False
    audio: str | None = None
    single_session: bool = False


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that a technician should know: what is so, and which setting to change.

    ``code`` with ``stream`` (main, sub), ``value`` (what was measured) and ``wanted`` (what to
    set) is the same for programs: pages say it in other languages.
    """

    code: str
    text: str
    setting: str = ""
    stream: str = ""
    value: str = ""
    wanted: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether and how a browser can play a stream, with reasons, worst first."""

    playable: Playable
    reasons: tuple[Reason, ...] = ()

    @property
    def sentence(self) -> str:
        """One line for people."""
        head = {
            Playable.EVERYWHERE: "plays in every browser",
            Playable.SOMEWHERE: "plays in some browsers only",
            Playable.NOWHERE: "does not play in a browser",
            Playable.UNKNOWN: "could not be judged",
        }[self.playable]
        return f"{head}: {self.reasons[0].text}" if self.reasons else head


@dataclass(frozen=True, slots=True)
class CameraVerdict:
    """The verdict of a camera: which stream the wall shows and which the full screen.

    ``wall`` and ``full`` are ``"main"``, ``"sub"`` or ``None`` when nothing can be played.
    """

    playable: Playable
    wall: str | None
    full: str | None
    streams: dict[str, Verdict] = field(default_factory=dict, hash=False)
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class ProbeFailure:
    """Why no picture came, for a technician; ``kind`` is for programs."""

    kind: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """One probed stream: measured facts and a JPEG, or the failure."""

    facts: StreamFacts
    picture: bytes | None = field(default=None, repr=False)
    failure: ProbeFailure | None = None
    took_s: float = 0.0
