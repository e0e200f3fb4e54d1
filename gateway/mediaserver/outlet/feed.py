"""One stream of the RTSP output: takes a camera's frames, gives them to all players."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gateway.mediaserver.outlet.burst import Burst, Source
from gateway.mediaserver.outlet.player import Player
from gateway.mediaserver.ports import (
    AudioCodec,
    AudioPacket,
    VideoCodec,
    VideoFormat,
    VideoFrame,
)
from gateway.mediaserver.transport import rtcp

GOP_PACKETS: Final = 1500
GOP_BYTES: Final = 1_500_000
"""Beyond this a group of pictures is not kept: who comes then waits for the next key frame."""

VIDEO_TYPE: Final = 96
# RFC 3551 section 6: payload types that need no description.
AUDIO_TYPES: Final = {AudioCodec.PCMU: 0, AudioCodec.PCMA: 8}
_VIDEO_RATE: Final = 90_000
_AUDIO_RATE: Final = 8_000


@dataclass(frozen=True, slots=True)
class _Kept:
    """A frame of the running group of pictures; its packets are made when somebody comes."""

    first: int
    timestamp: int
    payloads: Sequence[bytes]
    key: bool


class Feed:
    """The ``MediaSink`` of one stream for the RTSP output.

    ``described`` holds what DESCRIBE tells, ``None`` until the camera has sent video once, which
    ``known`` tells.
    """

    def __init__(self, name: str, *, cname: str) -> None:
        self.name = name
        self.described: tuple[VideoFormat, AudioCodec | None] | None = None
        self.known = asyncio.Event()
        self.video = Source(VIDEO_TYPE, _VIDEO_RATE)
        self.sound = Source(AUDIO_TYPES[AudioCodec.PCMA], _AUDIO_RATE)
        self._cname = cname
        self._players: list[Player] = []
        self._gop: list[_Kept] = []
        self._gop_packets = 0
        self._gop_bytes = 0
        self._whole = False

    @property
    def players(self) -> int:
        """How many play."""
        return len(self._players)

    @property
    def codec(self) -> VideoCodec | None:
        """The video's codec, once it is known."""
        return self.described[0].codec if self.described else None

    def format(self, video: VideoFormat, audio: AudioCodec | None) -> None:
        """Take note of what follows; players that were told otherwise have to ask anew."""
        before = self.described
        self.described = (video, audio)
        self.known.set()
        if audio is not None:
            self.sound.payload_type = AUDIO_TYPES[audio]
        if before is not None and (before[0].codec, before[1]) != (video.codec, audio):
            self._forget()
            self.end("the camera sends something else now")

    def frame(self, frame: VideoFrame) -> None:
        """Send one access unit to all players, and keep it for newcomers."""
        if not frame.payloads:
            return
        source = self.video
        first = source.next
        stamp = source.timeline.map(frame.timestamp, frame.arrival)
        source.next = first + len(frame.payloads)
        self._keep(_Kept(first, stamp, frame.payloads, frame.key))
        if self._players:
            burst = source.frame(first, stamp, frame.payloads, key=frame.key)
            for player in self._players:
                player.video(burst)

    def audio(self, packet: AudioPacket) -> None:
        """Send one packet of sound to those who take it."""
        source = self.sound
        first = source.next
        source.next = first + 1
        stamp = source.timeline.map(packet.timestamp, packet.arrival)
        if self._players:
            burst = source.burst(first, stamp, [packet.payload])
            for player in self._players:
                player.audio(burst)

    def lost(self, reason: str) -> None:
        """Let the players wait for the camera; ``reason`` is told by others."""
        del reason
        self._forget()
        self.video.timeline.cut()
        self.sound.timeline.cut()
        for player in self._players:
            player.wait_for_key()

    def next_video(self) -> tuple[int, int | None]:
        """Return number and timestamp of a newcomer's first packet.

        The time is ``None`` when it is that of a key frame which is still to come.
        """
        if self._whole:
            return self._gop[0].first & 0xFFFF, self._gop[0].timestamp
        return self.video.next & 0xFFFF, None

    def has(self, player: Player) -> bool:
        """Tell whether a player plays already."""
        return player in self._players

    def join(self, player: Player) -> None:
        """Send the pictures since the last key frame, and from now on every frame."""
        if self._whole:
            for kept in self._gop:
                player.video(self._burst(kept))
        self._players = [*self._players, player]

    def leave(self, player: Player) -> None:
        """Forget a player; one that is not there is no error."""
        self._players = [one for one in self._players if one is not player]

    def end(self, reason: str) -> None:
        """Hang up on every player."""
        for player in self._players:
            player.goodbye(self._goodbye())
            player.hang_up(reason)
        self._players = []

    def report(self, now: float) -> None:
        """Send sender reports, by which players keep sound and picture together."""
        for player in self._players:
            self.report_to(player, now)

    def report_to(self, player: Player, now: float) -> None:
        """Send one player the reports of what it has been sent."""
        for source, sent, send in (
            (self.video, player.video_sent, player.video_report),
            (self.sound, player.audio_sent, player.audio_report),
        ):
            if sent.packets:
                send(
                    rtcp.sender_report(
                        ssrc=source.ssrc,
                        rtp_time=source.timeline.at(now),
                        packets=sent.packets,
                        octets=sent.octets,
                        cname=self._cname,
                    )
                )

    def _goodbye(self) -> bytes:
        return rtcp.bye((self.video.ssrc,), self._cname)

    def _burst(self, kept: _Kept) -> Burst:
        return self.video.frame(kept.first, kept.timestamp, kept.payloads, key=kept.key)

    def _keep(self, kept: _Kept) -> None:
        if kept.key:
            self._forget()
            self._whole = True
        if not self._whole:
            return
        self._gop_packets += len(kept.payloads)
        self._gop_bytes += sum(map(len, kept.payloads))
        if self._gop_packets > GOP_PACKETS or self._gop_bytes > GOP_BYTES:
            self._forget()
            return
        self._gop.append(kept)

    def _forget(self) -> None:
        self._gop = []
        self._gop_packets = self._gop_bytes = 0
        self._whole = False
