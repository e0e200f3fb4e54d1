"""A camera's frames for several takers: viewers, and whoever the RTSP output serves."""

from collections.abc import Sequence

from gateway.mediaserver.ports import AudioCodec, AudioPacket, MediaSink, VideoFormat, VideoFrame


class Tee:
    """Hands everything on to each of ``sinks``, in their order."""

    def __init__(self, sinks: Sequence[MediaSink]) -> None:
        self._sinks = tuple(sinks)

    def format(self, video: VideoFormat, audio: AudioCodec | None) -> None:
        """Say what follows."""
        for sink in self._sinks:
            sink.format(video, audio)

    def frame(self, frame: VideoFrame) -> None:
        """Deliver one access unit."""
        for sink in self._sinks:
            sink.frame(frame)

    def audio(self, packet: AudioPacket) -> None:
        """Deliver one packet of sound."""
        for sink in self._sinks:
            sink.audio(packet)

    def lost(self, reason: str) -> None:
        """Say that the camera is gone for now."""
        for sink in self._sinks:
            sink.lost(reason)
