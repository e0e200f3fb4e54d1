"""One player of the RTSP output: what it has set up, and what it is sent or spared."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from gateway.mediaserver.outlet.burst import Burst

LATE_S: Final = 10.0
"""So long a player may have no room for anything before it is given up."""


class Carrier(Protocol):
    """How one track's packets travel to a player."""

    @property
    def full(self) -> bool:
        """Whether what waits already is as much as may wait."""

    def send(self, burst: Burst) -> None:
        """Send the packets of one frame."""

    def rtcp(self, packet: bytes) -> None:
        """Send one RTCP packet."""

    def close(self) -> None:
        """Free what it holds."""


@dataclass(slots=True)
class Sent:
    """What a player was sent of one track."""

    packets: int = 0
    octets: int = 0

    def count(self, burst: Burst) -> None:
        """Count one frame."""
        self.packets += len(burst.packets)
        self.octets += burst.octets


@dataclass(slots=True, eq=False)
class Player:
    """Where a player's tracks go; ``hang_up(reason)`` ends its connection.

    One that cannot keep up loses frames until the next key frame, so that what it does get can be
    decoded.
    """

    hang_up: Callable[[str], None]
    video_carrier: Carrier | None = None
    audio_carrier: Carrier | None = None
    video_sent: Sent = field(default_factory=Sent)
    audio_sent: Sent = field(default_factory=Sent)
    dropped: int = 0
    _waits: bool = True
    _full_since: float | None = None

    def video(self, burst: Burst) -> None:
        """Send one picture, if there is room."""
        carrier = self.video_carrier
        if carrier is None or (self._waits and not burst.key):
            self.dropped += carrier is not None
            return
        if carrier.full:
            self._no_room()
            return
        self._waits, self._full_since = False, None
        carrier.send(burst)
        self.video_sent.count(burst)

    def audio(self, burst: Burst) -> None:
        """Send one packet of sound; it does not wait for room."""
        carrier = self.audio_carrier
        if carrier is not None and not carrier.full:
            carrier.send(burst)
            self.audio_sent.count(burst)

    def wait_for_key(self) -> None:
        """Send no more pictures before the next key frame."""
        self._waits = True

    def video_report(self, packet: bytes) -> None:
        """Send a report of the video."""
        if self.video_carrier is not None and not self.video_carrier.full:
            self.video_carrier.rtcp(packet)

    def audio_report(self, packet: bytes) -> None:
        """Send a report of the sound."""
        if self.audio_carrier is not None and not self.audio_carrier.full:
            self.audio_carrier.rtcp(packet)

    def goodbye(self, packet: bytes) -> None:
        """Say that nothing more will come."""
        self.video_report(packet)

    def close(self) -> None:
        """Free what the tracks hold."""
        for carrier in (self.video_carrier, self.audio_carrier):
            if carrier is not None:
                carrier.close()

    def _no_room(self) -> None:
        now = time.monotonic()
        self.dropped += 1
        self._waits = True
        if self._full_since is None:
            self._full_since = now
        elif now - self._full_since > LATE_S:
            self.hang_up("it does not take the video")
