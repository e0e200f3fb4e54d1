"""One TCP connection to a camera: requests and their answers, interleaved packets between.

What a session means is :mod:`gateway.rtsp.client`'s business; here a request gets its answer
within a deadline, login included, and a camera's own requests are answered.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Final

from gateway.kit.oserrors import plainly
from gateway.model.errors import ErrorKind, GatewayError
from gateway.rtsp import message
from gateway.rtsp.address import RtspAddress
from gateway.rtsp.arrivals import Arrivals, read
from gateway.rtsp.auth import Login
from gateway.rtsp.message import Message, Receiver, Taker

USER_AGENT: Final = "camera-gateway"
_QUIET_S: Final = 0.4
_MAX_UNSENT: Final = 64 * 1024
_ANSWERED: Final = frozenset({"OPTIONS", "GET_PARAMETER", "SET_PARAMETER", "ANNOUNCE", "REDIRECT"})
_UNAUTHORIZED: Final = 401

OnPacket = Callable[[int, memoryview, float], None]


class Connection(asyncio.BufferedProtocol):
    """A connection in use. ``on_packet(channel, view, arrival)`` gets interleaved packets.

    ``login`` answers the camera's challenges; without it a 401 is an answer like others.

    ``closed`` is done with the reason once the connection is gone.
    """

    def __init__(self, address: RtspAddress, login: Login | None, on_packet: OnPacket) -> None:
        self._address = address
        self._on_packet = on_packet
        self._receiver = Receiver(self._packet, self._message)
        self._transport: asyncio.Transport | None = None
        self._cseq = 0
        self._waiting: asyncio.Future[Message] | None = None
        self._busy = asyncio.Lock()
        self._quiet: asyncio.TimerHandle | None = None
        self._login = login
        self._arrivals: Arrivals | None = None
        self._descriptor = -1
        self.closed: asyncio.Future[GatewayError] = asyncio.get_running_loop().create_future()

    @property
    def channels(self) -> set[int]:
        """The interleaved channels in use; they help to find the way back out of junk."""
        return self._receiver.channels

    @property
    def takers(self) -> dict[int, Taker]:
        """By channel, who may take many packets at once; the others come to ``on_packet``."""
        return self._receiver.takers

    @property
    def local_host(self) -> str:
        """Our address as the camera sees it."""
        return str(self._extra("sockname")[0])

    @property
    def peer_host(self) -> str:
        """The camera's address."""
        return str(self._extra("peername")[0])

    def _extra(self, name: str) -> tuple[str, int]:
        info = self._transport.get_extra_info(name) if self._transport else None
        if info is None:
            raise self._gone("the camera has closed the connection")
        return info[0], info[1]

    async def request(
        self, method: str, uri: str, headers: Mapping[str, str], *, timeout_s: float
    ) -> Message:
        """Send a request and return the answer to it, whatever its status.

        A challenge is answered once (see :class:`gateway.rtsp.auth.Login`). Raises
        CAMERA_TIMEOUT, CAMERA_UNREACHABLE (connection lost), CAMERA_BAD_ANSWER.
        """
        try:
            async with asyncio.timeout(timeout_s), self._busy:
                return await self._logged_in(method, uri, headers)
        except TimeoutError as error:
            raise GatewayError(
                ErrorKind.CAMERA_TIMEOUT,
                f"the camera at {self._address.host} did not answer {method} in {timeout_s:g} s",
                "restart the camera if it stays like this",
            ) from error

    async def _logged_in(self, method: str, uri: str, headers: Mapping[str, str]) -> Message:
        tries = 0
        while True:
            authorization = self._login.header(method, uri) if self._login else None
            reply = await self._exchange(method, uri, headers, authorization)
            if reply.status != _UNAUTHORIZED:
                if self._login:
                    self._login.accepted()
                return reply
            tries += authorization is not None
            offers = reply.headers.get("www-authenticate", [])
            if self._login is None or not self._login.challenged(offers, tries=tries):
                return reply

    async def _exchange(
        self, method: str, uri: str, headers: Mapping[str, str], authorization: str | None
    ) -> Message:
        if self.closed.done():
            raise self.closed.result()
        self._cseq += 1
        lines = {"CSeq": str(self._cseq), "User-Agent": USER_AGENT, **headers}
        if authorization is not None:
            lines["Authorization"] = authorization
        self._waiting = asyncio.get_running_loop().create_future()
        try:
            self._write(message.request(method, uri, lines))
            return await self._waiting
        finally:
            self._waiting = None

    def send_packet(self, channel: int, data: bytes) -> None:
        """Send an interleaved packet (our RTCP)."""
        self._write(bytes([0x24, channel]) + len(data).to_bytes(2, "big") + data)

    def read_by(self, arrivals: Arrivals) -> None:
        """Be read together with other cameras from now on."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()
            self._descriptor = self._transport.get_extra_info("socket").fileno()
            self._arrivals = arrivals
            arrivals.add(self._descriptor, self._readable)

    def _readable(self) -> None:
        count = read(self._descriptor, self._receiver.free())
        if count:
            self.buffer_updated(count)
        elif count == 0:
            # The end is asyncio's to find: it knows what follows from it.
            self._leave_arrivals()
            if self._transport is not None and not self._transport.is_closing():
                self._transport.resume_reading()

    def _leave_arrivals(self) -> None:
        if self._arrivals is not None:
            self._arrivals.remove(self._descriptor)
            self._arrivals = None

    def close(self) -> None:
        """Close at once; what is unsent stays unsent."""
        self._leave_arrivals()
        if self._quiet is not None:
            self._quiet.cancel()
        if self._transport is not None:
            self._transport.abort()
        self._fail(self._gone("the connection to the camera was closed"))

    def end(self, reason: str) -> None:
        """Count the session as over although the connection stands."""
        self._fail(self._gone(reason))

    # asyncio.BufferedProtocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin (asyncio)."""
        if isinstance(transport, asyncio.Transport):
            self._transport = transport

    def get_buffer(self, sizehint: int) -> memoryview:
        """Say where the next bytes go (asyncio)."""
        del sizehint
        return self._receiver.free()

    def buffer_updated(self, nbytes: int) -> None:
        """Cut what has arrived (asyncio)."""
        self._receiver.arrival = time.monotonic()
        try:
            self._receiver.filled(nbytes)
        except GatewayError as error:
            self._fail(error)
            self.close()
            return
        except Exception as error:  # noqa: BLE001  # whoever takes the media must not hang the loop
            failure = GatewayError(ErrorKind.INTERNAL, "an internal error ended the play")
            failure.__cause__ = error
            self._fail(failure)
            self.close()
            return
        if self._receiver.waits_for_quiet:
            if self._quiet is not None:
                self._quiet.cancel()
            loop = asyncio.get_running_loop()
            self._quiet = loop.call_later(_QUIET_S, self._receiver.flush)

    def eof_received(self) -> None:
        """Finish what waits for its end (asyncio)."""
        self._receiver.flush()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever waits (asyncio)."""
        self._leave_arrivals()
        self._transport = None
        if self._quiet is not None:
            self._quiet.cancel()
        failure = self._gone(f"the camera at {self._address.host} closed the connection")
        failure.__cause__ = exc
        self._fail(failure)
        self._receiver.release()

    def release_unused(self) -> None:
        """Give memory back if there is no connection."""
        if self._transport is None:
            self._receiver.release()

    # what the receiver finds

    def _packet(self, channel: int, data: memoryview) -> None:
        self._on_packet(channel, data, self._receiver.arrival)

    def _message(self, found: Message) -> None:
        if found.method:
            self._answer(found)
            return
        waiting = self._waiting
        late = found.cseq is not None and found.cseq < self._cseq
        if waiting is not None and not waiting.done() and not late:
            waiting.set_result(found)

    def _answer(self, asked: Message) -> None:
        if asked.method == "TEARDOWN":
            self._write(message.answer(asked, 200, "OK"))
            self._fail(self._gone("the camera has ended the session"))
        elif asked.method in _ANSWERED:
            self._write(message.answer(asked, 200, "OK"))
        else:
            self._write(message.answer(asked, 501, "Not Implemented"))

    def _write(self, data: bytes) -> None:
        if self._transport is None or self._transport.is_closing():
            raise self._gone("the camera has closed the connection")
        self._transport.write(data)
        if self._transport.get_write_buffer_size() > _MAX_UNSENT:
            self._fail(self._gone("the camera takes no more of our messages"))
            self.close()

    def _fail(self, error: GatewayError) -> None:
        if not self.closed.done():
            self.closed.set_result(error)
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(self.closed.result())

    def _gone(self, text: str) -> GatewayError:
        return GatewayError(
            ErrorKind.CAMERA_UNREACHABLE, text, "check the camera's power and network"
        )


async def connect(
    address: RtspAddress, login: Login | None, on_packet: OnPacket, *, timeout_s: float
) -> Connection:
    """Connect to a camera. Raises CAMERA_UNREACHABLE or CAMERA_TIMEOUT."""
    loop = asyncio.get_running_loop()
    connection = Connection(address, login, on_packet)
    where = f"{address.host}:{address.port}"
    try:
        async with asyncio.timeout(timeout_s):
            await loop.create_connection(lambda: connection, address.host, address.port)
    except TimeoutError as error:
        raise GatewayError(
            ErrorKind.CAMERA_TIMEOUT,
            f"no answer from {where} in {timeout_s:g} s",
            "check the camera's address, power and network",
        ) from error
    except OSError as error:
        raise GatewayError(
            ErrorKind.CAMERA_UNREACHABLE,
            f"no camera answers at {where}: {plainly(error)}",
            "check the camera's address, power and network",
        ) from error
    finally:
        connection.release_unused()
    return connection
