"""The seam inside the media server: ingest produces frames, fan-out delivers them to viewers.

Ingest (RTSP, depacketizing) and fan-out (WebRTC) know each other only by what stands here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class VideoCodec(StrEnum):
    """Video that is passed through."""

    H264 = "H264"
    H265 = "H265"


class AudioCodec(StrEnum):
    """Sound that is passed through (G.711, 8 kHz, mono)."""

    PCMA = "PCMA"
    PCMU = "PCMU"


@dataclass(frozen=True, slots=True)
class VideoFormat:
    """What a camera sends.

    ``parameter_sets`` are NAL units without start code (H.264: SPS, PPS; H.265: VPS, SPS, PPS);
    ``profile_level_id`` is H.264's six hex digits (RFC 6184 section 8.1).
    """

    codec: VideoCodec
    parameter_sets: tuple[bytes, ...] = ()
    profile_level_id: str | None = None
    width: int = 0
    height: int = 0


@dataclass(slots=True)
class VideoFrame:
    """One access unit, packetized for RTP.

    ``timestamp``: the camera's RTP timestamp (90 kHz, 32 bit). ``payloads``: RTP payloads in
    sending order (RFC 6184 packetization-mode 1, RFC 7798), each at most ``MAX_PAYLOAD`` bytes;
    a key frame begins with its parameter sets. ``arrival``: ``time.monotonic()`` seconds.
    """

    timestamp: int
    payloads: Sequence[bytes]
    key: bool
    arrival: float


@dataclass(slots=True)
class AudioPacket:
    """One RTP packet of G.711: timestamp at 8 kHz, payload, arrival in monotonic seconds."""

    timestamp: int
    payload: bytes
    arrival: float


MAX_PAYLOAD = 1200
"""Bytes of RTP payload: fits every path's MTU with IPv6, UDP, SRTP tag and RTX header."""


class MediaSink(Protocol):
    """Where ingest puts a camera's media. All calls come from the loop's thread; none blocks."""

    def format(self, video: VideoFormat, audio: AudioCodec | None) -> None:
        """Say what follows; called before the first frame and at every change."""

    def frame(self, frame: VideoFrame) -> None:
        """Deliver one access unit."""

    def audio(self, packet: AudioPacket) -> None:
        """Deliver one packet of sound."""

    def lost(self, reason: str) -> None:
        """Say that the camera is gone for now; viewers stay and wait for its return."""


class PlayEnd(StrEnum):
    """How a play ended, in the signalling protocol's words."""

    STOPPED = "STOPPED"
    FAILED = "FAILED"


OnEnd = Callable[[PlayEnd, str], None]
"""Called once when a play ends by itself or by :meth:`Engine.stop`, with WCS's ``info`` text."""


class PlayRefused(Exception):  # noqa: N818  # it is an answer, not an accident
    """The engine will not play; ``info`` is one of WCS's texts, ``detail`` is for people."""

    def __init__(self, info: str, detail: str = "") -> None:
        super().__init__(detail or info)
        self.info = info
        self.detail = detail


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """A published stream: ``live`` while frames come."""

    name: str
    live: bool
    video: VideoFormat | None
    audio: AudioCodec | None
    frames: int
    viewers: int


@dataclass(frozen=True, slots=True)
class ViewerInfo:
    """One viewer: ``connected`` after DTLS; counters since the start of the play."""

    media_session_id: str
    stream: str
    connected: bool
    address: str
    packets: int
    bytes: int
    nacks: int


class Engine(Protocol):
    """The WebRTC side of the media server: one UDP port, all streams, all viewers."""

    async def start(self) -> None:
        """Open the UDP port."""

    async def close(self) -> None:
        """End every play and close the port."""

    @property
    def port(self) -> int:
        """The UDP port in use."""

    def publish(self, name: str) -> MediaSink:
        """Open a stream; raises ValueError when the name is taken."""

    def unpublish(self, name: str, info: str) -> None:
        """Close a stream and end its plays with ``info``."""

    def play(
        self, *, stream: str, media_session_id: str, offer: str, on_end: OnEnd, tcp: bool = False
    ) -> str:
        """Accept a viewer and return the SDP answer; raises :class:`PlayRefused`.

        ``tcp``: the answer names no UDP candidates, if the port takes TCP.
        """

    def stop(self, media_session_id: str, info: str) -> bool:
        """End one play; tell whether it was there."""

    def key_frame(self, stream: str) -> tuple[VideoFormat, VideoFrame] | None:
        """Return the newest key frame of a stream, for a still picture."""

    def streams(self) -> Sequence[StreamInfo]:
        """Return all streams."""

    def viewers(self) -> Sequence[ViewerInfo]:
        """Return all viewers."""

    def counters(self) -> dict[str, float]:
        """Return packets, bytes, NACKs, drops ... since the start."""
