"""What control asks of the rooms below it, declared by the one who asks.

Adapters satisfy these by shape (``runtime``, ``wcs``); only ``gateway.service`` joins them. Every
method raises :class:`gateway.model.errors.GatewayError` and nothing else, within a deadline of
its own.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Protocol

from gateway.kit.secret import Secret
from gateway.model.server import (
    CaptureObserved,
    ControlAddress,
    ServerObserved,
    ServerSpec,
    ServerStats,
    StreamObserved,
)


class Runtime(Protocol):
    """Where media servers run."""

    def fingerprint(self, spec: ServerSpec) -> str:
        """Return a text that changes whenever a server must be replaced to satisfy ``spec``."""

    async def observe(self, site: str | None = None) -> Sequence[ServerObserved]:
        """Return all media servers that carry our label (of one ``site``, if named)."""

    async def create(self, spec: ServerSpec) -> None:
        """Make and start a server; one of the same id that we own is replaced."""

    async def start(self, server_id: str) -> None:
        """Start a stopped server again."""

    async def stop(self, server_id: str) -> None:
        """Stop a server and keep what belongs to it; one that is not running counts as stopped."""

    async def remove(self, server_id: str) -> None:
        """Stop and remove a server; one that is not there counts as removed."""

    def events(self) -> AsyncIterator[str]:
        """Yield the site whose servers have changed, as soon as it is seen."""

    async def close(self) -> None:
        """Let go of the servers (they may go on running) and free what the adapter holds."""


class Play(Protocol):
    """One viewer's play on a media server."""

    @property
    def id(self) -> str:
        """The media session's id, known to the media server's REST API too."""

    @property
    def answer(self) -> str:
        """The SDP answer."""

    @property
    def ended(self) -> asyncio.Future[str]:
        """Done with the reason when the play is over, whoever ended it."""

    async def stop(self) -> None:
        """End the play."""


class MediaServer(Protocol):
    """How one drives a media server (WCS REST and signalling)."""

    async def ready(self) -> bool:
        """Tell whether it answers as a media server that can be used."""

    async def captures(self) -> Sequence[CaptureObserved]:
        """Return the cameras that it pulls."""

    async def startup(self, uri: Secret, stream: str) -> None:
        """Start to pull ``uri`` as ``stream``; a pull that runs already is no error."""

    async def terminate_capture(self, uri: Secret) -> None:
        """Stop to pull ``uri``; one that is not pulled is no error."""

    async def streams(self) -> Sequence[StreamObserved]:
        """Return all ingests and viewers."""

    async def stop_viewer(self, media_session_id: str) -> bool:
        """End one viewer's play by its id; tell whether it was there."""

    async def stats(self) -> ServerStats:
        """Return its numbers."""

    async def snapshot(self, stream: str) -> bytes:
        """Return the current picture of ``stream`` as PNG."""

    async def play(self, stream: str, offer: str) -> Play:
        """Play ``stream`` to a browser that sent ``offer``.

        Raises kinds NOT_FOUND (no such stream), CAMERA_OFFLINE (no video yet),
        CODEC_UNSUPPORTED, OFFER_MALFORMED, OFFER_UNUSABLE, SERVER_FULL, SERVER_NOT_READY.
        """

    async def close(self) -> None:
        """Close the connections; plays that go on elsewhere are left alone."""


MediaServers = Callable[[ControlAddress], MediaServer]
