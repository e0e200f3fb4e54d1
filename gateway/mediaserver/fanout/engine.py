"""The WebRTC engine: one port, all streams, all viewers."""

import secrets
import time
from collections.abc import Sequence
from typing import Final

import structlog

from gateway.kit.tasks import Tasks
from gateway.mediaserver.fanout.addresses import to_announce
from gateway.mediaserver.fanout.catchup import CatchUp
from gateway.mediaserver.fanout.counters import Counters
from gateway.mediaserver.fanout.entrance import Entrance
from gateway.mediaserver.fanout.feedback import Listener, Reporter
from gateway.mediaserver.fanout.settings import EngineSettings
from gateway.mediaserver.fanout.stream import Stream
from gateway.mediaserver.fanout.track import Press
from gateway.mediaserver.fanout.upkeep import Upkeep
from gateway.mediaserver.fanout.viewer import Viewer
from gateway.mediaserver.ports import (
    MediaSink,
    OnEnd,
    PlayEnd,
    PlayRefused,
    StreamInfo,
    VideoFormat,
    VideoFrame,
    ViewerInfo,
)
from gateway.mediaserver.sdp.answer import Local, write_answer
from gateway.mediaserver.sdp.choice import Choice, choose
from gateway.mediaserver.sdp.offer import Offer, parse_offer
from gateway.mediaserver.transport.certificate import Certificate, make_certificate
from gateway.mediaserver.transport.doors import Doors
from gateway.mediaserver.transport.dtls import DtlsServer, SrtpKeys
from gateway.mediaserver.transport.ice import IceLite
from gateway.mediaserver.transport.in_place import protector
from gateway.mediaserver.transport.segmentation import Segmentation
from gateway.mediaserver.transport.srtp import (
    REPLAY_WINDOW,
    SHORT_WINDOW,
    SrtpError,
    profiles,
)

__all__ = ["EngineSettings", "WebRtcEngine"]

HANDSHAKE_KEPT_SECONDS: Final = 5.0
"""How long DTLS is kept for a browser that missed our last flight; it costs 90 KB a viewer."""


class WebRtcEngine:
    """The ``Engine`` of :mod:`gateway.mediaserver.ports`; all calls come from the loop's thread."""

    def __init__(self, settings: EngineSettings | None = None) -> None:
        self._settings = settings or EngineSettings()
        self._counters = Counters()
        self._streams: dict[str, Stream] = {}
        self._viewers: dict[str, Viewer] = {}
        self._addresses: tuple[str, ...] = ()
        self._tasks = Tasks("mediaserver")
        self._catch_up = CatchUp()
        self._certificate: Certificate = make_certificate()
        self._protector = protector(in_place=self._settings.use_in_place)
        self._press = Press(self._protector, Segmentation(wanted=self._settings.use_segmentation))
        self._reporter = Reporter(self._protector)
        self._listener = Listener(
            self._protector,
            self._counters,
            reporter=self._reporter,
            consent_timeout=self._settings.consent_timeout,
        )
        self._doors = Doors()
        self._entrance = Entrance(
            dtls=DtlsServer(self._certificate, profiles(gcm=self._settings.use_gcm)),
            listener=self._listener,
            counters=self._counters,
            doors=self._doors,
            on_keys=self._connected,
            on_failed=self._failed,
        )
        self._upkeep = Upkeep(
            self._settings,
            self._counters,
            entrance=self._entrance,
            reporter=self._reporter,
            left=self._left,
            failed=self._failed,
        )
        self._log = structlog.get_logger("mediaserver")

    async def start(self) -> None:
        """Open the port. Raises ``OSError`` when it is taken."""
        settings = self._settings
        self._doors.open(
            settings.bind,
            settings.port,
            tcp=settings.tcp,
            receive=self._entrance.receive,
            closed=self._entrance.closed,
        )
        self._addresses = to_announce(settings.announced, self._doors.hosts)
        self._tasks.spawn(self._upkeep.run(self._viewers), "upkeep")

    async def close(self) -> None:
        """End every play and close the port."""
        for viewer in list(self._viewers.values()):
            self._end(viewer, PlayEnd.STOPPED, "Stopped by publisher stop")
        self._streams.clear()
        await self._tasks.close()
        self._catch_up.close()
        self._entrance.close()
        self._doors.close()

    @property
    def port(self) -> int:
        """The port in use."""
        return self._doors.number

    def publish(self, name: str) -> MediaSink:
        """Open a stream; raises ValueError when the name is taken."""
        if name in self._streams:
            raise ValueError(f"a stream called {name!r} is published already")
        stream = self._streams[name] = Stream(
            name,
            press=self._press,
            counters=self._counters,
            catch_up=self._catch_up.add,
            unfit=self._failed,
        )
        return stream

    def unpublish(self, name: str, info: str) -> None:
        """Close a stream and end its plays with ``info``."""
        stream = self._streams.pop(name, None)
        if stream is not None:
            for viewer in list(stream.viewers.values()):
                self._end(viewer, PlayEnd.STOPPED, info)

    def play(
        self, *, stream: str, media_session_id: str, offer: str, on_end: OnEnd, tcp: bool = False
    ) -> str:
        """Accept a viewer and return the SDP answer; raises :class:`PlayRefused`."""
        try:
            parsed, choice, viewer = self._play(stream, media_session_id, offer, on_end)
        except PlayRefused:
            self._counters.plays_refused += 1
            raise
        return self._answer(parsed, choice, viewer, udp=not (tcp and self._doors.tcp))

    def _play(
        self, name: str, media_session_id: str, text: str, on_end: OnEnd
    ) -> tuple[Offer, Choice, Viewer]:
        stream = self._streams.get(name)
        if stream is None:
            raise PlayRefused("Stream not found", "There is no such stream.")
        if media_session_id in self._viewers:
            raise PlayRefused("MediaSessionId is already in use", "This play runs already.")
        if len(self._viewers) >= self._settings.max_viewers:
            raise PlayRefused(
                "Too many viewers",
                f"This server serves {self._settings.max_viewers} viewers at most; "
                "try again when somebody has left.",
            )
        if stream.video_format is None:
            raise PlayRefused("Publish stream is not ready", "The camera has not sent video yet.")
        offer = parse_offer(text)
        choice = choose(offer, stream.video_format, stream.audio_codec)
        return offer, choice, self._admit(stream, media_session_id, choice, on_end)

    def _admit(
        self, stream: Stream, media_session_id: str, choice: Choice, on_end: OnEnd
    ) -> Viewer:
        now = time.monotonic()
        viewer = Viewer(
            stream=stream,
            media_session_id=media_session_id,
            on_end=on_end,
            ice=IceLite(now),
            fingerprints=choice.fingerprints,
            now=now,
        )
        viewer.payload_type = choice.codec.payload_type
        viewer.rtx_payload_type = choice.rtx.payload_type if choice.rtx is not None else None
        viewer.audio_payload_type = choice.sound.payload_type if choice.sound is not None else None
        self._viewers[media_session_id] = viewer
        stream.viewers[media_session_id] = viewer
        self._entrance.admit(viewer)
        self._upkeep.begin(viewer)
        self._counters.plays += 1
        return viewer

    def _answer(self, offer: Offer, choice: Choice, viewer: Viewer, *, udp: bool) -> str:
        stream = viewer.stream
        local = Local(
            ufrag=viewer.ice.ufrag,
            password=viewer.ice.password.decode(),
            fingerprint=self._certificate.fingerprint,
            addresses=self._addresses,
            port=self._doors.number,
            tcp=self._doors.tcp,
            udp=udp,
            stream_id=secrets.token_hex(8),
            video_ssrc=stream.video.ssrc,
            rtx_ssrc=stream.rtx_ssrc,
            audio_ssrc=stream.sound.ssrc,
        )
        return write_answer(offer, choice, local)

    def stop(self, media_session_id: str, info: str) -> bool:
        """End one play; tell whether it was there."""
        viewer = self._viewers.get(media_session_id)
        if viewer is None:
            return False
        self._end(viewer, PlayEnd.STOPPED, info)
        return True

    def key_frame(self, stream: str) -> tuple[VideoFormat, VideoFrame] | None:
        """Return the newest key frame of a stream, for a still picture."""
        known = self._streams.get(stream)
        return None if known is None else known.newest_key

    def streams(self) -> Sequence[StreamInfo]:
        """Return all streams."""
        return [stream.info() for stream in self._streams.values()]

    def viewers(self) -> Sequence[ViewerInfo]:
        """Return all viewers."""
        return [viewer.info() for viewer in self._viewers.values()]

    def counters(self) -> dict[str, float]:
        """Return totals since the start, and how many viewers and streams there are now."""
        numbers = self._counters.as_dict()
        numbers["viewers"] = len(self._viewers)
        numbers["viewers_connected"] = sum(v.connected for v in self._viewers.values())
        numbers["streams"] = len(self._streams)
        numbers.update(self._doors.counters())
        numbers["segmentation"] = float(self._press.segmentation.on)
        return numbers

    def _connected(self, viewer: Viewer, keys: SrtpKeys) -> None:
        try:
            # Where lost packets have numbers of their own, none is ever encrypted again.
            window = REPLAY_WINDOW if viewer.rtx_payload_type is None else SHORT_WINDOW
            viewer.keys = self._protector.keys(
                keys.profile, keys.outbound, keys.inbound, window=window
            )
        except SrtpError:
            self._failed(viewer, "Failed by DTLS error")
            return
        now = time.monotonic()
        viewer.handshake_until = now + HANDSHAKE_KEPT_SECONDS
        viewer.report_at = now
        viewer.fingerprints = {}
        viewer.stream.join(viewer, keys.profile.tag)

    def _left(self, viewer: Viewer) -> None:
        self._end(viewer, PlayEnd.STOPPED, "Stopped by user")

    def _failed(self, viewer: Viewer, info: str) -> None:
        self._end(viewer, PlayEnd.FAILED, info)

    def _end(self, viewer: Viewer, how: PlayEnd, info: str) -> None:
        if self._viewers.pop(viewer.media_session_id, None) is None:
            return
        if viewer.connected:
            self._reporter.goodbye(viewer)
            self._entrance.goodbye(viewer)
        viewer.stream.leave(viewer)
        self._entrance.forget(viewer)
        viewer.keys = None
        try:
            viewer.on_end(how, info)
        except Exception:  # noqa: BLE001  # one caller's mistake must not stop the others' video
            self._log.exception("the end of a play could not be told", camera=viewer.stream.name)
