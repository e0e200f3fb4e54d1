"""From the first STUN check to the SRTP keys: who a datagram belongs to, and what it may cause."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from gateway.mediaserver.fanout.counters import Counters
from gateway.mediaserver.fanout.feedback import Listener
from gateway.mediaserver.fanout.viewer import Mode, Viewer
from gateway.mediaserver.transport import stun
from gateway.mediaserver.transport.doors import Doors
from gateway.mediaserver.transport.dtls import DtlsError, DtlsServer, FingerprintError, SrtpKeys
from gateway.mediaserver.transport.link import Address, Link

_MOST_QUEUED: Final = 1024
_MOST_QUEUED_OF_ONE: Final = 16
_HANDSHAKES_PER_TURN: Final = 2
_ALERT: Final = 21
_FIRST_RTCP: Final = 192
_LAST_RTCP: Final = 223

OnKeys = Callable[[Viewer, SrtpKeys], None]
OnFailed = Callable[[Viewer, str], None]


class Entrance:
    """Takes every datagram of the port, and every frame of its TCP connections (RFC 7983).

    Handshakes cost about a millisecond each, so they wait in a queue of their own and two are
    done between turns of the event loop: a crowd that arrives does not stop those who watch.
    """

    def __init__(
        self,
        *,
        dtls: DtlsServer,
        listener: Listener,
        counters: Counters,
        doors: Doors,
        on_keys: OnKeys,
        on_failed: OnFailed,
    ) -> None:
        self._dtls = dtls
        self._listener = listener
        self._counters = counters
        self._doors = doors
        self._on_keys = on_keys
        self._on_failed = on_failed
        self._by_ufrag: dict[str, Viewer] = {}
        self._by_address: dict[Address, Viewer] = {}
        self._queue: deque[tuple[Viewer, bytes]] = deque()
        self._turn: asyncio.Handle | None = None

    def admit(self, viewer: Viewer) -> None:
        """Listen to checks of ``viewer``."""
        self._by_ufrag[viewer.ice.ufrag] = viewer

    def forget(self, viewer: Viewer) -> None:
        """Listen to ``viewer`` no more."""
        self._by_ufrag.pop(viewer.ice.ufrag, None)
        for address in viewer.ice.addresses:
            if self._by_address.get(address) is viewer:
                del self._by_address[address]
            self._doors.drop(address)
        viewer.handshake = None

    def closed(self, address: Address) -> None:
        """Take note that a viewer's TCP connection has ended; another way may be checked soon."""
        viewer = self._by_address.pop(address, None)
        if viewer is None:
            return
        viewer.ice.forget(address)
        if viewer.address == address:
            viewer.link = viewer.address = None

    def close(self) -> None:
        """Drop what waits."""
        self._queue.clear()
        if self._turn is not None:
            self._turn.cancel()
            self._turn = None

    def receive(self, link: Link, data: bytes, address: Address, local: str | None) -> None:
        """Take one datagram that was sent to our address ``local``."""
        first = data[0]
        if first <= 3:  # noqa: PLR2004  # RFC 7983: STUN
            self._check(link, data, address, local)
            return
        viewer = self._by_address.get(address)
        if viewer is None:
            self._counters.strays += 1
        elif 20 <= first <= 63:  # noqa: PLR2004  # RFC 7983: DTLS
            self._queue_handshake(viewer, data)
        elif (
            128 <= first <= 191  # noqa: PLR2004  # RFC 7983: RTP and RTCP
            and len(data) > 1
            and _FIRST_RTCP <= data[1] <= _LAST_RTCP
            and viewer.connected
        ):
            self._hear(viewer, link, data, address)
        else:
            self._counters.strays += 1

    def _hear(self, viewer: Viewer, link: Link, data: bytes, address: Address) -> None:
        if self._listener.receive(viewer, data, time.monotonic()) and address != viewer.address:
            # Browsers report on the way that they use; not all of them nominate it again.
            viewer.ice.chosen = address
            viewer.move(link, address)

    def _check(self, link: Link, data: bytes, address: Address, local: str | None) -> None:
        try:
            request = stun.parse_request(data)
        except stun.StunError:
            self._counters.stun_rejects += 1
            return
        viewer = self._by_ufrag.get(request.username.partition(":")[0])
        if viewer is None:
            self._counters.stun_rejects += 1
            return
        now, ice = time.monotonic(), viewer.ice
        before = ice.addresses
        answer = ice.answer(request, address, now)
        if answer is None:
            self._counters.stun_rejects += 1
            return
        self._counters.stun_checks += 1
        link = self._doors.link(link, local, address)
        link.send(answer, address)
        if ice.addresses is not before:
            for gone in set(before).difference(ice.addresses):
                if self._by_address.get(gone) is viewer:
                    del self._by_address[gone]
                self._doors.drop(gone)
        if address in ice.addresses:
            self._by_address[address] = viewer
            self._doors.prove(address, now)
            viewer.heard = now
        if ice.chosen == address:
            viewer.move(link, address)

    def _queue_handshake(self, viewer: Viewer, data: bytes) -> None:
        if viewer.keys is not None and data[0] == _ALERT:
            # Nobody can read an alert any more, but it can only mean goodbye.
            self._listener.leaving(viewer, time.monotonic())
        if viewer.keys is not None and (data[0] == _ALERT or viewer.handshake is None):
            return
        if len(self._queue) >= _MOST_QUEUED or viewer.queued >= _MOST_QUEUED_OF_ONE:
            self._counters.handshakes_dropped += 1
            return
        viewer.queued += 1
        self._queue.append((viewer, data))
        if self._turn is None:
            self._turn = asyncio.get_running_loop().call_soon(self._next)

    def _next(self) -> None:
        self._turn = None
        for _ in range(min(_HANDSHAKES_PER_TURN, len(self._queue))):
            viewer, data = self._queue.popleft()
            viewer.queued -= 1
            if viewer.mode is not Mode.ENDED:
                self._handshake(viewer, data)
        if self._queue:
            self._turn = asyncio.get_running_loop().call_soon(self._next)

    def _handshake(self, viewer: Viewer, data: bytes) -> None:
        if viewer.handshake is None:
            if viewer.keys is not None:
                return
            viewer.handshake = self._dtls.handshake(viewer.fingerprints)
        handshake = viewer.handshake
        try:
            self._send(viewer, handshake.receive(data))
        except DtlsError as error:
            self._fail(viewer, error)
            return
        if handshake.keys is not None and viewer.keys is None:
            self._counters.handshakes += 1
            self._on_keys(viewer, handshake.keys)

    def retransmit(self, viewer: Viewer) -> None:
        """Send again what the viewer's browser has not answered in time."""
        if viewer.handshake is None:
            return
        try:
            self._send(viewer, viewer.handshake.retransmit())
        except DtlsError as error:
            self._fail(viewer, error)

    def goodbye(self, viewer: Viewer) -> None:
        """Close DTLS politely while it is still there."""
        if viewer.handshake is not None:
            self._send(viewer, viewer.handshake.goodbye())

    def _fail(self, viewer: Viewer, error: DtlsError) -> None:
        if viewer.keys is not None:
            viewer.handshake = None
            return
        self._counters.handshakes_failed += 1
        wrong_certificate = isinstance(error, FingerprintError)
        self._on_failed(
            viewer,
            "Failed by DTLS fingerprint error" if wrong_certificate else "Failed by DTLS error",
        )

    @staticmethod
    def _send(viewer: Viewer, datagrams: list[bytes]) -> None:
        if viewer.link is not None and viewer.address is not None:
            for datagram in datagrams:
                viewer.link.send(datagram, viewer.address)
