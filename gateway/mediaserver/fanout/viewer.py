"""One viewer: small, because there are many."""

from collections.abc import Sequence
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final

from gateway.mediaserver.ports import OnEnd, ViewerInfo
from gateway.mediaserver.transport.convoy import packed
from gateway.mediaserver.transport.ice import IceLite
from gateway.mediaserver.transport.srtp import Batch

if TYPE_CHECKING:
    from gateway.mediaserver.fanout.stream import Stream
    from gateway.mediaserver.fanout.track import Group
    from gateway.mediaserver.transport.dtls import Handshake
    from gateway.mediaserver.transport.link import Address, Link

_MOST_SOURCES: Final = 8
_FIRST_TOKENS: Final = 256.0
"""Packets that a newcomer may be sent again at once: it begins with a burst, of which some go."""


class Mode(IntEnum):
    """What a viewer is sent."""

    CONNECTING = 0
    WAITING = 1  # nothing, until the next key frame
    CATCHING_UP = 2  # the cached frames, paced
    LIVE = 3
    PAUSED = 4  # nothing, until it gives a sign of life
    ENDED = 5


class Viewer:
    """One play. Times are monotonic seconds; counters are since its start.

    ``name`` is ``address`` as the kernel reads it, of a viewer on UDP. ``cursor`` is the number of
    the next frame to send while it is not LIVE, ``left_at`` the sequence number up to which it was
    sent packets. ``resent`` holds when a packet was last sent again, and how many times;
    ``echoed`` how many NACKs had come when the viewer was last told the round trip.
    ``own_packets`` and ``own_octets`` (of RTP payload) leave out those that its groups count.
    """

    __slots__ = (
        "_sources",
        "address",
        "audio_group",
        "audio_payload_type",
        "born",
        "cursor",
        "echoed",
        "fingerprints",
        "group",
        "handshake",
        "handshake_until",
        "heard",
        "ice",
        "keys",
        "left_at",
        "link",
        "media_session_id",
        "mode",
        "nacks",
        "name",
        "on_end",
        "own_octets",
        "own_packets",
        "payload_type",
        "queued",
        "refreshed",
        "report_at",
        "resent",
        "rtx_next",
        "rtx_payload_type",
        "stream",
        "tokens",
        "tokens_at",
    )

    def __init__(
        self,
        *,
        stream: "Stream",
        media_session_id: str,
        on_end: OnEnd,
        ice: IceLite,
        fingerprints: dict[str, str],
        now: float,
    ) -> None:
        self.stream = stream
        self.media_session_id = media_session_id
        self.on_end = on_end
        self.ice = ice
        self.fingerprints = fingerprints
        self.born = self.heard = self.tokens_at = now
        self.mode = Mode.CONNECTING
        self.handshake: Handshake | None = None
        self.handshake_until = 0.0
        self.keys: Any = None
        self.link: Link | None = None
        self.address: Address | None = None
        self.name = b""
        self.payload_type = 0
        self.rtx_payload_type: int | None = None
        self.audio_payload_type: int | None = None
        self.group: Group | None = None
        self.audio_group: Group | None = None
        self.cursor = self.left_at = 0
        self.rtx_next = 1
        self.queued = 0
        self.tokens = _FIRST_TOKENS
        self.refreshed = self.report_at = 0.0
        self.own_packets = self.own_octets = self.nacks = 0
        self.echoed = -1
        self.resent: dict[int, tuple[float, int]] = {}
        self._sources: tuple[int, ...] = ()

    @property
    def connected(self) -> bool:
        """Whether ICE and DTLS are done and the play has not ended."""
        return self.keys is not None and self.mode is not Mode.ENDED

    @property
    def said_goodbye(self) -> bool:
        """Whether it took its leave and has not been heard of since."""
        return self.heard == float("-inf")

    def move(self, link: "Link", address: "Address") -> None:
        """Be sent everything by ``link`` to ``address`` from now on."""
        if address != self.address:
            self.name = b"" if link.shared < 0 else packed(address)
        self.link, self.address = link, address

    def enter(self, group: "Group") -> None:
        """Be sent from now on what ``group`` is sent."""
        group.viewers = [*group.viewers, self]
        self.own_packets -= group.packets
        self.own_octets -= group.octets

    def leave(self, group: "Group") -> None:
        """Take over what ``group`` has counted; the track takes the viewer out of it."""
        self.own_packets += group.packets
        self.own_octets += group.octets

    def count(self, batches: Sequence[Batch]) -> None:
        """Count what was sent to this viewer alone."""
        for batch in batches:
            self.own_packets += batch.count
            self.own_octets += batch.octets

    def sent(self) -> tuple[int, int]:
        """Return packets of video and octets of their payload since the start."""
        if self.mode is Mode.LIVE and self.group is not None:
            return self.own_packets + self.group.packets, self.own_octets + self.group.octets
        return self.own_packets, self.own_octets

    def info(self) -> ViewerInfo:
        """Return what is known of the viewer."""
        packets, octets = self.sent()
        return ViewerInfo(
            media_session_id=self.media_session_id,
            stream=self.stream.name,
            connected=self.connected,
            address="" if self.address is None else self.address[0],
            packets=packets,
            bytes=octets,
            nacks=self.nacks,
        )

    def knows_source(self, ssrc: int) -> bool:
        """Tell whether RTCP of ``ssrc`` is heard: libsrtp keeps a state for each, so few are."""
        if ssrc in self._sources:
            return True
        if len(self._sources) >= _MOST_SOURCES:
            return False
        self._sources = (*self._sources, ssrc)
        return True
