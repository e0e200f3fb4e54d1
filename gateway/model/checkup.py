"""What the last full look at a camera has shown, and how that compares with its beginning."""

from dataclasses import dataclass
from datetime import datetime

from gateway.model.probe import CameraVerdict, Playable, ProbeFailure, StreamFacts


@dataclass(frozen=True, slots=True)
class Checkup:
    """The last full look at a camera, whoever has had it taken.

    ``target`` is the address in the file that it was taken for. ``verdict`` and the facts are
    those of the last look that has succeeded, at ``seen``; ``failure`` and ``failures`` tell of
    those since. ``baseline`` is how the camera played when it was registered. ``single``: it gives
    one RTSP session only, so that a second one would disturb its viewers.
    """

    site: str
    camera: str
    when: datetime
    target: str
    main: StreamFacts | None = None
    sub: StreamFacts | None = None
    verdict: CameraVerdict | None = None
    seen: datetime | None = None
    failure: ProbeFailure | None = None
    failures: int = 0
    baseline: Playable = Playable.UNKNOWN
    single: bool = False
