"""Synthetic viewers: negotiated as browsers negotiate (ICE, DTLS-SRTP), then only counted."""

import asyncio
import contextlib
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import av
import pylibsrtp

from gateway.kit.tasks import Tasks
from gateway.mediaserver.transport import srtp, stun
from tests.rooms.mediaserver.fanout.lean import LeanViewer, offer
from tests.waiting import until

_CHECK_EVERY_S = 2.5
_EAGER_S = 0.05
_SIZE = 2048
_PLAIN = "ice-ufrag:lean", "ice-pwd:leanleanleanleanleanlean"


class Peer(LeanViewer):
    """One viewer. Packets are counted without decrypting them, to leave the core to the camera."""

    def __init__(self, host: str) -> None:
        super().__init__(host=host, profiles=f"{srtp.GCM.name}:{srtp.SHA1.name}")
        self.video = b""
        self.count = self.media = 0
        self.first = self.last = -1
        self.kept: list[bytes] | None = None
        self.arrived: Callable[[], None] | None = None
        # Checks to pass before DTLS begins: a server that is ready for it a moment later would
        # miss the first flight, and OpenSSL repeats it after a whole second.
        self.patience = self._successes = 0
        self._own_password = secrets.token_hex(12)
        self._own_ufrag = secrets.token_hex(4)

    def sdp(self) -> str:
        """Return our offer."""
        assert LeanViewer.certificate is not None
        text = offer(LeanViewer.certificate.fingerprint)
        text = text.replace(_PLAIN[0], f"ice-ufrag:{self._own_ufrag}")
        return text.replace(_PLAIN[1], f"ice-pwd:{self._own_password}")

    def answer_to(self, remote: str) -> str:
        """Return our answer to a server that offers one video; :meth:`check` begins."""
        assert LeanViewer.certificate is not None
        kind = re.findall(r"a=rtpmap:(\d+) H264", remote)[0]
        mid = re.findall(r"a=mid:(\S+)", remote)[0]
        self._read(remote)
        return "\r\n".join(
            (
                "v=0",
                "o=- 1 1 IN IP4 127.0.0.1",
                "s=-",
                "t=0 0",
                f"a=group:BUNDLE {mid}",
                f"m=video 9 UDP/TLS/RTP/SAVPF {kind}",
                f"c=IN IP4 {self._host}",
                f"a=mid:{mid}",
                "a=recvonly",
                "a=rtcp-mux",
                f"a=ice-ufrag:{self._own_ufrag}",
                f"a=ice-pwd:{self._own_password}",
                f"a=fingerprint:sha-256 {LeanViewer.certificate.fingerprint}",
                "a=setup:active",
                f"a=rtpmap:{kind} H264/90000",
                f"a=candidate:1 1 udp 2130706431 {self._host} {self._port} typ host",
                "",
            )
        )

    def begin_with(self, remote: str) -> None:
        """Take a server's answer and send the first check; DTLS follows its success."""
        self._read(remote)
        self.check()

    def _read(self, remote: str) -> None:
        self.ufrag = re.findall(r"ice-ufrag:(\S+)", remote)[0]
        self.password = re.findall(r"ice-pwd:(\S+)", remote)[0]
        found = re.findall(r"candidate:\S+ 1 udp \d+ (\d+\.\d+\.\d+\.\d+) (\d+) typ host", remote)
        # On our own machine its address that we have too; elsewhere the first that is named.
        host, port = next((item for item in found if item[0] == self._host), found[0])
        self.server = (host, int(port))

    def check(self, *, use_candidate: bool = True) -> None:
        """Send a connectivity check under our own name."""
        from tests.rooms.mediaserver.fanout.lean import binding_request

        name = f"{self.ufrag}:{self._own_ufrag}"
        request = binding_request(name, self.password, use_candidate=use_candidate)
        with contextlib.suppress(OSError):
            self._socket.sendto(request, self.server)

    def nudge(self) -> None:
        """Repeat what may have been lost."""
        self.check()
        if self.dtls.DTLSv1_handle_timeout():
            self._handshake()

    def reset(self) -> None:
        """Begin a window."""
        self.count = self.media = 0
        self.first = self.last = -1

    @property
    def expected(self) -> int:
        """Packets of the video between the window's first and last (less than 65536)."""
        return 0 if self.first < 0 else (self.last - self.first & 0xFFFF) + 1

    @property
    def _port(self) -> int:
        port: int = self._socket.getsockname()[1]
        return port

    def _readable(self) -> None:
        receive = self._socket.recv
        while True:
            try:
                data = receive(_SIZE)
            except (BlockingIOError, OSError):
                return
            first = data[0]
            if first >= 128:
                if not 192 <= data[1] <= 223:
                    self._count(data)
            elif 20 <= first <= 63:
                self.dtls.bio_write(data)
                self._handshake()
            elif first <= 3:
                self._answer_stun(data)

    def _count(self, data: bytes) -> None:
        self.media += 1
        source = data[8:12]
        if source != self.video:
            if self.video:
                return
            self.video = source
        self.count += 1
        self.last = data[2] << 8 | data[3]
        if self.first < 0:
            self.first = self.last
        if self.kept is not None:
            self.kept.append(data)
        if self.arrived is not None:
            self.arrived()

    def _answer_stun(self, data: bytes) -> None:
        """Answer a server's check; its success answers to ours begin DTLS."""
        if data[:2] == b"\x00\x01":
            answer = stun.success(data[8:20], self.server, self._own_password.encode())
            self.send(answer)
        elif data[:2] == b"\x01\x01" and not self.connected:
            self._successes += 1
            if self._successes > self.patience:
                self._handshake()


class Crowd:
    """All synthetic viewers of a measurement, with the checks that keep them alive."""

    def __init__(self, host: str) -> None:
        self.host = host
        self.peers: list[Peer] = []
        self._tasks = Tasks("crowd")
        self._tasks.spawn(self._keep_alive(), "checks")

    async def close(self) -> None:
        """Vanish."""
        await self._tasks.close()
        for peer in self.peers:
            peer.close()

    async def connected(self, peer: Peer, within: float = 30) -> None:
        """Wait until ``peer`` has its keys, checking as eagerly as browsers do meanwhile."""
        loop = asyncio.get_running_loop()
        again = loop.time() + _EAGER_S

        def connected() -> bool:
            nonlocal again
            if not peer.connected and loop.time() > again:
                again = loop.time() + _EAGER_S
                peer.nudge()
            return peer.connected

        await until(connected, within=within, every=0.005)

    async def _keep_alive(self) -> None:
        while True:
            await asyncio.sleep(_CHECK_EVERY_S)
            for peer in self.peers:
                if peer.server[1]:
                    peer.check()


@dataclass(frozen=True, slots=True)
class Window:
    """What came in a window: packets at all viewers, the part that is missing, seconds."""

    packets: int
    lost: float
    seconds: float


async def window(peers: Sequence[Peer], seconds: float) -> Window:
    """Count packets at ``peers`` for a while."""
    loop = asyncio.get_running_loop()
    for peer in peers:
        peer.reset()
    began = loop.time()
    await asyncio.sleep(seconds)
    packets = sum(peer.media for peer in peers)
    expected = sum(peer.expected for peer in peers)
    counted = sum(peer.count for peer in peers)
    lost = 1 - counted / expected if expected else 1.0
    return Window(packets, max(0.0, lost), loop.time() - began)


async def decoded(peer: Peer, seconds: float) -> int:
    """Decrypt and decode what ``peer`` receives for a while; return the number of pictures."""
    peer.kept = []
    await asyncio.sleep(seconds)
    kept, peer.kept = peer.kept, None
    stream, units = b"", []
    for data in kept:
        with contextlib.suppress(pylibsrtp.Error):
            units.append(peer.inbound.unprotect(data))
    for packet in units:
        stream += _annexb(packet[12:])
    decoder = av.CodecContext.create("h264", "r")
    pictures = 0
    for parsed in [*decoder.parse(stream), *decoder.parse(b"")]:
        with contextlib.suppress(av.InvalidDataError):
            pictures += len(decoder.decode(parsed))
    return pictures


def _annexb(payload: bytes) -> bytes:
    kind = payload[0] & 31
    if kind < 24:
        return b"\0\0\0\1" + payload
    if kind == 24:
        units, at = b"", 1
        while at + 2 < len(payload):
            size = int.from_bytes(payload[at : at + 2], "big")
            units += b"\0\0\0\1" + payload[at + 2 : at + 2 + size]
            at += 2 + size
        return units
    if kind != 28:
        return b""
    start = payload[1] & 0x80
    head = b"\0\0\0\1" + bytes([payload[0] & 0xE0 | payload[1] & 31]) if start else b""
    return head + payload[2:]
