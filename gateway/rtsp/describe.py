"""Ask a camera what it would send, without playing it: a few milliseconds, one login try.

This is the cheap look that comes before every deeper one. It proves that the camera answers, lets
us in and names its tracks; it does not prove that pictures come.
"""

import asyncio
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.site import Credential
from gateway.rtsp.address import RtspAddress
from gateway.rtsp.client import Client, ClientSettings
from gateway.rtsp.sdp import Kind, Track


class Outcome(StrEnum):
    """How a camera answered."""

    OK = "ok"
    UNAUTHORIZED = "unauthorized"
    NOT_FOUND = "not_found"
    BUSY = "busy"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    NOT_RTSP = "not_rtsp"
    REDIRECT = "redirect"
    BAD_ANSWER = "bad_answer"


_OUTCOMES: Final = MappingProxyType(
    {
        ErrorKind.CAMERA_UNAUTHORIZED: Outcome.UNAUTHORIZED,
        ErrorKind.CAMERA_NOT_FOUND: Outcome.NOT_FOUND,
        ErrorKind.CAMERA_BUSY: Outcome.BUSY,
        ErrorKind.CAMERA_TIMEOUT: Outcome.TIMEOUT,
        ErrorKind.CAMERA_UNREACHABLE: Outcome.UNREACHABLE,
    }
)


@dataclass(frozen=True, slots=True)
class Description:
    """A camera's answer.

    ``reason`` and ``hint`` are for people, empty when OK; ``tracks`` are all that the SDP names;
    ``server`` is how the camera calls itself; ``location`` is where a REDIRECT leads, without
    user and password.
    """

    outcome: Outcome
    reason: str = ""
    hint: str = ""
    tracks: tuple[Track, ...] = ()
    server: str = ""
    location: str = ""

    @property
    def ok(self) -> bool:
        """The camera has described itself."""
        return self.outcome is Outcome.OK

    @property
    def video(self) -> Track | None:
        """The first track of pictures."""
        return next((track for track in self.tracks if track.kind is Kind.VIDEO), None)


async def describe(
    address: RtspAddress, credential: Credential | None = None, timeout_s: float = 5.0
) -> Description:
    """Describe a camera within ``timeout_s`` seconds in all; never raises for what a camera does.

    ``credential``, when given, replaces the login of ``address``. Redirects are reported and not
    followed.
    """
    if credential is not None:
        address = address.with_login(credential.username, credential.password)
    client = Client(address, describing(timeout_s))
    try:
        return await ask(client, timeout_s)
    finally:
        await client.close()


def describing(timeout_s: float) -> ClientSettings:
    """Return the settings of a client that only looks: redirects are reported, not followed."""
    return ClientSettings(connect_s=timeout_s, request_s=timeout_s, redirects=0)


async def ask(client: Client, timeout_s: float = 5.0) -> Description:
    """Describe by a fresh client, which stays open for more; otherwise as :func:`describe`."""
    try:
        async with asyncio.timeout(timeout_s):
            described = await client.open()
    except TimeoutError:
        return Description(
            Outcome.TIMEOUT,
            f"the camera at {client.address.host} did not describe itself in {timeout_s:g} s",
            "check the camera's network, or restart it",
        )
    except GatewayError as error:
        return _failed(client, error)
    return Description(Outcome.OK, tracks=described.tracks, server=client.server)


def _failed(client: Client, error: GatewayError) -> Description:
    outcome = _OUTCOMES.get(error.kind, Outcome.BAD_ANSWER)
    if client.location:
        outcome = Outcome.REDIRECT
    elif outcome is Outcome.BAD_ANSWER and not client.server_spoke:
        outcome = Outcome.NOT_RTSP
    return Description(
        outcome, error.message, error.hint, server=client.server, location=client.location
    )
