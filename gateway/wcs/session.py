"""Plays over WCS's WebSocket signalling: several on each connection, told apart by their ids.

Every message about a play carries its ``mediaSessionId``, which the client chooses, so that one
connection carries many plays, as in the vendor's own SDK.
"""

import asyncio
import contextlib
import time
import uuid
from collections.abc import Mapping
from typing import Any, Final

import structlog
from aiohttp import ClientError, ClientSession, ClientWebSocketResponse, ClientWSTimeout, WSMsgType

from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.server import ControlAddress
from gateway.wcs import envelope, reasons

ANSWER_S: Final = 8.0
STOP_S: Final = 2.0
SILENCE_S: Final = 30.0
"""WCS pings every 5 s; a connection that is silent for longer is dead."""
IDLE_S: Final = 20.0
"""So long a connection without plays is kept for the next viewer."""
PLAYS_PER_LINE: Final = 20
"""A lost connection takes the word of so many plays with it, no more; a socket costs the media
server 17 KB, which is little when twenty share it."""
MAX_MESSAGE: Final = 1024 * 1024
LOST: Final = "the connection to the media server is lost"
_CONNECTION: Final = "ConnectionStatusEvent"
_ENDS: Final = ("STOPPED", "FAILED")
_OVER: Final = (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR)


class WcsPlay:
    """A play on ``line``; satisfies ``control.ports.Play`` from its answer on.

    ``answered`` is done with the SDP answer, or with the reason why there will be none.
    """

    def __init__(self, line: "Line", stream: str) -> None:
        loop = asyncio.get_running_loop()
        self._line = line
        self._stream = stream
        self._id = str(uuid.uuid4())
        self.answered: asyncio.Future[str | GatewayError] = loop.create_future()
        self._ended: asyncio.Future[str] = loop.create_future()

    @property
    def id(self) -> str:
        """The ``mediaSessionId``."""
        return self._id

    @property
    def answer(self) -> str:
        """The SDP answer, with all of the server's candidates."""
        said = self.answered.result()
        return said if isinstance(said, str) else ""

    @property
    def ended(self) -> asyncio.Future[str]:
        """Done with the server's ``info`` when the play is over or its connection is gone."""
        return self._ended

    async def stop(self) -> None:
        """End the play; raises SERVER_NOT_READY when it may go on.

        A play outlives its connection, so only the server's word says that it is over.
        """
        if self._ended.done():
            return
        try:
            async with asyncio.timeout(STOP_S):
                await self._line.send("stopStream", self.subject("PLAYING"))
                await asyncio.wait([self._ended])
        except (TimeoutError, ClientError, OSError) as error:
            raise GatewayError(
                ErrorKind.SERVER_NOT_READY,
                f"the media server did not confirm the end of a play ({type(error).__name__})",
                "try again in a few seconds",
            ) from error

    async def begin(self, offer: str, *, tcp: bool = False) -> None:
        """Wait for the answer to ``offer``, by TCP if asked; raises the server's refusal."""
        wishes = {"mediaProvider": "WebRTC", "sdp": offer, **envelope.NO_WISHES}
        if tcp:
            wishes["transport"] = "TCP"  # as the vendor's SDK says it; without it, UDP
        await self._line.send("playStream", {**self.subject("PENDING"), **wishes})
        # PLAYING is not waited for: a server may send it only once media flows, which needs
        # the answer first.
        await asyncio.wait([self.answered])
        said = self.answered.result()
        if isinstance(said, GatewayError):
            raise said

    def answers(self, sdp: str) -> None:
        """Take the server's answer."""
        if not self.answered.done():
            self.answered.set_result(sdp)

    def end(self, reason: str, error: GatewayError) -> None:
        """Take note that the play is over: ``error`` is for one that has no answer yet."""
        if not self.answered.done():
            self.answered.set_result(error)
        if not self._ended.done():
            self._ended.set_result(reason)

    def subject(self, status: str) -> dict[str, Any]:
        """Return what every message about the play says of it."""
        return {
            "mediaSessionId": self._id,
            "name": self._stream,
            "published": False,
            "hasVideo": True,
            "hasAudio": True,
            "status": status,
            "record": False,
        }


class Line:
    """One signalling connection with the plays on it; its owner runs :meth:`run` as a task.

    ``open``: takes further plays. When it is lost all of its plays end, and only those.
    """

    def __init__(self, session: ClientSession, control: ControlAddress) -> None:
        self._session = session
        self._control = control
        self._socket: ClientWebSocketResponse | None = None
        self._introduced: asyncio.Future[GatewayError | None] = (
            asyncio.get_running_loop().create_future()
        )
        self._plays: dict[str, WcsPlay] = {}
        self._empty_since = time.monotonic()
        self.open = True

    @property
    def has_room(self) -> bool:
        """Whether one more play may begin here."""
        return self.open and len(self._plays) < PLAYS_PER_LINE

    def seat(self, stream: str) -> WcsPlay:
        """Make a play; it counts from now on, until it ends or :meth:`leave`."""
        play = WcsPlay(self, stream)
        self._plays[play.id] = play
        return play

    def leave(self, play: WcsPlay) -> None:
        """Forget a play."""
        if self._plays.pop(play.id, None) is not None and not self._plays:
            self._empty_since = time.monotonic()

    async def withdraw(self, play: WcsPlay) -> None:
        """Ask the server not to begin a play that nobody waits for any more."""
        with contextlib.suppress(TimeoutError, ClientError, OSError):
            async with asyncio.timeout(STOP_S):
                await self.send("stopStream", play.subject("PENDING"))

    async def introduced(self) -> None:
        """Wait until the server has let us in; raises SERVER_NOT_READY or SERVER_BAD_ANSWER."""
        await asyncio.wait([self._introduced])
        error = self._introduced.result()
        if error is not None:
            raise error

    async def send(self, message: str, body: Mapping[str, Any] | None) -> None:
        """Send one message."""
        if self._socket is None:
            raise ConnectionResetError(LOST)
        await self._socket.send_str(envelope.pack(message, body))

    async def run(self) -> None:
        """Connect, introduce the gateway, and hand on what the server says until the end."""
        error = not_ready(LOST)
        try:
            async with asyncio.timeout(ANSWER_S):
                await self._introduce()
            self._introduced.set_result(None)
            while self._plays or time.monotonic() - self._empty_since < IDLE_S:
                async with asyncio.timeout(SILENCE_S):
                    name, data = await self._next()
                self._hand_on(name, data)
        except GatewayError as refusal:
            error = refusal
            self._tell(error)
        except (TimeoutError, ClientError, OSError) as trouble:
            error = self._unreachable(trouble)
            self._tell(error)
        finally:
            self.lose(error)
            if self._socket is not None:
                await self._socket.close()

    async def _introduce(self) -> None:
        self._socket = await self._session.ws_connect(
            self._control.ws_url,
            max_msg_size=MAX_MESSAGE,
            timeout=ClientWSTimeout(ws_close=STOP_S),
        )
        introduction: dict[str, Any] = {
            "appKey": "defaultApp",
            "mediaProviders": ["WebRTC"],
            "clientVersion": "2.0",
            # Viewers go on watching when the gateway restarts.
            "keepAlive": True,
        }
        if self._control.token:
            introduction["custom"] = {"token": self._control.token.reveal()}
        await self.send("connection", introduction)
        while (await self._next())[0] != "getUserData":
            pass

    async def _next(self) -> tuple[str, list[Any]]:
        """Return the next message for us; pings are answered on the way."""
        if self._socket is None:
            raise not_ready(LOST)
        while True:
            frame = await self._socket.receive()
            if frame.type in _OVER:
                raise not_ready("the media server closed the connection")
            if frame.type is not WSMsgType.TEXT:
                continue
            name, data = envelope.unpack(frame.data)
            if name == "ping":
                await self.send("pong", None)
            elif name == "fail" and envelope.first(data).get("apiMethod") == _CONNECTION:
                raise GatewayError(
                    ErrorKind.SERVER_BAD_ANSWER,
                    "the media server refuses the gateway's signalling token",
                    "give the gateway the server's current token",
                )
            return name, data

    def _hand_on(self, name: str, data: list[Any]) -> None:
        """Give a message to its play; those about others, or about none, are passed over."""
        body = envelope.first(data)
        if name == "setRemoteSDP" and len(data) > 1:
            play = self._plays.get(str(data[0]))
            if play is not None and data[1]:
                play.answers(str(data[1]))
        elif name == "notifyStreamStatusEvent" and body.get("status") in _ENDS:
            self._end(str(body.get("mediaSessionId")), body)
        elif name == "fail" and body.get("apiMethod") == "StreamStatusEvent":
            self._end(str(body.get("id")), body)

    def _end(self, media_session_id: str, body: Mapping[str, Any]) -> None:
        play = self._plays.get(media_session_id)
        if play is not None:
            self.leave(play)
            reason = str(body.get("info") or body.get("status") or "FAILED")
            play.end(reason, reasons.error_of(body))

    def lose(self, error: GatewayError) -> None:
        """End everything: nothing more will come."""
        self.open = False
        if not self._introduced.done():
            self._introduced.set_result(error)
        plays, self._plays = self._plays, {}
        for play in plays.values():
            play.end(LOST, error)

    def _tell(self, error: GatewayError) -> None:
        structlog.get_logger("wcs").debug(
            "a signalling connection is gone", plays=len(self._plays), reason=error.message
        )

    def _unreachable(self, trouble: Exception) -> GatewayError:
        error = not_ready(
            f"the media server at {self._control.ws_url} does not answer ({type(trouble).__name__})"
        )
        error.__cause__ = trouble
        return error


def not_ready(message: str) -> GatewayError:
    """Return the error of a server that cannot be talked to now."""
    return GatewayError(
        ErrorKind.SERVER_NOT_READY,
        message,
        "check that it runs and that its signalling address is reachable",
    )
