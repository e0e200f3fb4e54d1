"""One connection to the RTSP output (RFC 2326): requests in, answers and packets out."""

import asyncio
import contextlib
import secrets
import socket
import time
from typing import Final, Protocol, cast

import structlog

from gateway.kit.tasks import Tasks
from gateway.mediaserver.outlet.answers import Answer, write
from gateway.mediaserver.outlet.carriers import carry
from gateway.mediaserver.outlet.description import AUDIO, VIDEO, describe
from gateway.mediaserver.outlet.door import Door
from gateway.mediaserver.outlet.feed import Feed
from gateway.mediaserver.outlet.login import Gate
from gateway.mediaserver.outlet.names import place_of
from gateway.mediaserver.outlet.offers import offers
from gateway.mediaserver.outlet.player import Player
from gateway.model.errors import GatewayError
from gateway.rtsp.message import Message, Receiver

METHODS: Final = "OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER, SET_PARAMETER, TEARDOWN"
STRANGER_S: Final = 15.0
"""So long a connection may stay without a proof of who it is."""

IDLE_S: Final = 75.0
_SESSION_S: Final = 60
_DESCRIBE_S: Final = 4.0
_OK: Final = 200
_KEPT_OUT: Final = 403
_QUEUE: Final = 16
_ANSWERS: Final = 256_000
_DEAD_PEER_MS: Final = 20_000


class House(Protocol):
    """What a session asks of :class:`gateway.mediaserver.outlet.server.Outlet`."""

    tasks: Tasks

    def feed(self, name: str) -> Feed | None:
        """Return a stream."""

    def joined(self, session: "Session") -> bool:
        """Take note of a connection; false when there are too many."""

    def known(self, session: "Session") -> None:
        """Take note that a connection has proved who it is."""

    def left(self, session: "Session") -> None:
        """Forget a connection."""


class Session(asyncio.BufferedProtocol):
    """Serves one client until either side ends it; no request of its can do more than that."""

    def __init__(self, house: House, gate: Gate) -> None:
        self._house = house
        self._gate = gate
        self._receiver = Receiver(self._packet, self._message)
        self._requests: asyncio.Queue[Message] = asyncio.Queue(_QUEUE)
        self._transport: asyncio.Transport | None = None
        self._id = secrets.token_hex(8)
        self._door: Door | None = None
        self._serving: asyncio.Task[None] | None = None
        self._feed: Feed | None = None
        self._player = Player(self.hang_up)
        self._playing = False
        self._udp = False
        self._alive = time.monotonic()
        self._log = structlog.get_logger("rtsp-output")

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to serve."""
        self._transport = cast("asyncio.Transport", transport)
        if not self._house.joined(self):
            self._transport.abort()
            return
        sock = self._transport.get_extra_info("socket")
        if sock is not None:
            # A recorder whose cable is pulled takes nothing and says nothing.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _DEAD_PEER_MS)
        self._door = Door(self._gate, self._peer())
        self._serving = self._house.tasks.spawn(self._serve(), "client")

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return where the next bytes go."""
        del sizehint
        return self._receiver.free()

    def buffer_updated(self, nbytes: int) -> None:
        """Cut what has come; whoever speaks no RTSP is cut off."""
        self._alive = time.monotonic()
        try:
            self._receiver.filled(nbytes)
        except GatewayError:
            self.hang_up("it speaks no RTSP")

    def connection_lost(self, exc: Exception | None) -> None:
        """Free everything."""
        del exc
        self._stop()
        if self._serving is not None:
            self._serving.cancel()
        self._house.left(self)

    def hang_up(self, reason: str) -> None:
        """End the connection at once."""
        if self._playing:
            self._log.info("a client of the RTSP output is cut off", reason=reason, **self._about())
        self._stop()
        if self._transport is not None:
            self._transport.abort()

    # requests

    def _packet(self, channel: int, view: memoryview) -> None:
        """Take a receiver report: that it came is all that it says."""

    def _message(self, message: Message) -> None:
        if not message.method:
            return
        try:
            self._requests.put_nowait(message)
        except asyncio.QueueFull:
            self.hang_up("it asks too much")

    async def _serve(self) -> None:
        try:
            while True:
                request = await self._next()
                if request is None:
                    break
                answer = await self._safely(request)
                self._write(request, answer)
                ended = request.method == "TEARDOWN" and answer.status == _OK
                if ended or answer.status == _KEPT_OUT:
                    break
                if self._playing:
                    # After the answer: a client must not see packets before it.
                    self._join()
        finally:
            self._stop()
            if self._transport is not None:
                self._transport.close()

    async def _next(self) -> Message | None:
        """Wait for the next request; ``None`` when the client is gone for all that we know."""
        while True:
            # Who takes packets over TCP need not speak: the connection itself tells its end.
            silent = self._playing and not self._udp
            limit = None if silent else (IDLE_S if self._door and self._door.user else STRANGER_S)
            try:
                async with asyncio.timeout(limit):
                    return await self._requests.get()
            except TimeoutError:
                if limit is None or time.monotonic() - self._alive >= limit:
                    return None

    async def _safely(self, request: Message) -> Answer:
        try:
            return await self._answer(request)
        except GatewayError as error:
            self._log.warning("a client of the RTSP output is not served", reason=error.message)
        except Exception:  # noqa: BLE001  # one client's trouble stays its own
            self._log.exception("a request to the RTSP output failed", method=request.method)
        return Answer(500)

    async def _answer(self, request: Message) -> Answer:
        if request.cseq is None or self._door is None:
            return Answer(400)
        if request.method == "OPTIONS":
            return Answer(headers=(("Public", METHODS),))
        refused = await self._door.refuses(request)
        if refused is None:
            self._house.known(self)
            return await self._dispatch(request)
        return refused

    async def _dispatch(self, request: Message) -> Answer:
        handler = {
            "DESCRIBE": self._describe,
            "SETUP": self._set_up,
            "PLAY": self._play,
            "GET_PARAMETER": self._keep_alive,
            "SET_PARAMETER": self._keep_alive,
            "TEARDOWN": self._keep_alive,
        }.get(request.method)
        if handler is None:
            return Answer(405, (("Allow", METHODS),))
        said = request.header("session").partition(";")[0].strip()
        if said and said != self._id:
            return Answer(454)
        return await handler(request)

    async def _describe(self, request: Message) -> Answer:
        place = place_of(request.uri)
        feed = self._house.feed(place.stream) if place else None
        if feed is None:
            return Answer(404)
        # A camera that is being connected is worth a short wait, or every client retries.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_DESCRIBE_S):
                await feed.known.wait()
        if feed.described is None:
            return Answer(503)
        base = ("Content-Base", request.uri.partition("?")[0].rstrip("/") + "/")
        body = describe(*feed.described)
        return Answer(headers=(base, ("Content-Type", "application/sdp")), body=body)

    async def _set_up(self, request: Message) -> Answer:
        place = place_of(request.uri)
        feed = self._house.feed(place.stream) if place else None
        if place is None or feed is None or feed.described is None:
            return Answer(404)
        if self._playing or (self._feed is not None and self._feed is not feed):
            return Answer(455)
        if place.track not in (VIDEO, AUDIO) or (place.track == AUDIO and not feed.described[1]):
            return Answer(404)
        name = "video_carrier" if place.track == VIDEO else "audio_carrier"
        if getattr(self._player, name) is not None:
            return Answer(455)
        offered = offers(request.header("transport"))
        if not offered or self._transport is None:
            return Answer(461)
        own = (0, 1) if place.track == VIDEO else (2, 3)
        carrier, agreed = carry(offered[0], self._transport, own, self._heard)
        setattr(self._player, name, carrier)
        self._feed, self._udp = feed, not offered[0].tcp
        source = feed.video if place.track == VIDEO else feed.sound
        transport = ("Transport", f"{agreed};ssrc={source.ssrc:08X}")
        return Answer(headers=(transport, self._session_header(timeout=True)))

    def _heard(self, _view: memoryview, arrival: float) -> None:
        self._alive = arrival

    async def _play(self, request: Message) -> Answer:
        feed = self._feed
        if feed is None:
            return Answer(455)
        headers = (("Range", "npt=now-"), self._session_header())
        if self._playing:
            return Answer(headers=headers)
        info = []
        base = request.uri.partition("?")[0].rstrip("/")
        if self._player.video_carrier is not None:
            number, stamp = feed.next_video()
            time_ = "" if stamp is None else f";rtptime={stamp}"
            info.append(f"url={base}/{VIDEO};seq={number}{time_}")
        if self._player.audio_carrier is not None:
            info.append(f"url={base}/{AUDIO};seq={feed.sound.next & 0xFFFF}")
        self._playing = True
        self._log.info("a client of the RTSP output plays", **self._about())
        return Answer(headers=(*headers, ("RTP-Info", ",".join(info))))

    def _join(self) -> None:
        if self._feed is not None and not self._feed.has(self._player):
            self._feed.join(self._player)
            self._feed.report_to(self._player, time.monotonic())

    async def _keep_alive(self, _request: Message) -> Answer:
        return Answer(headers=(self._session_header(),) if self._feed is not None else ())

    # small helpers

    def _stop(self) -> None:
        if self._feed is not None:
            self._feed.leave(self._player)
            self._feed = None
        self._playing = False
        self._player.close()
        self._player = Player(self.hang_up)

    def _session_header(self, *, timeout: bool = False) -> tuple[str, str]:
        return "Session", f"{self._id};timeout={_SESSION_S}" if timeout else self._id

    def _write(self, request: Message, answer: Answer) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if not self._playing and transport.get_write_buffer_size() > _ANSWERS:
            self.hang_up("it does not read its answers")
            return
        transport.write(write(answer, cseq=request.cseq or 0))

    def _peer(self) -> str:
        name = self._transport.get_extra_info("peername") if self._transport else None
        return str(name[0]) if name else ""

    def _about(self) -> dict[str, str]:
        stream = self._feed.name if self._feed else ""
        user = (self._door.user if self._door else None) or ""
        return {"stream": stream, "user": user, "host": self._peer()}
