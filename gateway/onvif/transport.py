"""How questions travel to a camera: total deadlines, size caps, no redirects.

zeep runs in threads, but its HTTP goes through the loop's aiohttp session: only there a deadline
covers a camera that drips its answer byte by byte, headers included.
"""

import asyncio
import time
from typing import Any, Final

import aiohttp
from requests import Response
from requests.auth import HTTPDigestAuth
from requests.utils import parse_dict_header
from zeep.transports import Transport
from zeep.wsdl.utils import etree_to_string

from gateway.model.device import DeviceFailureKind
from gateway.model.site import Credential
from gateway.onvif.discovery.scope import Scope
from gateway.onvif.failures import failed, too_slow

CALL_S: Final = 5.0
LARGEST_ANSWER: Final = 2 << 20
_UNAUTHORIZED: Final = 401


class CameraTransport(Transport):  # type: ignore[misc]  # zeep has no types
    """One camera's way; ``deadline`` (monotonic seconds) bounds all its questions together.

    HTTP Digest is used when the camera asks for it before it has looked into the envelope; a
    refusal that comes as a SOAP Fault has judged the password already and is not tried again.
    """

    def __init__(
        self,
        *,
        session: aiohttp.ClientSession,
        loop: asyncio.AbstractEventLoop,
        scope: Scope,
        deadline: float,
    ) -> None:
        super().__init__(cache=None, timeout=CALL_S, operation_timeout=CALL_S)
        self._http = session
        self._loop = loop
        self._scope = scope
        self._deadline = deadline
        self._digest: HTTPDigestAuth | None = None
        self.credential: Credential | None = None

    def post(self, address: str, message: bytes, headers: dict[str, str]) -> Response:
        """Send one envelope and return the answer in the shape that zeep reads (any thread)."""
        if not self._scope.allows_url(address):
            raise failed(
                DeviceFailureKind.OUTSIDE,
                "the camera names an address outside the site's networks",
                "correct the camera's network settings, or widen discovery.subnets",
            )
        answer = self._send(address, message, headers)
        challenge = answer.headers.get("WWW-Authenticate", "")
        if (
            answer.status_code == _UNAUTHORIZED
            and self.credential is not None
            and challenge.lower().startswith("digest")
            and b"Fault" not in answer.content
        ):
            self._accept_challenge(challenge)
            answer = self._send(address, message, headers)
        return answer

    def post_xml(self, address: str, envelope: Any, headers: dict[str, str]) -> Response:
        """Send an envelope that zeep has built."""
        return self.post(address, etree_to_string(envelope), headers)

    def forget_digest(self) -> None:
        """Drop the session with the camera before another credential is tried."""
        self._digest = None

    def _accept_challenge(self, challenge: str) -> None:
        credential = self.credential
        if credential is None:
            return
        digest = HTTPDigestAuth(credential.username, credential.password.reveal())
        digest.init_per_thread_state()
        digest._thread_local.chal = parse_dict_header(challenge[7:])  # noqa: SLF001  # requests offers no other door to its RFC 7616 code
        self._digest = digest

    def _send(self, address: str, message: bytes, headers: dict[str, str]) -> Response:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise too_slow()
        if self._digest is not None:
            header = self._digest.build_digest_header("POST", address)
            headers = {**headers, "Authorization": header or ""}
        sending = asyncio.run_coroutine_threadsafe(
            self._exchange(address, message, headers, min(CALL_S, left)), self._loop
        )
        return sending.result(timeout=min(CALL_S, left) + 2)

    async def _exchange(
        self, address: str, message: bytes, headers: dict[str, str], total: float
    ) -> Response:
        timeout = aiohttp.ClientTimeout(total=total)
        for last in (False, True):
            try:
                async with self._http.post(
                    address, data=message, headers=headers, timeout=timeout, allow_redirects=False
                ) as answer:
                    return _as_requests(answer, await bounded(answer))
            except aiohttp.ServerDisconnectedError:
                # A kept-alive connection that the camera has closed meanwhile; asked once more.
                if last:
                    raise
        raise AssertionError


async def bounded(answer: aiohttp.ClientResponse) -> bytes:
    """Return the body; raises DeviceError when it is longer than ``LARGEST_ANSWER`` bytes."""
    body = bytearray()
    async for chunk in answer.content.iter_chunked(65_536):
        body += chunk
        if len(body) > LARGEST_ANSWER:
            raise failed(
                DeviceFailureKind.BAD_ANSWER,
                "the camera's answer is far too long",
                "restart the camera or look for a newer firmware",
            )
    return bytes(body)


def _as_requests(answer: aiohttp.ClientResponse, body: bytes) -> Response:
    made = Response()
    made.status_code = answer.status
    made._content = body  # noqa: SLF001  # zeep wants requests' shape, which has no constructor
    made.headers.update(dict(answer.headers.items()))
    made.encoding = "utf-8"
    return made
