"""A camera without RTSP: libx264's frames, packetized as ingest does it (RFC 6184, mode 1)."""

import asyncio
import contextlib
import time
from collections.abc import Iterator
from typing import Self

import av
import numpy as np

from gateway.mediaserver.ports import (
    MAX_PAYLOAD,
    AudioCodec,
    AudioPacket,
    MediaSink,
    VideoCodec,
    VideoFormat,
    VideoFrame,
)

RATE = 25


def nal_units(annex_b: bytes) -> list[bytes]:
    """Split an Annex B byte stream at its start codes."""
    return [part.rstrip(b"\x00") for part in annex_b.split(b"\x00\x00\x01") if part.strip(b"\x00")]


def packetize(nals: list[bytes]) -> list[bytes]:
    """Return RTP payloads: small units as they are, large ones as FU-A fragments."""
    payloads = []
    for nal in nals:
        if len(nal) <= MAX_PAYLOAD:
            payloads.append(nal)
            continue
        indicator, kind, body = nal[0] & 0xE0 | 28, nal[0] & 0x1F, nal[1:]
        room = MAX_PAYLOAD - 2
        for start in range(0, len(body), room):
            flags = (0x80 if start == 0 else 0) | (0x40 if start + room >= len(body) else 0)
            payloads.append(bytes((indicator, flags | kind)) + body[start : start + room])
    return payloads


class PretendCamera:
    """An endless H.264 camera; ``kilobits`` a second, a key frame each ``gop`` frames."""

    def __init__(
        self,
        *,
        width: int = 320,
        height: int = 240,
        gop: int = 25,
        kilobits: int = 600,
        seed: int = 1,
    ) -> None:
        self.gop = gop
        self._encoder = av.CodecContext.create("libx264", "w")
        self._encoder.width, self._encoder.height = width, height
        self._encoder.pix_fmt = "yuv420p"
        self._encoder.bit_rate = kilobits * 1000
        self._encoder.framerate = RATE
        self._encoder.options = {
            "preset": "ultrafast",
            "tune": "zerolatency",
            "profile": "baseline",
            "x264-params": f"keyint={gop}:min-keyint={gop}:scenecut=0:repeat-headers=1:"
            f"vbv-maxrate={kilobits}:vbv-bufsize={kilobits}",
        }
        self._random = np.random.default_rng(seed)
        self._noise = self._random.integers(0, 255, (height, width, 3), dtype=np.uint8)
        self._count = 0
        self.sets: tuple[bytes, ...] = ()
        self._frames = self._encode()
        self._first = next(self._frames)

    @property
    def format(self) -> VideoFormat:
        """What :meth:`frames` will be."""
        return VideoFormat(
            VideoCodec.H264,
            self.sets,
            self.sets[0][1:4].hex(),
            self._encoder.width,
            self._encoder.height,
        )

    def frames(self) -> Iterator[tuple[list[bytes], bool]]:
        """Yield payloads of each frame and whether it is a key frame."""
        yield self._first
        yield from self._frames

    def _encode(self) -> Iterator[tuple[list[bytes], bool]]:
        while True:
            self._count += 1
            picture = np.roll(self._noise, self._count * 4, axis=1)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = self._count
            for packet in self._encoder.encode(frame):
                nals = nal_units(bytes(packet))
                if packet.is_keyframe:
                    self.sets = tuple(nal for nal in nals if nal[0] & 0x1F in (7, 8))
                yield packetize(nals), packet.is_keyframe


class Feed:
    """Plays a camera into a sink in real time (or ``speed`` times faster) until it is closed."""

    def __init__(
        self,
        sink: MediaSink,
        camera: PretendCamera,
        *,
        speed: float = 1.0,
        sound: AudioCodec | None = None,
        stamp: int = 0x12345,
    ) -> None:
        self._sink = sink
        self._camera = camera
        self._pause = 1 / RATE / speed
        self._sound = sound
        self._stamp = stamp
        self.sent = 0
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _run(self) -> None:
        self._sink.format(self._camera.format, self._sound)
        begin, stamp = time.monotonic(), self._stamp
        for payloads, key in self._camera.frames():
            now = time.monotonic()
            self._sink.frame(VideoFrame(stamp & 0xFFFFFFFF, payloads, key, now))
            if self._sound is not None:
                for part in range(2):
                    heard = AudioPacket(self.sent * 320 + part * 160, bytes((0xD5,)) * 160, now)
                    self._sink.audio(heard)
            self.sent += 1
            stamp += round(90_000 * self._pause)
            await asyncio.sleep(max(0.0, begin + self.sent * self._pause - time.monotonic()))
