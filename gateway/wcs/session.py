"""One viewer's play over WCS's WebSocket signalling: a socket of its own, from offer to end."""

import asyncio
import json
import uuid
from collections.abc import Mapping
from typing import Any, Final

import structlog
from aiohttp import ClientError, ClientSession, ClientWebSocketResponse, ClientWSTimeout, WSMsgType

from gateway.kit.tasks import Tasks
from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.server import ControlAddress
from gateway.wcs import reasons

ANSWER_S: Final = 8.0
STOP_S: Final = 2.0
SILENCE_S: Final = 30.0
"""WCS pings every 5 s; a socket that is silent for longer is dead."""
MAX_MESSAGE: Final = 1024 * 1024
_ENDS: Final = ("STOPPED", "FAILED")
_OVER: Final = (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR)


class WcsPlay:
    """A play that runs; satisfies ``control.ports.Play``."""

    def __init__(self, socket: ClientWebSocketResponse, stream: str) -> None:
        self._socket = socket
        self._stream = stream
        self._id = str(uuid.uuid4())
        self._answer = ""
        self._ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    @property
    def id(self) -> str:
        """The ``mediaSessionId``."""
        return self._id

    @property
    def answer(self) -> str:
        """The SDP answer, with all of the server's candidates."""
        return self._answer

    @property
    def ended(self) -> asyncio.Future[str]:
        """Done with the server's ``info`` when the play is over or its socket is gone."""
        return self._ended

    async def stop(self) -> None:
        """End the play and close the socket; raises SERVER_NOT_READY when it may go on.

        A play outlives its socket, so only the server's word says that it is over.
        """
        if not self._ended.done():
            try:
                async with asyncio.timeout(STOP_S):
                    await self._send("stopStream", self._subject("PLAYING"))
                    await asyncio.wait([self._ended])
            except (TimeoutError, ClientError, OSError) as error:
                raise GatewayError(
                    ErrorKind.SERVER_NOT_READY,
                    f"the media server did not confirm the end of a play ({type(error).__name__})",
                    "try again in a few seconds",
                ) from error
        await self._socket.close()

    async def begin(self, control: ControlAddress, offer: str) -> None:
        """Introduce the gateway and wait for the answer to ``offer``."""
        introduction: dict[str, Any] = {
            "appKey": "defaultApp",
            "mediaProviders": ["WebRTC"],
            "clientVersion": "2.0",
            # The viewer goes on watching when the gateway restarts.
            "keepAlive": True,
        }
        if control.token:
            introduction["custom"] = {"token": control.token.reveal()}
        await self._send("connection", introduction)
        while (await self._next())[0] != "getUserData":
            pass
        await self._send(
            "playStream",
            {**self._subject("PENDING"), "mediaProvider": "WebRTC", "sdp": offer, **_NO_WISHES},
        )
        # PLAYING is not waited for: a server may send it only once media flows, which needs
        # the answer first.
        while not self._answer:
            name, data = await self._next()
            if name == "setRemoteSDP" and data[:1] == [self._id] and len(data) > 1:
                self._answer = str(data[1])
            self._raise_failure(name, data)

    async def follow(self) -> None:
        """Answer pings and wait for the end; never raises."""
        reason = "the connection to the media server is lost"
        try:
            while not self._ended.done():
                async with asyncio.timeout(SILENCE_S):
                    name, data = await self._next()
                body = _first(data)
                if (
                    name == "notifyStreamStatusEvent"
                    and body.get("mediaSessionId") == self._id
                    and body.get("status") in _ENDS
                ):
                    reason = str(body.get("info") or body["status"])
                    break
        except (GatewayError, TimeoutError, ClientError, OSError) as error:
            structlog.get_logger("wcs").debug(
                "a play's socket is gone", reason=type(error).__name__
            )
        finally:
            self._end(reason)
            await self._socket.close()

    def _end(self, reason: str) -> None:
        if not self._ended.done():
            self._ended.set_result(reason)

    def _raise_failure(self, name: str, data: list[Any]) -> None:
        body = _first(data)
        if name != "notifyStreamStatusEvent" or body.get("mediaSessionId") != self._id:
            return
        if body.get("status") in _ENDS:
            raise reasons.error_of(body)

    def _subject(self, status: str) -> dict[str, Any]:
        return {
            "mediaSessionId": self._id,
            "name": self._stream,
            "published": False,
            "hasVideo": True,
            "hasAudio": True,
            "status": status,
            "record": False,
        }

    async def _send(self, message: str, body: Mapping[str, Any] | None) -> None:
        await self._socket.send_str(json.dumps({"message": message, "data": [body]}))

    async def _next(self) -> tuple[str, list[Any]]:
        """Return the next message for us; pings are answered on the way."""
        while True:
            frame = await self._socket.receive()
            if frame.type in _OVER:
                raise GatewayError(
                    ErrorKind.SERVER_NOT_READY,
                    "the media server closed the connection",
                    "see the media server's log",
                )
            if frame.type is not WSMsgType.TEXT:
                continue
            name, data = _unpack(frame.data)
            if name == "ping":
                await self._send("pong", None)
            elif name == "fail" and _first(data).get("apiMethod") == "ConnectionStatusEvent":
                raise GatewayError(
                    ErrorKind.SERVER_BAD_ANSWER,
                    "the media server refuses the gateway's signalling token",
                    "give the gateway the server's current token",
                )
            else:
                return name, data


_NO_WISHES: Final[Mapping[str, int]] = {
    # Any other value makes WCS transcode for this one viewer.
    "width": 0,
    "height": 0,
    "bitrate": 0,
    "minBitrate": 0,
    "maxBitrate": 0,
    "quality": 0,
}


async def play(
    session: ClientSession, control: ControlAddress, tasks: Tasks, *, stream: str, offer: str
) -> WcsPlay:
    """Play ``stream`` for a viewer who sent ``offer``; its socket lives in ``tasks``.

    Raises the kinds of ``control.ports.MediaServer.play``.
    """
    socket: ClientWebSocketResponse | None = None
    try:
        async with asyncio.timeout(ANSWER_S):
            socket = await session.ws_connect(
                control.ws_url, max_msg_size=MAX_MESSAGE, timeout=ClientWSTimeout(ws_close=STOP_S)
            )
            running = WcsPlay(socket, stream)
            await running.begin(control, offer)
    except BaseException as error:
        if socket is not None:
            await socket.close()
        if isinstance(error, ClientError | OSError | TimeoutError):
            raise GatewayError(
                ErrorKind.SERVER_NOT_READY,
                f"the media server at {control.ws_url} does not answer ({type(error).__name__})",
                "check that it runs and that its signalling address is reachable",
            ) from error
        raise
    tasks.spawn(running.follow(), f"play {running.id}")
    return running


def _unpack(text: str) -> tuple[str, list[Any]]:
    try:
        envelope = json.loads(text)
    except (ValueError, RecursionError):
        return "", []
    if not isinstance(envelope, dict):
        return "", []
    data = envelope.get("data")
    return str(envelope.get("message")), data if isinstance(data, list) else []


def _first(data: list[Any]) -> Mapping[str, Any]:
    return data[0] if data and isinstance(data[0], dict) else {}
