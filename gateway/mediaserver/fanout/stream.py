"""One camera's stream: takes frames from ingest, gives them to its viewers."""

import time
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from gateway.mediaserver.fanout.counters import Counters
from gateway.mediaserver.fanout.delivery import Delivery
from gateway.mediaserver.fanout.history import Frame, History
from gateway.mediaserver.fanout.track import Group, GroupKey, Press, Track
from gateway.mediaserver.fanout.viewer import Mode, Viewer
from gateway.mediaserver.ports import (
    MAX_PAYLOAD,
    AudioCodec,
    AudioPacket,
    StreamInfo,
    VideoFormat,
    VideoFrame,
)
from gateway.mediaserver.transport.srtp import Batch

MOST_PACKETS: Final = 4096
"""Packets of one frame (5 MB); a larger one is an accident of the camera."""

_LIVE_SECONDS: Final = 5.0
_PLAY_S: Final = 1.0
"""Losses that follow one another faster are told once."""

_MAX_GAP: Final = 30_000
"""Numbers that a viewer may miss; from 32768 on it would misread the roll-over counter."""

_VIDEO_RATE: Final = 90_000
_AUDIO_RATE: Final = 8_000


class Stream:
    """The ``MediaSink`` of one camera.

    ``catch_up`` is told of viewers that shall be sent the cached frames, ``unfit`` of those who
    cannot be sent what the camera sends now.
    """

    def __init__(
        self,
        name: str,
        *,
        press: Press,
        counters: Counters,
        catch_up: Callable[[Viewer], None],
        unfit: Callable[[Viewer, str], None],
    ) -> None:
        self.name = name
        self.video_format: VideoFormat | None = None
        self.audio_codec: AudioCodec | None = None
        self.video = Track(_VIDEO_RATE)
        self.rtx_ssrc = self.video.ssrc ^ 0x80000000
        self.sound = Track(_AUDIO_RATE)
        self.history = History()
        self.viewers: dict[str, Viewer] = {}
        self.newest_key: tuple[VideoFormat, VideoFrame] | None = None
        self._press = press
        self._counters = counters
        self._delivery = Delivery(press, counters)
        self._catch_up = catch_up
        self._unfit = unfit
        self._waiting: dict[Viewer, None] = {}
        self._number = 0
        self._arrival = float("-inf")
        self._left = float("-inf")
        self._log = structlog.get_logger("mediaserver").bind(camera=name)

    def info(self) -> StreamInfo:
        """Return what is known of the stream."""
        return StreamInfo(
            name=self.name,
            live=time.monotonic() - self._arrival < _LIVE_SECONDS,
            video=self.video_format,
            audio=self.audio_codec,
            frames=self._number,
            viewers=len(self.viewers),
        )

    def format(self, video: VideoFormat, audio: AudioCodec | None) -> None:
        """Take note of what follows; viewers that cannot play it are ended."""
        before, sound_before = self.video_format, self.audio_codec
        self.video_format, self.audio_codec = video, audio
        if before is not None and before.codec is not video.codec:
            self._restart()
            for viewer in list(self.viewers.values()):
                self._unfit(viewer, "No common codecs")
        if sound_before is not None and sound_before is not audio:
            self.sound.timeline.cut()
            for viewer in self.viewers.values():
                self._mute(viewer)

    def frame(self, frame: VideoFrame) -> None:
        """Send one access unit to all viewers."""
        payloads = frame.payloads
        if not 0 < len(payloads) <= MOST_PACKETS or max(map(len, payloads)) > MAX_PAYLOAD:
            self._counters.frames_refused += 1
            return
        self._arrival = frame.arrival
        self._number += 1
        self._counters.frames += 1
        video = self.video
        record = Frame(
            number=self._number,
            first=video.next,
            timestamp=video.timeline.map(frame.timestamp, frame.arrival),
            payloads=payloads,
            key=frame.key,
        )
        video.next += len(payloads)
        self.history.add(record)
        if frame.key:
            if self.video_format is not None:
                self.newest_key = (self.video_format, frame)
            for viewer in list(self._waiting):
                self._go_live(viewer, record.first)
        for group in list(video.groups.values()):
            if group.viewers:
                batches = self.batches(record, group.key)
                dropped = self._delivery.send(batches, group.viewers)
                group.count(batches)
                self._lose(dropped)

    def audio(self, packet: AudioPacket) -> None:
        """Send one packet of sound to all viewers that hear it."""
        sound = self.sound
        timestamp = sound.timeline.map(packet.timestamp, packet.arrival)
        number = sound.next
        if not 0 < len(packet.payload) <= MAX_PAYLOAD:
            self._counters.frames_refused += 1
            return
        sound.next += 1
        for group in list(sound.groups.values()):
            headers = sound.headers(
                group.key, first=number, timestamp=timestamp, count=1, marker=False
            )
            batches = self._press.batches(headers, (packet.payload,), group.key.tag)
            # For whom there is no room, the packet is left out: sound does not wait.
            self._delivery.send(batches, group.viewers)
            group.count(batches)

    def lost(self, reason: str) -> None:
        """Let the viewers wait for the camera's return; their connections stay."""
        if self._arrival > float("-inf"):
            # A camera that talks nonsense seems to begin anew a hundred times a second.
            if self._arrival - self._left >= _PLAY_S:
                viewers = len(self.viewers)
                self._log.info("viewers wait for the camera", viewers=viewers, reason=reason)
            self._left = self._arrival
        self._arrival = float("-inf")
        self._restart()

    def join(self, viewer: Viewer, tag: int) -> None:
        """Begin to send to a viewer whose keys are known; ``tag`` is bytes of authentication."""
        gop = self.history.gop
        first = self.video.next if gop is None else gop.first
        viewer.group = Group(GroupKey(viewer.payload_type, tag, self.video.offset_for(first)))
        viewer.left_at = first
        if viewer.audio_payload_type is not None and self.audio_codec is not None:
            offset = self.sound.offset_for(self.sound.next)
            key = GroupKey(viewer.audio_payload_type, tag, offset)
            viewer.audio_group = self.sound.group(key)
            viewer.audio_group.viewers = [*viewer.audio_group.viewers, viewer]
        if gop is None:
            self._wait(viewer)
        else:
            viewer.cursor = gop.number
            viewer.mode = Mode.CATCHING_UP
            self._catch_up(viewer)

    def leave(self, viewer: Viewer) -> None:
        """Forget a viewer."""
        self._stop_video(viewer)
        self._mute(viewer)
        self.viewers.pop(viewer.media_session_id, None)
        viewer.mode = Mode.ENDED

    def pause(self, viewer: Viewer) -> None:
        """Send nothing to a viewer that gives no sign of life."""
        self._counters.pauses += 1
        if viewer.mode is not Mode.CATCHING_UP:
            viewer.cursor = self._number + 1
        self._stop_video(viewer)
        viewer.mode = Mode.PAUSED

    def resume(self, viewer: Viewer) -> None:
        """Go on where the viewer was left, or with the newest key frame."""
        gop = self.history.gop
        if gop is None:
            self._wait(viewer)
            return
        viewer.cursor = max(viewer.cursor, gop.number)
        viewer.mode = Mode.CATCHING_UP
        self._catch_up(viewer)

    def advance(self, viewer: Viewer, budget: int) -> None:
        """Send a viewer that catches up about ``budget`` packets of the cache."""
        while viewer.mode is Mode.CATCHING_UP and viewer.group is not None:
            if viewer.cursor > self._number:
                self._go_live(viewer, self.video.next)
                return
            if budget <= 0:
                return
            frame = self.history.frame(viewer.cursor)
            if frame is None or frame.first - viewer.left_at > _MAX_GAP:
                self._wait(viewer)
                return
            batches = self._cached_batches(frame, viewer.group.key)
            if self._delivery.send(batches, [viewer]):
                self._lose([viewer])
                return
            viewer.count(batches)
            viewer.cursor += 1
            viewer.left_at = frame.first + len(frame.payloads)
            budget -= len(frame.payloads)

    def batches(self, frame: Frame, key: GroupKey) -> tuple[Batch, ...]:
        """Return the packets of ``frame`` for the viewers of ``key``."""
        headers = self.video.headers(
            key,
            first=frame.first,
            timestamp=frame.timestamp,
            count=len(frame.payloads),
            marker=True,
        )
        return self._press.batches(headers, frame.payloads, key.tag)

    def _cached_batches(self, frame: Frame, key: GroupKey) -> tuple[Batch, ...]:
        """Return the packets of ``frame``, kept for the next newcomer.

        What goes out live is not kept: memory that was just in use is warm.
        """
        ready = frame.batches.get(key)
        if ready is None:
            ready = self.batches(frame, key)
            gop = self.history.gop
            if gop is not None and frame.number >= gop.number:
                frame.batches[key] = ready
        return ready

    def _go_live(self, viewer: Viewer, number: int) -> None:
        """Let ``viewer`` be sent every frame from packet ``number`` on."""
        if viewer.group is None:
            return
        if number - viewer.left_at > _MAX_GAP:
            self._unfit(viewer, "Failed by RTP activity")
            return
        self._waiting.pop(viewer, None)
        viewer.group = self.video.group(viewer.group.key)
        viewer.enter(viewer.group)
        viewer.mode = Mode.LIVE

    def _lose(self, viewers: Sequence[Viewer]) -> None:
        """Let viewers with a hole wait for the next key frame."""
        for viewer in viewers:
            self._counters.drops += 1
            self._wait(viewer)

    def _wait(self, viewer: Viewer) -> None:
        self._stop_video(viewer)
        viewer.mode = Mode.WAITING
        self._waiting[viewer] = None

    def _stop_video(self, viewer: Viewer) -> None:
        if viewer.mode is Mode.LIVE and viewer.group is not None:
            self.video.leave(viewer.group, viewer)
            viewer.leave(viewer.group)
            viewer.mode = Mode.WAITING
            viewer.left_at = self.video.next
        self._waiting.pop(viewer, None)

    def _mute(self, viewer: Viewer) -> None:
        if viewer.audio_group is not None:
            self.sound.leave(viewer.audio_group, viewer)
            viewer.audio_group = None

    def _restart(self) -> None:
        self.history.forget_gop()
        self.video.timeline.cut()
        self.sound.timeline.cut()
        for viewer in self.viewers.values():
            if viewer.mode in (Mode.LIVE, Mode.CATCHING_UP):
                self._wait(viewer)
