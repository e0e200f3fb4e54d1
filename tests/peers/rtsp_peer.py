"""A scripted RTSP peer: a camera that behaves well until a test tells it not to."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

SDP = (
    "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=control:*\r\n"
    "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
    "a=fmtp:96 packetization-mode=1;"
    "sprop-parameter-sets=Z01AH5WgFAFuQA==,aO48gA==\r\n"
    "a=control:trackID=1\r\n"
)
# The SPS and PPS of the sprop above, as bytes of NAL units.
SPS = bytes.fromhex("674d401f95a014016e40")
PPS = bytes.fromhex("68ee3c80")


@dataclass
class Request:
    """What the peer was asked; header names in lower case."""

    method: str
    uri: str
    headers: dict[str, str]
    body: bytes = b""
    connection: int = 0

    @property
    def cseq(self) -> str:
        return self.headers.get("cseq", "0")


Answer = Callable[[Request], bytes | Awaitable[bytes | None] | None]


def reply(
    request: Request, status: int = 200, reason: str = "OK", body: str = "", **headers: str
) -> bytes:
    """Write a proper answer; ``a_b`` becomes the header ``a-b``."""
    lines = [f"RTSP/1.0 {status} {reason}", f"CSeq: {request.cseq}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if body:
        lines.append(f"Content-Length: {len(body.encode())}")
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def rtp(
    sequence: int, timestamp: int, payload: bytes, *, marker: bool = False, **more: int
) -> bytes:
    """Write an RTP packet; ``more`` may name ``pt`` and ``ssrc``."""
    return (
        bytes([0x80, more.get("pt", 96) | (0x80 if marker else 0)])
        + (sequence & 0xFFFF).to_bytes(2, "big")
        + (timestamp & 0xFFFFFFFF).to_bytes(4, "big")
        + more.get("ssrc", 0x1234).to_bytes(4, "big")
        + payload
    )


def interleaved(packet: bytes, channel: int = 0) -> bytes:
    """Wrap a packet for the RTSP connection."""
    return b"$" + bytes([channel]) + len(packet).to_bytes(2, "big") + packet


@dataclass
class RtspPeer:
    """``on[method]`` replaces an answer: it returns raw bytes, or None for silence.

    ``requests`` holds everything that was asked, ``connections`` counts clients.
    """

    on: dict[str, Answer] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    port: int = 0
    sdp: str = SDP
    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    junk: bytes = b""

    def url(self, path: str = "stream", login: str = "") -> str:
        return f"rtsp://{login + '@' if login else ''}127.0.0.1:{self.port}/{path}"

    def count(self, method: str) -> int:
        """Return how often a method was asked."""
        return sum(request.method == method for request in self.requests)

    def send(self, data: bytes) -> None:
        """Send bytes to every client that is connected."""
        for writer in self.writers:
            writer.write(data)

    def drop(self) -> None:
        """Cut all connections."""
        for writer in self.writers:
            writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number = self.connections
        self.writers.append(writer)
        try:
            while (request := await self._read(reader, number)) is not None:
                self.requests.append(request)
                answer = self.on.get(request.method, self._usual)(request)
                data = answer if isinstance(answer, bytes | None) else await answer
                if data is not None:
                    writer.write(data)
                    await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client has gone, or the test is over
        finally:
            self.writers.remove(writer)
            writer.close()

    async def _read(self, reader: asyncio.StreamReader, number: int) -> Request | None:
        """Read one request; the client's own interleaved packets and answers are collected too."""
        while True:
            first = await reader.read(1)
            if not first:
                return None
            if first == b"$":
                head = await reader.readexactly(3)
                self.junk += await reader.readexactly(int.from_bytes(head[1:], "big"))
                continue
            text = (first + await reader.readuntil(b"\r\n\r\n")).decode()
            lines = text.split("\r\n")
            headers = {
                name.lower(): value
                for name, _, value in (line.partition(": ") for line in lines[1:] if line)
            }
            if match := re.match(r"(\w+) (\S+) RTSP/1.0", lines[0]):
                return Request(match[1], match[2], headers, connection=number)
            self.requests.append(Request("ANSWER", lines[0], headers, connection=number))

    def _usual(self, request: Request) -> bytes:
        if request.method == "OPTIONS":
            return reply(request, Public="OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER")
        if request.method == "DESCRIBE":
            return reply(request, body=self.sdp, Content_Type="application/sdp")
        if request.method == "SETUP":
            transport = request.headers["transport"]
            return reply(request, Transport=transport, Session="12345;timeout=60")
        return reply(request, Session="12345")


@asynccontextmanager
async def rtsp_peer(**on: Answer) -> AsyncIterator[RtspPeer]:
    """Run a peer on a free port of 127.0.0.1."""
    peer = RtspPeer(on=dict(on))
    server = await asyncio.start_server(peer.serve, "127.0.0.1", 0)
    peer.port = server.sockets[0].getsockname()[1]
    try:
        yield peer
    finally:
        server.close()
        peer.drop()
        handlers = [
            task for task in asyncio.all_tasks() if "RtspPeer.serve" in repr(task.get_coro())
        ]
        for task in handlers:
            task.cancel()
        await asyncio.gather(*handlers, return_exceptions=True)
        await server.wait_closed()
