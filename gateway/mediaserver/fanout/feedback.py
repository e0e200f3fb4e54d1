"""Listening to viewers: lost packets are sent again, lost pictures from the cache."""

import secrets
from typing import Final

from gateway.mediaserver.fanout.counters import Counters
from gateway.mediaserver.fanout.track import MARKER, RTP, Group
from gateway.mediaserver.fanout.viewer import Mode, Viewer
from gateway.mediaserver.transport import rtcp
from gateway.mediaserver.transport.srtp import Protector

RESENDS_BURST: Final = 256
RESENDS_PER_SECOND: Final = 300
REPEAT_SECONDS: Final = 0.015
"""A packet asked for again sooner than this is on its way; each further time takes twice as long.

A browser that knows a short round trip asks each 20 ms, also while a queue holds the answers up.
"""

REFRESH_SECONDS: Final = 1.0
"""At most one answer to picture loss in this time."""

_REFRESH_PACKETS: Final = 128
_BYE_GRACE: Final = 4.0
"""Seconds for another sign of life: browsers check every 2.5 s and report every second."""

_LEAST_BYTES: Final = 8
_REMEMBERED: Final = 128
_FORGOTTEN_AFTER: Final = 2.0
_LEARNING_SECONDS: Final = 4.0
_PLENTY: Final = RESENDS_BURST * 3 // 4


class Listener:
    """Handles what viewers send after the handshake."""

    def __init__(
        self,
        protector: Protector,
        counters: Counters,
        *,
        reporter: "Reporter",
        consent_timeout: float,
    ) -> None:
        self._protector = protector
        self._counters = counters
        self._reporter = reporter
        self._consent_timeout = consent_timeout

    def receive(self, viewer: Viewer, data: bytes, now: float) -> bool:
        """Take one SRTCP packet; tell whether it was authentic."""
        if len(data) < _LEAST_BYTES or not viewer.knows_source(int.from_bytes(data[4:8], "big")):
            self._counters.rtcp_rejects += 1
            return False
        plain = self._protector.unprotect_rtcp(viewer.keys, data)
        if plain is None:
            self._counters.rtcp_rejects += 1
            return False
        self._counters.rtcp += 1
        viewer.heard = now
        feedback = rtcp.parse(plain)
        if feedback.nacks:
            self._resend(viewer, feedback.nacks, now)
        if feedback.picture_lost:
            self._counters.picture_losses += 1
            self._refresh(viewer, now)
        if feedback.reference is not None:
            self._reporter.echo(viewer, feedback.reference)
        if feedback.bye:
            self.leaving(viewer, now)
        else:
            viewer.ice.checked = now  # an authentic report proves as much as a check
        return True

    def leaving(self, viewer: Viewer, now: float) -> None:
        """Believe that a viewer leaves, until it gives another sign of life soon.

        Anybody may have sent its address's alert: it costs the viewer a second's video at most.
        """
        soon = now - self._consent_timeout + _BYE_GRACE
        viewer.ice.checked = min(viewer.ice.checked, soon)
        viewer.heard = float("-inf")

    def _resend(self, viewer: Viewer, nacks: list[tuple[int, int]], now: float) -> None:
        track, group = viewer.stream.video, viewer.group
        viewer.nacks += len(nacks)
        self._counters.nacks += len(nacks)
        if group is None or viewer.mode not in (Mode.LIVE, Mode.CATCHING_UP):
            return
        passed = now - viewer.tokens_at
        viewer.tokens = min(RESENDS_BURST, viewer.tokens + passed * RESENDS_PER_SECOND)
        viewer.tokens_at = now
        latest = track.next - 1
        for ssrc, wire in nacks:
            if ssrc != track.ssrc:
                continue
            number = latest - (latest + group.key.offset - wire & 0xFFFF)
            for _ in range(_copies(viewer, number, now)):
                if not self._send_again(viewer, group, number):
                    self._counters.retransmissions_refused += 1
                    viewer.resent.pop(number, None)
                    break

    def _refresh(self, viewer: Viewer, now: float) -> None:
        """Send the key frame again and what follows it, for a browser that never got it whole.

        A camera cannot be asked for a key frame over RTSP. Numbers stay the same, so a browser
        takes what it misses and passes over what it has.
        """
        gop = viewer.stream.history.gop
        if viewer.mode is not Mode.LIVE or viewer.group is None or gop is None:
            return
        if now - viewer.refreshed < REFRESH_SECONDS:
            return
        viewer.refreshed = now
        self._counters.refreshes += 1
        viewer.tokens = max(viewer.tokens, float(min(len(gop.payloads), RESENDS_BURST)))
        latest = min(viewer.stream.video.next, gop.first + _REFRESH_PACKETS)
        for number in range(gop.first, latest):
            if not self._send_again(viewer, viewer.group, number):
                return

    def _send_again(self, viewer: Viewer, group: Group, number: int) -> bool:
        """Send packet ``number`` once more; false when it is gone or too much is asked."""
        found = viewer.stream.history.packet(number)
        link, address = viewer.link, viewer.address
        if found is None or viewer.tokens < 1 or link is None or link.backlog or address is None:
            return False
        viewer.tokens -= 1
        frame, place = found
        track = viewer.stream.video
        marker = place == len(frame.payloads) - 1
        if viewer.rtx_payload_type is None:
            # Under the same number only the very same bytes may be encrypted again.
            packet = track.packet(
                group.key,
                number=number,
                timestamp=frame.timestamp,
                payload=frame.payloads[place],
                marker=marker,
            )
        else:
            second = viewer.rtx_payload_type | (MARKER if marker else 0)
            rtx_number, ssrc = viewer.rtx_next, viewer.stream.rtx_ssrc
            viewer.rtx_next += 1
            packet = (
                RTP.pack(0x80, second, rtx_number & 0xFFFF, frame.timestamp, ssrc)
                + (number + group.key.offset & 0xFFFF).to_bytes(2, "big")
                + frame.payloads[place]
            )
        protected = self._protector.protect_one(viewer.keys, packet)
        if protected is None:
            return False
        link.send(protected, address)
        self._counters.retransmissions += 1
        return True


def _copies(viewer: Viewer, number: int, now: float) -> int:
    """Return how many times packet ``number``, which ``viewer`` misses, is sent now.

    Twice to who asks again: the answer was lost too, and another such loss would be seen as a
    frozen picture; packets so asked for are few. Twice to who cannot ask again soon, because the
    round trip is not known there yet. But where much is lost, the many come before the second,
    and a TCP connection loses nothing by itself.
    """
    resent = viewer.resent
    while resent:
        oldest = next(iter(resent))
        if len(resent) <= _REMEMBERED and now - resent[oldest][0] < _FORGOTTEN_AFTER:
            break
        del resent[oldest]
    last, times = resent.get(number, (now, 0))
    if times and now - last < REPEAT_SECONDS * (1 << times - 1):
        return 0
    resent[number] = now, times + 1
    slow = viewer.echoed < 0 or now - viewer.born < _LEARNING_SECONDS
    by_udp = viewer.link is not None and viewer.link.shared >= 0
    return 2 if by_udp and (times or slow) and viewer.tokens > _PLENTY else 1


class Reporter:
    """Sends viewers sender reports, by which they keep sound and picture together."""

    def __init__(self, protector: Protector) -> None:
        self._protector = protector
        self._cname = secrets.token_hex(8)

    def report(self, viewer: Viewer, now: float) -> None:
        """Send one viewer the reports of its tracks."""
        stream = viewer.stream
        packets, octets = viewer.sent()
        if packets:
            self._send(
                viewer,
                rtcp.sender_report(
                    ssrc=stream.video.ssrc,
                    rtp_time=stream.video.timeline.at(now),
                    packets=packets,
                    octets=octets,
                    cname=self._cname,
                ),
            )
        sound = viewer.audio_group
        if sound is not None and sound.packets:
            self._send(
                viewer,
                rtcp.sender_report(
                    ssrc=stream.sound.ssrc,
                    rtp_time=stream.sound.timeline.at(now),
                    packets=sound.packets,
                    octets=sound.octets,
                    cname=self._cname,
                ),
            )

    def echo(self, viewer: Viewer, reference: tuple[int, int]) -> None:
        """Send a viewer its clock back, from which it reckons the round trip.

        Without it browsers ask for a packet again after 100 ms only, and a packet that is lost
        twice or three times freezes the picture. They tell their clock each second; one that
        has lost nothing since the last answer is left alone.
        """
        if viewer.nacks == viewer.echoed:
            return
        viewer.echoed = viewer.nacks
        ssrc = viewer.stream.video.ssrc
        self._send(viewer, rtcp.echo(ssrc=ssrc, reference=reference, cname=self._cname))

    def goodbye(self, viewer: Viewer) -> None:
        """Tell a viewer that nothing more will come."""
        ssrcs = [viewer.stream.video.ssrc]
        if viewer.audio_group is not None:
            ssrcs.append(viewer.stream.sound.ssrc)
        self._send(viewer, rtcp.bye(tuple(ssrcs), self._cname))

    def _send(self, viewer: Viewer, packet: bytes) -> None:
        if viewer.link is None or viewer.address is None or viewer.link.backlog:
            return
        protected = self._protector.protect_rtcp(viewer.keys, packet)
        if protected is not None:
            viewer.link.send(protected, viewer.address)
