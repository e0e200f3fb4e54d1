"""An RTSP session (RFC 2326): describe a camera, set its tracks up, play, and stay in touch.

TCP interleaved comes first because it passes every network; a camera that refuses it gets UDP.
Every step has a deadline and ends in a :class:`GatewayError` of a CAMERA_* kind.
"""

import asyncio
import contextlib
import re
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from gateway.kit.tasks import Tasks
from gateway.model.errors import ErrorKind, GatewayError
from gateway.rtsp import address as addresses
from gateway.rtsp import answers, sdp
from gateway.rtsp.address import RtspAddress
from gateway.rtsp.arrivals import Arrivals
from gateway.rtsp.auth import Login
from gateway.rtsp.connection import Connection, connect
from gateway.rtsp.message import Message
from gateway.rtsp.rtp import PacketSink
from gateway.rtsp.sdp import SessionDescription, Track
from gateway.rtsp.transport import Link, TcpLink, UdpLink

_REPORT_EVERY_S: Final = 5.0
_TEARDOWN_S: Final = 1.0
_DEFAULT_SESSION_S: Final = 60
_TIMEOUT: Final = re.compile(r"(?i);\s*timeout\s*=\s*(\d{1,5})")
_NO_TRANSPORT: Final = Message(status=461, reason="Unsupported transport")
# Answers to SETUP that mean "not over this transport"; many cameras do not know 461.
_REFUSES_TRANSPORT: Final = frozenset({400, 405, 406, 451, 456, 461, 500, 501, 551})


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """Deadlines in seconds. ``allowed(host)`` says whether a redirect may lead to ``host``.

    The address that one asks for is always allowed; without ``allowed`` nothing else is. At most
    ``redirects`` are followed. ``arrivals`` reads media over TCP together with other cameras'.
    """

    connect_s: float = 5.0
    request_s: float = 5.0
    allowed: Callable[[str], bool] | None = None
    redirects: int = 3
    arrivals: Arrivals | None = None


@dataclass(slots=True)
class Client:
    """A session with one camera; use :meth:`open`, :meth:`play`, :attr:`ended`, :meth:`close`.

    ``server`` is how the camera calls itself, ``server_spoke`` says that it has answered in RTSP,
    ``location`` is where it sent us last.
    """

    address: RtspAddress
    settings: ClientSettings = field(default_factory=ClientSettings)
    server: str = field(default="", init=False)
    location: str = field(default="", init=False)
    server_spoke: bool = field(default=False, init=False)
    _connection: Connection | None = field(default=None, init=False)
    _methods: frozenset[str] = field(default=frozenset(), init=False)
    _description: SessionDescription | None = field(default=None, init=False)
    _session: str = field(default="", init=False)
    _timeout_s: int = field(default=_DEFAULT_SESSION_S, init=False)
    _links: list[Link] = field(default_factory=list, init=False)
    _tasks: Tasks = field(default_factory=lambda: Tasks("rtsp"), init=False)

    async def open(self) -> SessionDescription:
        """Connect and describe, through redirects. Raises GatewayError CAMERA_*."""
        for _ in range(self.settings.redirects + 1):
            reply = await self._ask()
            if not answers.redirects(reply):
                self.location = ""
                self._description = self._describe(reply)
                return self._description
            self._live().close()
            self._follow(reply.header("location"))
        raise GatewayError(
            ErrorKind.CAMERA_BAD_ANSWER,
            f"the camera at {self.address.host} sends us to {self.location} instead",
            "use the address that it names",
        )

    async def play(self, wanted: Sequence[tuple[Track, PacketSink]]) -> None:
        """Set the tracks up and start them; packets come from now on. Raises CAMERA_*."""
        use_udp = False
        for index, (track, sink) in enumerate(wanted):
            if not use_udp:
                use_udp = not await self._set_up_tcp(index, track, sink)
                if use_udp and index:
                    raise answers.failure(_NO_TRANSPORT, "SETUP", self.address.host)
            if use_udp:
                await self._set_up_udp(track, sink)
        for link in self._links:
            link.started()
        headers = {"Range": "npt=0.000-", **self._session_header()}
        reply = await self._request("PLAY", self._control(), headers)
        answers.check(reply, "PLAY", self.address.host)
        if self.settings.arrivals is not None and not use_udp:
            self._live().read_by(self.settings.arrivals)
        self._tasks.spawn(self._keep_alive(), "keep-alive")
        self._tasks.spawn(self._report(), "reports")

    @property
    def ended(self) -> asyncio.Future[GatewayError]:
        """Done with the reason once the camera is gone; belongs to us, only look at it."""
        return self._live().closed

    async def close(self) -> None:
        """Tell the camera good-bye, within a second, and free everything."""
        await self._tasks.close()
        connection = self._connection
        try:
            if connection is not None and self._session and not connection.closed.done():
                with contextlib.suppress(GatewayError):
                    await connection.request(
                        "TEARDOWN",
                        self._control(),
                        self._session_header(),
                        timeout_s=_TEARDOWN_S,
                    )
        finally:
            self._session = ""
            for link in self._links:
                link.close()
            self._links.clear()
            if connection is not None:
                connection.close()

    # describe

    async def _ask(self) -> Message:
        """Connect, log in and describe; once more for a camera that hangs up to ask for a login."""
        address = self.address
        login = None
        if address.username is not None and address.password is not None:
            login = Login(address.username, address.password)
        while True:
            self._connection = await connect(
                address, login, self._packet, timeout_s=self.settings.connect_s
            )
            first_time = login is not None and login.challenge is None
            try:
                return await self._options_and_describe()
            except GatewayError as error:
                hung_up = error.kind is ErrorKind.CAMERA_UNREACHABLE
                if not (hung_up and first_time and login is not None and login.challenge):
                    raise
                self._connection.close()

    async def _options_and_describe(self) -> Message:
        url = self.address.url
        options = await self._request("OPTIONS", url, {})
        self.server_spoke = True
        if answers.redirects(options):
            return options
        if answers.unauthorized(options) and self.address.username is not None:
            answers.check(options, "OPTIONS", self.address.host)
        public = ",".join(options.headers.get("public", []))
        self._methods = frozenset(word.strip().upper() for word in public.split(","))
        reply = await self._request("DESCRIBE", url, {"Accept": "application/sdp"})
        self.server = (reply.header("server") or options.header("server"))[:200]
        return reply

    def _describe(self, reply: Message) -> SessionDescription:
        answers.check(reply, "DESCRIBE", self.address.host)
        base = reply.header("content-base") or reply.header("content-location")
        return sdp.parse(reply.body, addresses.join(self.address.url, base))

    def _follow(self, location: str) -> None:
        """Go where the camera sends us. Raises CAMERA_BAD_ANSWER when that is not allowed."""
        try:
            target = addresses.parse(addresses.join(self.address.url, location))
        except GatewayError as error:
            raise GatewayError(
                ErrorKind.CAMERA_BAD_ANSWER,
                f"the camera at {self.address.host} sends us to an address that is none",
                "update the camera's firmware",
            ) from error
        self.location = target.display
        allowed = self.settings.allowed
        own = target.host == self.address.host
        if self.settings.redirects and not own and not (allowed and allowed(target.host)):
            raise GatewayError(
                ErrorKind.CAMERA_BAD_ANSWER,
                f"the camera at {self.address.host} sends us to {target.display},"
                " which is not allowed",
                "register the camera by the address where it really is",
            )
        if self.settings.redirects:
            login = self.address if target.username is None else target
            self.address = replace(target, username=login.username, password=login.password)

    # set up

    async def _set_up_tcp(self, index: int, track: Track, sink: PacketSink) -> bool:
        """Ask for TCP; False when the camera refuses it."""
        link = TcpLink(self._live(), track, sink, channel=2 * index)
        reply = await self._set_up(track, link)
        if reply.status in _REFUSES_TRANSPORT and not index:
            return False
        answers.check(reply, "SETUP", self.address.host)
        if not link.accepted(reply.header("transport")):
            return False
        self._take(reply, link)
        return True

    async def _set_up_udp(self, track: Track, sink: PacketSink) -> None:
        link = UdpLink(self._live(), track, sink)
        try:
            reply = await self._set_up(track, link)
            if answers.fine(reply) and not link.accepted(reply.header("transport")):
                reply = _NO_TRANSPORT
            answers.check(reply, "SETUP", self.address.host)
        except BaseException:
            link.close()
            raise
        self._take(reply, link)

    async def _set_up(self, track: Track, link: Link) -> Message:
        headers = {"Transport": link.offer, **self._session_header()}
        return await self._request("SETUP", track.control, headers)

    def _take(self, reply: Message, link: Link) -> None:
        self._links.append(link)
        session = reply.header("session")
        self._session = session.partition(";")[0].strip()[:200] or self._session
        if found := _TIMEOUT.search(session):
            self._timeout_s = max(4, int(found[1]))

    # while it plays

    async def _keep_alive(self) -> None:
        """Show the camera that we are here, in the way that it understands.

        A camera that answers with an error or late still plays; the stall watch of whoever plays
        it decides, so only the end of the connection ends this.
        """
        method = next(
            (name for name in ("GET_PARAMETER", "SET_PARAMETER") if name in self._methods),
            "OPTIONS",
        )
        while not self._live().closed.done():
            await asyncio.sleep(self._timeout_s / 2)
            with contextlib.suppress(GatewayError):
                reply = await self._request(method, self._control(), self._session_header())
                if not answers.fine(reply):
                    method = "OPTIONS"

    async def _report(self) -> None:
        while not self._live().closed.done():
            await asyncio.sleep(_REPORT_EVERY_S * (0.5 + secrets.randbelow(1000) / 1000))
            with contextlib.suppress(GatewayError):
                for link in self._links:
                    link.report(time.monotonic())

    def _packet(self, channel: int, data: memoryview, arrival: float) -> None:
        for link in self._links:
            link.packet(channel, data, arrival)

    # small helpers

    async def _request(self, method: str, url: str, headers: dict[str, str]) -> Message:
        connection = self._live()
        timeout_s = self.settings.request_s
        return await connection.request(method, url, headers, timeout_s=timeout_s)

    def _live(self) -> Connection:
        if self._connection is None:
            raise GatewayError(ErrorKind.INTERNAL, "the RTSP client is not open")
        return self._connection

    def _session_header(self) -> dict[str, str]:
        return {"Session": self._session} if self._session else {}

    def _control(self) -> str:
        return self._description.control if self._description else self.address.url
