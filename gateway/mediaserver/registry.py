"""The captures of this server: which cameras it pulls, under which stream names, how they fare."""

import asyncio
import ipaddress
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from gateway.kit.clock import Clock
from gateway.kit.secret import Secret, redact
from gateway.mediaserver.ingest.capture import (
    Capture,
    CaptureSettings,
    CaptureState,
    CaptureStatus,
)
from gateway.mediaserver.outlet.server import Outlet
from gateway.mediaserver.ports import Engine
from gateway.mediaserver.tee import Tee
from gateway.mediaserver.texts import Info
from gateway.model.errors import GatewayError
from gateway.rtsp import address
from gateway.rtsp.arrivals import Arrivals

MAX_NAME: Final = 256


class CaptureRefused(Exception):  # noqa: N818  # it is an answer, not an accident
    """A capture will not be started: ``status`` is the HTTP status, ``reason`` is for people."""

    def __init__(self, status: int, info: Info | None, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.info = info
        self.reason = reason


@dataclass(slots=True)
class Agent:
    """One capture. ``named``: the caller chose the stream's name."""

    uri: Secret
    stream: str
    named: bool
    capture: Capture
    media_session_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    _seen: CaptureStatus = CaptureStatus.CONNECTING
    _since: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def state(self) -> CaptureState:
        """How it fares now."""
        return self.capture.state

    def since(self) -> datetime:
        """Return when a look first found it in its present status."""
        status = self.state.status
        if status is not self._seen:
            self._seen, self._since = status, datetime.now(UTC)
        return self._since


class Registry:
    """All captures by the exact text of their URI, which is WCS's key for them.

    ``allowed``: host names and networks that cameras may be in; empty means any. ``outlet``: who
    else is given the cameras' media. ``arrivals``: who reads them together.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        limit: int,
        allowed: Sequence[str],
        sound: bool,
        clock: Clock,
        outlet: Outlet | None = None,
        arrivals: Arrivals | None = None,
    ) -> None:
        self._engine = engine
        self._outlet = outlet
        self._limit = limit
        self._allowed = tuple(allowed)
        self._clock = clock
        self._settings = CaptureSettings(
            sound=sound,
            allowed=(lambda host: _allows(self._allowed, host)) if allowed else None,
            arrivals=arrivals,
        )
        self._agents: dict[str, Agent] = {}

    def startup(self, uri: str, to_stream: str | None) -> None:
        """Begin to pull ``uri`` and return at once; raises :class:`CaptureRefused`.

        Without ``to_stream`` the stream is named after the URI, as in WCS, but without the
        camera's user and password.
        """
        self._check_uri(uri)
        if uri in self._agents:
            raise CaptureRefused(409, None, "this address is captured already")
        stream = to_stream if to_stream is not None else redact(uri).replace("***@", "")
        if not (0 < len(stream) <= MAX_NAME and stream.isprintable()):
            raise CaptureRefused(400, None, "toStream must be 1 to 256 printable characters")
        if len(self._agents) >= self._limit:
            raise CaptureRefused(503, None, f"this server captures {self._limit} cameras at most")
        try:
            inner = self._engine.publish(stream)
        except ValueError as error:
            raise CaptureRefused(
                409, Info.NAME_IN_USE, "another camera publishes under this name"
            ) from error
        if self._outlet is not None:
            inner = Tee((inner, self._outlet.publish(stream)))
        secret = Secret(uri)
        capture = Capture(secret, inner, self._settings, self._clock, name=stream)
        self._agents[uri] = Agent(secret, stream, to_stream is not None, capture)
        capture.start()

    async def terminate(self, uri: str, info: Info = Info.STOPPED_BY_REST) -> bool:
        """Stop to pull ``uri`` and end its viewers with ``info``; tell whether it was pulled."""
        agent = self._agents.pop(uri, None)
        if agent is None:
            return False
        # First the stream, so that a name is free for the next capture without a gap.
        self._engine.unpublish(agent.stream, info)
        if self._outlet is not None:
            self._outlet.unpublish(agent.stream)
        await agent.capture.close()
        return True

    async def close(self) -> None:
        """Stop all captures, all at once: each says good-bye to its camera."""
        ends = [self.terminate(uri, Info.STOPPED_BY_PUBLISHER) for uri in self._agents]
        await asyncio.gather(*ends)

    def agents(self) -> Sequence[Agent]:
        """Return all captures."""
        return list(self._agents.values())

    def publishing(self, stream: str) -> Agent | None:
        """Return the capture that publishes ``stream``."""
        return next((a for a in self._agents.values() if a.stream == stream), None)

    def _check_uri(self, uri: str) -> None:
        try:
            host = address.parse(uri).host
        except GatewayError as error:
            raise CaptureRefused(400, Info.BAD_URI, error.message) from error
        if self._allowed and not _allows(self._allowed, host):
            raise CaptureRefused(
                400, Info.RESTRICTED, "this camera is outside embedded.allowed_cameras"
            )


def _allows(allowed: Sequence[str], host: str) -> bool:
    if host in allowed:
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return any(address in ipaddress.ip_network(item) for item in allowed if "/" in item)
