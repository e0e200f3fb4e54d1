"""A camera's G.711 packets to the sink (RFC 3551 section 4.5.14)."""

from gateway.mediaserver.ports import MAX_PAYLOAD, AudioCodec, AudioPacket, MediaSink
from gateway.rtsp.sdp import Kind, SessionDescription, Track

CLOCK_RATE = 8000


def audio_track(described: SessionDescription) -> tuple[Track, AudioCodec] | None:
    """Return the first track of sound that browsers play as it is; other sound is left out."""
    for track in described.tracks:
        if (
            track.kind is Kind.AUDIO
            and track.codec in set(AudioCodec)
            and track.clock_rate == CLOCK_RATE
            and track.channels == 1
        ):
            return track, AudioCodec(track.codec)
    return None


class SoundRelay:
    """Hands G.711 on (a :class:`gateway.rtsp.rtp.PacketSink`); one byte is one sample."""

    def __init__(self, sink: MediaSink) -> None:
        self._sink = sink

    def packet(
        self, payload: memoryview, *, timestamp: int, marker: bool, lost: int, arrival: float
    ) -> None:
        """Take one packet's payload."""
        del marker, lost
        for at in range(0, len(payload), MAX_PAYLOAD):
            part = bytes(payload[at : at + MAX_PAYLOAD])
            self._sink.audio(AudioPacket((timestamp + at) & 0xFFFFFFFF, part, arrival))

    def restarted(self) -> None:
        """Nothing is kept between packets."""
