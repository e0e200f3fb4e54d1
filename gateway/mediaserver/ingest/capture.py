"""One camera's pull: connect, play into a sink, and begin again whenever the camera is gone."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

import structlog

from gateway.kit.backoff import Backoff
from gateway.kit.clock import Clock
from gateway.kit.secret import Secret
from gateway.kit.tasks import Tasks
from gateway.mediaserver.ingest.codec import NalCodec, codec_for
from gateway.mediaserver.ingest.parameters import ParameterSets
from gateway.mediaserver.ingest.patience import Patience
from gateway.mediaserver.ingest.sound import SoundRelay, audio_track
from gateway.mediaserver.ingest.video import VideoAssembler
from gateway.mediaserver.ports import MediaSink, VideoCodec
from gateway.model.errors import ErrorKind, GatewayError
from gateway.rtsp import address as addresses
from gateway.rtsp.arrivals import Arrivals
from gateway.rtsp.client import Client, ClientSettings
from gateway.rtsp.rtp import PacketSink
from gateway.rtsp.sdp import Kind, SessionDescription, Track

_STEADY_S: Final = 5.0
"""A play shorter than this does not count as a success for the pause before the next try."""


class CaptureStatus(StrEnum):
    """Where a pull stands, in the words of the media server's REST interface."""

    CONNECTING = "CONNECTING"
    PLAYING = "PLAYING"
    FAILED = "FAILED"


# WCS's texts for a failed camera (Web Call Server, stream status info).
_INFO: Final = {
    ErrorKind.BAD_REQUEST: "Bad URI",
    ErrorKind.CAMERA_NOT_FOUND: "Rtsp stream not found",
    ErrorKind.CAMERA_BAD_ANSWER: "Rtsp has wrong format",
    ErrorKind.CAMERA_NO_VIDEO: "Rtsp has wrong format",
    ErrorKind.CODEC_UNSUPPORTED: "No common codecs",
    ErrorKind.CAMERA_OFFLINE: "Failed by RTP activity",
}
_NO_CONNECTION: Final = "Failed to connect to rtsp stream"
_KNOCK_S: Final = 2.5
"""So long a camera that was away is given to connect: its network sends again after a second."""

_AWAY: Final = frozenset({ErrorKind.CAMERA_UNREACHABLE, ErrorKind.CAMERA_TIMEOUT})
# Nothing that a quick new try would change; the camera's settings have to.
_LASTING: Final = frozenset({ErrorKind.CODEC_UNSUPPORTED, ErrorKind.CAMERA_NO_VIDEO})


@dataclass(frozen=True, slots=True)
class CaptureSettings:
    """How a camera is pulled; times in seconds.

    ``stall_s``: no video packet for so long means that the camera is gone. ``first_frame_s``: so
    long a key frame may take (cameras with "smart" codecs send one every 10 to 20 seconds).
    ``retry_away_s``: the longest pause while nobody at all answers at the camera's address: one
    that boots shall be seen as soon as it answers, and a try is one small packet.
    ``login_s``: the first pause after a refused password (cameras lock out); it grows.
    ``sound``: take G.711 sound too. ``allowed(host)``, ``arrivals``: see
    :class:`ClientSettings`.
    """

    stall_s: float = 5.0
    first_frame_s: float = 30.0
    connect_s: float = 5.0
    request_s: float = 5.0
    retry_first_s: float = 0.2
    retry_most_s: float = 10.0
    retry_away_s: float = 1.0
    login_s: float = 60.0
    login_most_s: float = 900.0
    sound: bool = False
    allowed: Callable[[str], bool] | None = None
    arrivals: Arrivals | None = None


@dataclass(frozen=True, slots=True)
class CaptureState:
    """A snapshot of a pull.

    ``info`` is one of WCS's texts, empty unless FAILED; ``reason`` and ``hint`` are for people,
    ``kind`` is the failure's, for programs.
    Counters run since the start: ``reconnects`` counts the plays after the first one.
    """

    status: CaptureStatus
    info: str = ""
    reason: str = ""
    hint: str = ""
    kind: str = ""
    frames: int = 0
    packets: int = 0
    lost: int = 0
    dropped: int = 0
    reconnects: int = 0


@dataclass(slots=True)
class _Counters:
    frames: int = 0
    packets: int = 0
    lost: int = 0
    dropped: int = 0
    plays: int = 0

    def add(self, video: VideoAssembler) -> None:
        self.frames += video.frames
        self.packets += video.packets
        self.lost += video.lost
        self.dropped += video.dropped
        self.plays += video.frames > 0


@dataclass(slots=True)
class Capture:
    """Pulls one camera into ``sink`` until :meth:`close`.

    ``uri`` may hold user and password; a function is asked for it at each try. The sink hears
    ``lost(reason)`` each time that a camera which played is gone.
    """

    uri: Secret | Callable[[], Secret]
    sink: MediaSink
    settings: CaptureSettings
    clock: Clock
    name: str = ""
    _failure: GatewayError | None = field(default=None, init=False)
    _spoke: bool = field(default=False, init=False)
    _away: bool = field(default=False, init=False)
    _video: VideoAssembler | None = field(default=None, init=False)
    _total: _Counters = field(default_factory=_Counters, init=False)
    _pauses: Backoff = field(init=False)
    _login_pauses: Backoff = field(init=False)
    _patience: Patience = field(init=False)
    _tasks: Tasks = field(default_factory=lambda: Tasks("capture"), init=False)
    _log: structlog.stdlib.BoundLogger = field(init=False)

    def __post_init__(self) -> None:
        settings = self.settings
        self._pauses = Backoff(first=settings.retry_first_s, most=settings.retry_most_s)
        self._login_pauses = Backoff(first=settings.login_s, most=settings.login_most_s)
        self._patience = Patience(settings.request_s)
        self._log = structlog.get_logger("capture").bind(stream=self.name)

    @property
    def state(self) -> CaptureState:
        """Where the pull stands now."""
        total = replace(self._total)
        playing = self._video is not None and self._video.frames > 0
        if self._video is not None:
            total.add(self._video)
        failure = None if playing else self._failure
        waiting = CaptureStatus.FAILED if failure else CaptureStatus.CONNECTING
        return CaptureState(
            status=CaptureStatus.PLAYING if playing else waiting,
            info=_INFO.get(failure.kind, _NO_CONNECTION) if failure else "",
            reason=failure.message if failure else "",
            hint=failure.hint if failure else "",
            kind=str(failure.kind) if failure else "",
            frames=total.frames,
            packets=total.packets,
            lost=total.lost,
            dropped=total.dropped,
            reconnects=max(0, total.plays - 1),
        )

    def start(self) -> None:
        """Begin to pull."""
        self._tasks.spawn(self._run(), self.name or "run")

    async def close(self) -> None:
        """Stop, say good-bye to the camera, and free everything."""
        await self._tasks.close()

    async def _run(self) -> None:
        while True:
            began = self.clock.monotonic()
            try:
                failure = await self.run_once()
            except GatewayError as error:
                failure = error
            except Exception as error:  # noqa: BLE001  # a pull survives whatever a camera makes of it
                self._log.exception("a camera's pull ended by an error of ours")
                failure = GatewayError(ErrorKind.INTERNAL, "an internal error ended the pull")
                failure.__cause__ = error
            played = self._settle(failure)
            if failure.kind is ErrorKind.BAD_REQUEST:
                return
            if played and self.clock.monotonic() - began >= _STEADY_S:
                self._pauses.reset()
            await self.clock.sleep(self._pause(failure))

    def _pause(self, failure: GatewayError) -> float:
        """Say how long to wait before the next try, in seconds."""
        if failure.kind is ErrorKind.CAMERA_UNAUTHORIZED:
            return self._login_pauses.next()
        self._login_pauses.reset()
        if failure.kind in _LASTING:
            return max(self._pauses.next(), self.settings.retry_most_s / 2)
        pause = self._pauses.next()
        return min(pause, self.settings.retry_away_s) if self._away else pause

    def _settle(self, failure: GatewayError) -> bool:
        """Note the end of a try and tell whether it had played."""
        video, self._video = self._video, None
        played = video is not None and video.frames > 0
        news = played or self._failure is None or str(self._failure) != str(failure)
        self._failure = failure
        self._away = failure.kind in _AWAY and not self._spoke
        if video is not None:
            self._total.add(video)
        if played:
            self.sink.lost(failure.message)
        if news:
            self._log.warning("a camera is not playing", reason=failure.message, hint=failure.hint)
        return played

    async def run_once(self) -> GatewayError:
        """Play the camera until it is gone and return why.

        Raises GatewayError when it does not come to play at all.
        """
        address = addresses.parse(self.uri() if callable(self.uri) else self.uri)
        settings = self.settings
        client = Client(
            address,
            ClientSettings(
                connect_s=min(settings.connect_s, _KNOCK_S) if self._away else settings.connect_s,
                request_s=self._patience.next(),
                allowed=settings.allowed,
                arrivals=settings.arrivals,
            ),
        )
        began = self.clock.monotonic()
        try:
            described = await client.open()
            video, wanted = self._tracks(described, address.host)
            self._video = video
            await client.play(wanted)
            self._patience.played(self.clock.monotonic() - began)
            video.announce()
            return await self._watch(client, video, address.host)
        finally:
            self._spoke = client.server_spoke
            await client.close()

    def _tracks(
        self, described: SessionDescription, host: str
    ) -> tuple[VideoAssembler, list[tuple[Track, PacketSink]]]:
        """Choose what to set up. Raises CAMERA_NO_VIDEO or CODEC_UNSUPPORTED."""
        track, codec = video_track(described, host)
        sound = audio_track(described) if self.settings.sound else None
        video = VideoAssembler(
            codec,
            ParameterSets(codec, track.fmtp),
            self.sink,
            audio=sound[1] if sound else None,
        )
        wanted: list[tuple[Track, PacketSink]] = [(track, video)]
        if sound is not None:
            wanted.append((sound[0], SoundRelay(self.sink)))
        return video, wanted

    async def _watch(self, client: Client, video: VideoAssembler, host: str) -> GatewayError:
        """Look after a playing camera: first frame, silence, end of the connection."""
        settings = self.settings
        step = settings.stall_s / 5
        silent_s = waited_s = 0.0
        packets, told = -1, False
        while not client.ended.done():
            await asyncio.wait([client.ended], timeout=step)
            if video.frames and not told:
                told = True
                self._login_pauses.reset()
                self._log.info("a camera is playing")
            silent_s = 0.0 if video.packets != packets else silent_s + step
            packets = video.packets
            waited_s += step
            if silent_s >= settings.stall_s:
                if video.frames:
                    self._patience.fell_silent()
                return _stalled(host, settings.stall_s)
            if not video.frames and waited_s >= settings.first_frame_s:
                return _no_key_frame(host, settings.first_frame_s)
        return client.ended.result()


def video_track(described: SessionDescription, host: str) -> tuple[Track, NalCodec]:
    """Return the video track to pull. Raises CAMERA_NO_VIDEO or CODEC_UNSUPPORTED."""
    track = described.first(Kind.VIDEO, frozenset(VideoCodec)) or described.first(Kind.VIDEO)
    if track is None:
        raise GatewayError(
            ErrorKind.CAMERA_NO_VIDEO,
            f"the camera at {host} offers no video at this path",
            "take the path of a video stream",
        )
    codec = codec_for(track.codec)
    if codec is None:
        raise GatewayError(
            ErrorKind.CODEC_UNSUPPORTED,
            f"the camera at {host} sends {track.codec or 'an unknown codec'},"
            " which browsers do not play",
            "set the stream to H.264 in the camera, or use another stream of it",
        )
    return track, codec


def _stalled(host: str, seconds: float) -> GatewayError:
    return GatewayError(
        ErrorKind.CAMERA_OFFLINE,
        f"the camera at {host} has sent no video for {seconds:g} s",
        "check the camera's power and network",
    )


def _no_key_frame(host: str, seconds: float) -> GatewayError:
    return GatewayError(
        ErrorKind.CAMERA_BAD_ANSWER,
        f"the camera at {host} has sent no key frame for {seconds:g} s",
        "set a key frame interval (GOP) of one or two seconds in the camera",
    )
