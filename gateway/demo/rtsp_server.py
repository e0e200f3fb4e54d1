"""The RTSP side of a pretend camera: a port that can be unplugged and plugged in again."""

import asyncio
import contextlib
import socket
from collections.abc import Mapping

import structlog

from gateway.demo.auth import Digest
from gateway.demo.rtsp_session import RtspSession, UdpPair
from gateway.demo.stream import Stream
from gateway.kit.oserrors import plainly
from gateway.kit.tasks import Tasks
from gateway.model.errors import ErrorKind, GatewayError


def reserve(host: str, port: int, *, kind: socket.SocketKind = socket.SOCK_STREAM) -> socket.socket:
    """Return a socket that keeps ``port`` (0: any free one) without listening on it.

    The port stays ours while the camera is unplugged; whoever connects then is refused.
    """
    kept = socket.socket(socket.AF_INET, kind)
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        kept.bind((host, port))
    except OSError as error:
        kept.close()
        raise GatewayError(
            ErrorKind.CONFLICT,
            f"A pretend camera cannot use {host}:{port}: {plainly(error)}",
            "choose another port, or end the program that uses it",
        ) from error
    return kept


class RtspServer:
    """Serves ``streams`` by mount path on one TCP port and one pair of UDP ports."""

    def __init__(
        self,
        streams: Mapping[str, Stream],
        *,
        host: str,
        port: int,
        tasks: Tasks,
        digest: Digest | None = None,
    ) -> None:
        self._streams, self._host, self._tasks, self._digest = streams, host, tasks, digest
        self._reserved = reserve(host, port)
        self.port: int = self._reserved.getsockname()[1]
        self._server: asyncio.Server | None = None
        self._pair: UdpPair | None = None
        self._sessions: set[asyncio.Task[None]] = set()
        self._silent = False
        self._log = structlog.get_logger("demo")

    async def plug(self) -> None:
        """Listen (again); a camera that was silent speaks again."""
        self._hush(silent=False)
        if self._pair is None:
            self._pair = await _udp_pair(self._host)
        if self._server is None:
            self._server = await asyncio.start_server(
                self._accept, self._host, self.port, reuse_port=True, limit=2**16
            )

    async def unplug(self, *, silent: bool = False) -> None:
        """Drop all players and refuse new ones; ``silent``: keep all, but never say a word."""
        if silent:
            self._hush(silent=True)
            return
        if self._server is not None:
            self._server.close()
            self._server = None
        sessions = list(self._sessions)
        for session in sessions:
            session.cancel()
        if sessions:
            await asyncio.wait(sessions)

    async def close(self) -> None:
        """Unplug and give the ports back."""
        await self.unplug()
        self._reserved.close()
        if self._pair is not None:
            self._pair.rtp.close()
            self._pair.rtcp.close()
            self._pair = None

    def _hush(self, *, silent: bool) -> None:
        self._silent = silent
        for stream in self._streams.values():
            stream.silent = silent

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._pair is None:
            writer.close()
            return
        session = RtspSession(
            reader,
            writer,
            streams=self._streams,
            pair=self._pair,
            digest=self._digest,
            silent=lambda: self._silent,
        )
        task = self._tasks.spawn(session.run(), "rtsp-session")
        self._sessions.add(task)
        task.add_done_callback(self._sessions.discard)


async def _udp_pair(host: str) -> UdpPair:
    """Open an even port and the odd one above it (RFC 3550 section 11)."""
    loop = asyncio.get_running_loop()
    for _ in range(50):
        even = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        odd = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        even.bind((host, 0))
        port = even.getsockname()[1]
        with contextlib.suppress(OSError, OverflowError):
            if port % 2 == 0:
                odd.bind((host, port + 1))
                rtp, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, sock=even)
                rtcp, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, sock=odd)
                return UdpPair(rtp, rtcp, (port, port + 1))
        even.close()
        odd.close()
    raise GatewayError(
        ErrorKind.CONFLICT, "No free pair of UDP ports for a pretend camera", "free some ports"
    )
