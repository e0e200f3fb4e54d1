"""Calls to a media server's REST API, each with a deadline and a bound on its answer."""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import ClientError, ClientSession, ClientTimeout, encode_basic_auth

from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.server import ControlAddress
from gateway.wcs import reasons

CALL_S: Final = 5.0
STARTUP_S: Final = 30.0
SILENCE_S: Final = 40.0
"""An embedded server that is listened to says every 15 s that it lives."""
MAX_ANSWER: Final = 8 * 1024 * 1024
MAX_PICTURE: Final = 48 * 1024 * 1024
_AT_ONCE: Final = 8
_OK: Final = 200
_BUSY: Final = 503
_UNAUTHORIZED: Final = (401, 403)


@dataclass(frozen=True, slots=True)
class Answer:
    """A status with the body's bytes."""

    status: int
    body: bytes

    def json(self) -> Any:
        """Return the body's JSON; raises ValueError."""
        try:
            return json.loads(self.body)
        except RecursionError as error:
            raise ValueError("nested too deeply") from error

    def info(self) -> str:
        """Return the body when it is one of WCS's known texts.

        Anything else is unfit to be shown: WCS may repeat the camera's address in it.
        """
        text = self.body[:200].decode("utf-8", "replace").strip()
        return text if reasons.known(text) else ""


class WcsRest:
    """Sends single calls; knows nothing of what they mean. ``session`` belongs to the caller."""

    def __init__(self, control: ControlAddress, session: ClientSession) -> None:
        self._base = control.http_url.rstrip("/")
        self._session = session
        self._slots = asyncio.Semaphore(_AT_ONCE)
        password = control.password.reveal() if control.password else ""
        self._headers = (
            {"Authorization": encode_basic_auth(control.username, password)}
            if control.username
            else {}
        )

    async def call(
        self,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        within_s: float = CALL_S,
        max_bytes: int = MAX_ANSWER,
    ) -> Answer:
        """Send ``body`` to ``/rest-api/<path>`` (GET without one) and return what comes back.

        Raises SERVER_NOT_READY when nothing answers in time, SERVER_BAD_ANSWER for a refused
        password, a redirect or an answer beyond ``max_bytes``.
        """
        method = "GET" if body is None else "POST"
        return await self._request(
            method, f"/rest-api/{path}", body, within_s=within_s, max_bytes=max_bytes
        )

    async def stat(self) -> Answer:
        """Ask for ``/?action=stat``, WCS's documented health probe."""
        return await self._request("GET", "/?action=stat", None, within_s=CALL_S)

    async def follow(self, path: str) -> AsyncGenerator[bytes, None]:
        """Yield what comes of an answer without end, piece by piece, until it ends.

        Raises NOT_FOUND when the server has no such thing, SERVER_NOT_READY when it says nothing
        for :data:`SILENCE_S`. Takes no place from the calls.
        """
        self._check_open()
        url = f"{self._base}/rest-api/{path}"
        no_limit = ClientTimeout(total=None)
        try:
            async with asyncio.timeout(CALL_S) as deadline:
                async with self._session.get(
                    url, headers=self._headers, allow_redirects=False, timeout=no_limit
                ) as response:
                    if response.status == _BUSY:
                        raise self._silent("is listened to by too many")
                    if response.status != _OK or response.content_type != "text/plain":
                        raise GatewayError(ErrorKind.NOT_FOUND, f"{self._base} has no {path}")
                    loop = asyncio.get_running_loop()
                    deadline.reschedule(loop.time() + SILENCE_S)
                    while piece := await response.content.readany():
                        deadline.reschedule(None)
                        yield piece
                        deadline.reschedule(loop.time() + SILENCE_S)
        except (ClientError, OSError, TimeoutError) as error:
            raise self._silent(f"is not heard any more ({type(error).__name__})") from error

    def _check_open(self) -> None:
        """Hold that the caller has not closed the session: the library has no error for that."""
        if self._session.closed:
            raise self._silent("is not asked any more: it is gone")

    def _silent(self, words: str) -> GatewayError:
        return GatewayError(
            ErrorKind.SERVER_NOT_READY,
            f"the media server at {self._base} {words}",
            "check that it runs and that its control address is reachable",
        )

    def unexpected(self, what: str, answer: Answer) -> GatewayError:
        """Return the error for a status that ``what`` should not have brought."""
        return GatewayError(
            ErrorKind.SERVER_BAD_ANSWER,
            f"the media server at {self._base} answered {answer.status} to {what}",
            answer.info() or "see the media server's log",
        )

    async def _request(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        *,
        within_s: float,
        max_bytes: int = MAX_ANSWER,
    ) -> Answer:
        self._check_open()
        try:
            async with (
                asyncio.timeout(within_s),
                self._slots,
                self._session.request(
                    method,
                    self._base + path,
                    json=body,
                    headers=self._headers,
                    allow_redirects=False,
                    timeout=ClientTimeout(total=None),
                ) as response,
            ):
                content = await _read(response.content.iter_chunked(65536), max_bytes)
        except (ClientError, OSError, TimeoutError) as error:
            # The library's message may repeat the request; only its kind is told.
            raise self._silent(f"does not answer ({type(error).__name__})") from error
        if content is None:
            raise GatewayError(
                ErrorKind.SERVER_BAD_ANSWER,
                f"the media server at {self._base} sent more than {max_bytes} bytes",
                "check that the address is that of a media server",
            )
        if response.status in _UNAUTHORIZED:
            raise GatewayError(
                ErrorKind.SERVER_BAD_ANSWER,
                f"the media server at {self._base} refuses the gateway's REST password",
                "give the gateway the server's current user and password",
            )
        return Answer(response.status, content)


async def _read(chunks: Any, max_bytes: int) -> bytes | None:
    content = bytearray()
    async for chunk in chunks:
        content += chunk
        if len(content) > max_bytes:
            return None
    return bytes(content)


def good(answer: Answer) -> bool:
    """Tell whether a call succeeded."""
    return answer.status == _OK
