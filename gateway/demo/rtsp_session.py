"""One RTSP connection to a pretend camera (RFC 2326): requests in, answers and pictures out."""

import asyncio
import base64
import contextlib
import secrets
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from gateway.demo.auth import Digest
from gateway.demo.stream import PAYLOAD_TYPE, Player, Stream

_METHODS: Final = "OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, GET_PARAMETER, SET_PARAMETER, TEARDOWN"
_IDLE_S: Final = 65.0
_MAX_BODY: Final = 65_536
_MAX_HEADERS: Final = 64
_FULL: Final = 1_000_000  # bytes that wait for a slow player before it loses frames
_REASONS: Final = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    405: "Method Not Allowed",
    454: "Session Not Found",
    455: "Method Not Valid In This State",
    461: "Unsupported Transport",
}
# Works before the password is asked for: cameras answer it so that one can see who they are.
_OPEN: Final = frozenset({"OPTIONS"})


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came; header names in lower case."""

    method: str
    url: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """A response before CSeq and length are added."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""


class Interleaved:
    """RTP and RTCP inside the RTSP connection (RFC 2326 section 10.12)."""

    def __init__(self, writer: asyncio.StreamWriter, channel: int) -> None:
        self._writer, self._channel = writer, channel

    def rtp(self, packets: list[bytes]) -> bool:
        """Send one frame in one write; False when a second's worth already waits."""
        if self._writer.transport.get_write_buffer_size() > _FULL:
            return False
        parts: list[bytes] = []
        for packet in packets:
            parts += (struct.pack(">cBH", b"$", self._channel, len(packet)), packet)
        self._writer.write(b"".join(parts))
        return True

    def rtcp(self, packet: bytes) -> None:
        """Send one RTCP packet on the odd channel."""
        self._writer.write(struct.pack(">cBH", b"$", self._channel + 1, len(packet)) + packet)


class Datagrams:
    """RTP and RTCP over UDP from the camera's pair of ports."""

    def __init__(self, pair: "UdpPair", host: str, ports: tuple[int, int]) -> None:
        self._pair, self._rtp, self._rtcp = pair, (host, ports[0]), (host, ports[1])

    def rtp(self, packets: list[bytes]) -> bool:
        """Send one frame, a datagram each."""
        for packet in packets:
            self._pair.rtp.sendto(packet, self._rtp)
        return True

    def rtcp(self, packet: bytes) -> None:
        """Send one RTCP packet."""
        self._pair.rtcp.sendto(packet, self._rtcp)


@dataclass(frozen=True, slots=True)
class UdpPair:
    """The camera's two UDP sockets and their ports."""

    rtp: asyncio.DatagramTransport
    rtcp: asyncio.DatagramTransport
    ports: tuple[int, int]


class RtspSession:
    """Serves one connection; ``streams`` by mount path, for example ``/stream1``."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        streams: Mapping[str, Stream],
        pair: UdpPair,
        digest: Digest | None,
        silent: Callable[[], bool],
    ) -> None:
        self._reader, self._writer = reader, writer
        self._streams, self._pair, self._digest, self._silent = streams, pair, digest, silent
        self._id = secrets.token_hex(8)
        self._playing: tuple[Stream, Player] | None = None

    async def run(self) -> None:
        """Serve until the connection ends, or idles too long."""
        try:
            while True:
                request = await self._read()
                if request is None:
                    return
                answer = self._answer(request)
                if not self._silent():
                    self._write(request, answer)
                if request.method == "TEARDOWN":
                    await self._writer.drain()
                    return
        except (TimeoutError, OSError, ValueError, asyncio.IncompleteReadError):
            return
        finally:
            self._stop()
            self._writer.close()
            with contextlib.suppress(OSError):
                await self._writer.wait_closed()

    async def _read(self) -> Request | None:
        """Return the next request; skip what players send on the RTCP channel."""
        while True:
            async with asyncio.timeout(_IDLE_S):
                first = await self._reader.read(1)
                if not first:
                    return None
                if first == b"$":
                    size = int.from_bytes((await self._reader.readexactly(3))[1:], "big")
                    await self._reader.readexactly(size)
                    continue
                line = (first + await self._reader.readline()).decode("utf-8", "replace").strip()
                if line:
                    return await self._request(line)

    async def _request(self, line: str) -> Request:
        method, url, _version = [*line.split(), "", "", ""][:3]
        headers: dict[str, str] = {}
        for _ in range(_MAX_HEADERS):
            text = (await self._reader.readline()).decode("utf-8", "replace").strip()
            if not text:
                break
            name, _, value = text.partition(":")
            headers[name.strip().lower()] = value.strip()
        else:
            raise ValueError("too many headers")
        size = int(headers.get("content-length", "0"))
        if not 0 <= size <= _MAX_BODY:
            raise ValueError("body too large")
        await self._reader.readexactly(size)
        return Request(method.upper(), url, headers)

    def _answer(self, request: Request) -> Answer:
        if self._digest is not None and request.method not in _OPEN:
            proof = request.headers.get("authorization", "")
            if not self._digest.accepts(request.method, proof):
                return Answer(401, (("WWW-Authenticate", self._digest.challenge),))
        handler = {
            "OPTIONS": self._options,
            "DESCRIBE": self._describe,
            "SETUP": self._setup,
            "PLAY": self._play,
            "PAUSE": self._pause,
            "GET_PARAMETER": self._keep_alive,
            "SET_PARAMETER": self._keep_alive,
            "TEARDOWN": self._pause,
        }.get(request.method)
        return handler(request) if handler else Answer(405, (("Allow", _METHODS),))

    def _options(self, _request: Request) -> Answer:
        return Answer(headers=(("Public", _METHODS),))

    def _keep_alive(self, _request: Request) -> Answer:
        return Answer(headers=(("Session", self._id),) if self._playing else ())

    def _describe(self, request: Request) -> Answer:
        found = self._find(request.url)
        if found is None:
            return Answer(404)
        base = (("Content-Base", request.url.rstrip("/") + "/"),)
        return Answer(headers=(*base, ("Content-Type", "application/sdp")), body=_sdp(found))

    def _setup(self, request: Request) -> Answer:
        stream = self._find(request.url)
        if stream is None:
            return Answer(404)
        if self._playing is not None:
            return Answer(455)
        for offered in request.headers.get("transport", "").split(","):
            try:
                player, agreed = self._transport(stream, offered.strip())
            except ValueError:
                return Answer(400)
            if player is not None:
                self._playing = stream, player
                chosen = ("Transport", f"{agreed};ssrc={player.ssrc:08X}")
                return Answer(headers=(chosen, ("Session", f"{self._id};timeout=60")))
        return Answer(461)

    def _transport(self, stream: Stream, offered: str) -> tuple[Player | None, str]:
        kind, *rest = offered.split(";")
        fields = dict(part.strip().partition("=")[::2] for part in rest)
        if kind.upper() == "RTP/AVP/TCP":
            channel = int(fields.get("interleaved", "0-1").split("-")[0]) & 0xFE
            agreed = f"RTP/AVP/TCP;unicast;interleaved={channel}-{channel + 1}"
            return stream.player(Interleaved(self._writer, channel)), agreed
        ports = fields.get("client_port", "").split("-")
        if kind.upper() in {"RTP/AVP", "RTP/AVP/UDP"} and ports[0].isdigit():
            pair = int(ports[0]), int(ports[-1]) if ports[-1].isdigit() else int(ports[0]) + 1
            if not all(0 < port < 2**16 for port in pair):
                return None, ""
            host = self._writer.get_extra_info("peername")[0]
            own = self._pair.ports
            agreed = (
                f"RTP/AVP;unicast;client_port={pair[0]}-{pair[1]};server_port={own[0]}-{own[1]}"
            )
            return stream.player(Datagrams(self._pair, host, pair)), agreed
        return None, ""

    def _play(self, request: Request) -> Answer:
        if self._playing is None:
            return Answer(455)
        stream, player = self._playing
        sequence, stamp = stream.play(player)
        base = request.url.rstrip("/")
        info = f"url={base}/track1;seq={sequence};rtptime={stamp}"
        return Answer(headers=(("Session", self._id), ("Range", "npt=0-"), ("RTP-Info", info)))

    def _pause(self, _request: Request) -> Answer:
        if self._playing is None:
            return Answer(454)
        self._playing[0].stop(self._playing[1])
        return Answer(headers=(("Session", self._id),))

    def _stop(self) -> None:
        if self._playing is not None:
            self._playing[0].stop(self._playing[1])
            self._playing = None

    def _find(self, url: str) -> Stream | None:
        path = urlsplit(url).path.rstrip("/")
        return self._streams.get(path.removesuffix("/track1"))

    def _write(self, request: Request, answer: Answer) -> None:
        lines = [f"RTSP/1.0 {answer.status} {_REASONS[answer.status]}"]
        lines.append(f"CSeq: {request.headers.get('cseq', '0')}")
        lines += [f"{name}: {value}" for name, value in answer.headers]
        body = answer.body.encode()
        if body:
            lines.append(f"Content-Length: {len(body)}")
        self._writer.write("\r\n".join([*lines, "", ""]).encode() + body)


def _sdp(stream: Stream) -> str:
    """Describe the stream (RFC 8866; H.264 parameters of RFC 6184 section 8.2.1)."""
    clip = stream.clip
    sets = ",".join(base64.b64encode(nal).decode() for nal in (clip.sps, clip.pps))
    level = f"profile-level-id={clip.sps[1:4].hex()}"
    return "\r\n".join(
        (
            "v=0",
            "o=- 1 1 IN IP4 0.0.0.0",
            "s=Demo camera",
            "c=IN IP4 0.0.0.0",
            "t=0 0",
            "a=control:*",
            "a=range:npt=0-",
            f"m=video 0 RTP/AVP {PAYLOAD_TYPE}",
            f"a=rtpmap:{PAYLOAD_TYPE} H264/90000",
            f"a=fmtp:{PAYLOAD_TYPE} packetization-mode=1;{level};sprop-parameter-sets={sets}",
            f"a=framerate:{clip.fps}",
            f"a=framesize:{PAYLOAD_TYPE} {clip.width}-{clip.height}",
            "a=control:track1",
            "",
        )
    )
