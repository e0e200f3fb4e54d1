"""A camera's video packets to frames that a browser can decode.

**Frames.** One ends at the marker bit or at a new timestamp, whichever comes first; a camera that
marks every slice is found out and then only timestamps count. Parameter sets that come under
a timestamp of their own join the frame that follows.

**Key frames** begin with the parameter sets in force, wherever the camera sends them. Besides IDR
pictures, an I picture with an SPS or a recovery point counts, and a recovery point alone on
cameras that never send an IDR (intra refresh).

**Loss.** A frame with a hole is dropped. If a key frame is hit, everything up to the next one is
dropped too, because it would be painted over the wrong picture. After a damaged frame between,
the following ones go on: decoders show a smear that the next key frame ends, and for someone
who waits at a door that is better than a picture frozen for a whole GOP.
"""

from typing import Final

from gateway.mediaserver.ingest import units
from gateway.mediaserver.ingest.codec import NalCodec
from gateway.mediaserver.ingest.parameters import ParameterSets
from gateway.mediaserver.ingest.units import Depacketizer, Unit
from gateway.mediaserver.ports import (
    MAX_PAYLOAD,
    AudioCodec,
    MediaSink,
    VideoFormat,
    VideoFrame,
)

MAX_FRAME: Final = 4 << 20
_MAX_UNITS: Final = 1024
_MAX_SEI: Final = 255
_PATIENCE_S: Final = 5.0


class VideoAssembler:
    """Makes frames of one track's packets (a :class:`gateway.rtsp.rtp.BurstSink`)."""

    def __init__(
        self,
        codec: NalCodec,
        parameters: ParameterSets,
        sink: MediaSink,
        *,
        audio: AudioCodec | None = None,
    ) -> None:
        self._codec = codec
        self._parameters = parameters
        self._sink = sink
        self._audio = audio
        self._depacketizer = Depacketizer(codec, self._unit, self._damage)
        self._announced: VideoFormat | None = None
        self._timestamp = -1
        self._finished = -1
        self._arrival = 0.0
        self._waiting_since = -1.0
        self._needs_key = True
        self._trust_marker = True
        self._random_access_seen = False
        # Nothing is open, missing or owed: a simple frame needs no second look.
        self._settled = False
        self._reset()
        self.packets = 0
        self.lost = 0
        self.frames = 0
        self.dropped = 0

    @property
    def ignored(self) -> int:
        """Payloads and NAL units that made no sense."""
        return self._depacketizer.ignored

    def _reset(self) -> None:
        self._units: list[Unit] = []
        self._size = 0
        self._slices = False
        self._damaged = False
        self._key_hit = False
        self._suspect = False
        self._sets_seen = False
        self._news: list[bytes] = []
        self._sei: list[bytes] = []
        self._recovery = False

    def announce(self) -> None:
        """Tell the sink the format when it is known and has changed."""
        if self._parameters.complete:
            video = self._parameters.format()
            if video != self._announced:
                self._announced = video
                self._sink.format(video, self._audio)

    def packet(
        self, payload: memoryview, *, timestamp: int, marker: bool, lost: int, arrival: float
    ) -> None:
        """Take one packet's payload."""
        self.packets += 1
        self._settled = False
        if lost:
            self._gap(lost)
        if timestamp != self._timestamp:
            self._begin(timestamp, arrival)
            self._suspect = self._suspect or lost > 0
        self._depacketizer.push(payload)
        if marker and self._trust_marker:
            self._marked()

    def burst(self, payloads: list[bytes], *, timestamp: int, marker: bool, arrival: float) -> None:
        """Take the payloads of packets that follow each other.

        Nearly always they are one whole frame between two key frames, which is handed on as it is.
        """
        self.packets += len(payloads)
        if (
            marker
            and self._settled
            and timestamp != self._timestamp
            and len(payloads) <= _MAX_UNITS
            and max(map(len, payloads)) <= MAX_PAYLOAD
            and self._codec.is_simple(payloads)
        ):
            self._timestamp = self._finished = timestamp
            self._arrival = arrival
            self.frames += 1
            self._sink.frame(VideoFrame(timestamp, payloads, False, arrival))  # noqa: FBT003  # keywords cost time in each frame
            return
        self._settled = False
        if timestamp != self._timestamp:
            self._begin(timestamp, arrival)
        self._depacketizer.push_all(payloads)
        if marker and self._trust_marker:
            self._marked()

    def _begin(self, timestamp: int, arrival: float) -> None:
        """End what came under another timestamp."""
        if self._slices or self._damaged or self._depacketizer.open:
            self._finish()
        self._timestamp, self._arrival = timestamp, arrival

    def _marked(self) -> None:
        """End the frame whose last packet has come."""
        depacketizer = self._depacketizer
        depacketizer.close()
        if self._slices or self._damaged:
            self._finish()
            owed = self._needs_key or self._news or self._announced is None
            self._settled = self._trust_marker and not owed and not depacketizer.start_codes

    def restarted(self) -> None:
        """Begin anew: the camera has started another sequence."""
        self._depacketizer.gap()
        self._reset()
        self._settled = False
        self._timestamp = self._finished = -1
        self._needs_key, self._waiting_since = True, -1.0
        if self._announced is not None:
            self._announced = None
            self._sink.lost("the camera has begun anew")

    def _gap(self, lost: int) -> None:
        """Packets are missing before the next one: the open frame has a hole or lacks its end."""
        self.lost += lost
        self._depacketizer.gap()
        if self._slices:
            self._damaged = True
        else:
            self._suspect = True

    def _damage(self, kind: int) -> None:
        self._damaged = True
        self._key_hit = self._key_hit or self._codec.is_random_access(kind)

    def _unit(self, unit: Unit) -> None:
        codec, kind = self._codec, unit.kind
        if kind in codec.vcl:
            self._slice(unit)
        elif kind in codec.parameter_sets:
            nal = units.join(codec, unit)
            self._sets_seen = self._sets_seen or kind == codec.sps
            if self._parameters.add(nal):
                self._news.append(nal)
        elif kind in codec.sei:
            self._supplement(units.join(codec, unit))

    def _supplement(self, nal: bytes) -> None:
        if self._codec.is_recovery_point(nal):
            self._recovery = True
        if len(nal) <= _MAX_SEI and len(self._sei) < 8 and not self._codec.is_user_data(nal):  # noqa: PLR2004  # a few at most
            self._sei.append(nal)

    def _slice(self, unit: Unit) -> None:
        if not self._slices:
            first = self._codec.first_slice(unit.head)
            if not first and self._timestamp == self._finished:
                self._trust_marker = False  # it marks each slice: only timestamps can be trusted
            elif not first and self._suspect:
                self._damaged = True
        self._slices = True
        self._size += sum(map(len, unit.payloads))
        if self._size > MAX_FRAME or len(self._units) >= _MAX_UNITS:
            self._damage(unit.kind)
            self._units.clear()
            return
        self._units.append(unit)

    def _finish(self) -> None:
        """End the frame: deliver it, or drop it."""
        self._depacketizer.close()
        self._finished = self._timestamp
        whole = bool(self._units) and not self._damaged
        key = whole and self._is_key()
        if not whole:
            self._drop()
        elif key or not self._needs_key:
            self._deliver(key=key)
        else:
            self.dropped += self.frames > 0  # before the first key frame nothing is missed
            if self._waiting_since < 0:
                self._waiting_since = self._arrival
        news = [] if whole and not self._needs_key else self._news
        self._reset()
        self._news = news[:8]

    def _drop(self) -> None:
        self.dropped += 1
        hit = self._key_hit or any(self._codec.is_random_access(unit.kind) for unit in self._units)
        if hit:
            self._needs_key, self._waiting_since = True, self._arrival

    def _is_key(self) -> bool:
        codec = self._codec
        if codec.is_random_access(self._units[0].kind):
            self._random_access_seen = True
            return self._parameters.complete
        impatient = (
            self._needs_key
            and self._waiting_since >= 0
            and self._arrival - self._waiting_since > _PATIENCE_S
        )
        if (self._sets_seen or self._recovery or impatient) and self._parameters.complete:
            sure = self._recovery and (self._sets_seen or not self._random_access_seen)
            return sure or all(codec.intra_slice(unit.head) for unit in self._units)
        return False

    def _deliver(self, *, key: bool) -> None:
        if key:
            self._needs_key, self._waiting_since = False, -1.0
        if self._news or self._announced is None:
            self.announce()
        codec = self._codec
        sets = self._parameters.nals() if key else self._news
        payloads = units.aggregate(codec, [*sets, *self._sei]) if sets or self._sei else []
        for unit in self._units:
            payloads += units.payloads(codec, unit)
        self.frames += 1
        self._sink.frame(VideoFrame(self._timestamp, payloads, key, self._arrival))
