"""A sink that remembers, and a decoder that proves that what it remembers is video."""

from dataclasses import dataclass, field

import av

from gateway.mediaserver.ports import AudioCodec, AudioPacket, VideoCodec, VideoFormat, VideoFrame


@dataclass
class Recorder:
    """Records everything that a camera delivers."""

    formats: list[tuple[VideoFormat, AudioCodec | None]] = field(default_factory=list)
    frames: list[VideoFrame] = field(default_factory=list)
    sound: list[AudioPacket] = field(default_factory=list)
    losses: list[str] = field(default_factory=list)

    def format(self, video: VideoFormat, audio: AudioCodec | None) -> None:
        self.formats.append((video, audio))

    def frame(self, frame: VideoFrame) -> None:
        assert self.formats, "a frame came before the format"
        self.frames.append(frame)

    def audio(self, packet: AudioPacket) -> None:
        self.sound.append(packet)

    def lost(self, reason: str) -> None:
        self.losses.append(reason)


def nals_of(codec: VideoCodec, frame: VideoFrame) -> list[bytes]:
    """Undo the packetizing, written independently of the code under test."""
    nals: list[bytes] = []
    for payload in frame.payloads:
        if codec is VideoCodec.H264:
            kind, header, fragment, aggregate = payload[0] & 31, 1, 28, 24
        else:
            kind, header, fragment, aggregate = payload[0] >> 1 & 63, 2, 49, 48
        if kind == fragment:
            flags = payload[header]
            if flags & 0x80:
                if codec is VideoCodec.H264:
                    nals.append(bytes([payload[0] & 0xE0 | flags & 31]))
                else:
                    nals.append(bytes([payload[0] & 0x81 | (flags & 63) << 1, payload[1]]))
            nals[-1] += payload[header + 1 :]
        elif kind == aggregate:
            rest = payload[header:]
            while rest:
                size = int.from_bytes(rest[:2], "big")
                nals.append(rest[2 : 2 + size])
                rest = rest[2 + size :]
        else:
            nals.append(payload)
    return nals


def decode(codec: VideoCodec, frames: list[VideoFrame]) -> list[av.VideoFrame]:
    """Decode recorded frames with FFmpeg; errors raise."""
    context = av.CodecContext.create("h264" if codec is VideoCodec.H264 else "hevc", "r")
    pictures = []
    for frame in frames:
        data = b"".join(b"\0\0\0\1" + nal for nal in nals_of(codec, frame))
        pictures += context.decode(av.Packet(data))
    return pictures + context.decode(None)
