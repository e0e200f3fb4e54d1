"""A viewer of few parts: real ICE, DTLS and SRTP over one socket, without a decoder."""

import asyncio
import hmac
import os
import re
import socket
import struct
import uuid
import zlib
from collections.abc import Callable
from typing import Self

import pylibsrtp
from OpenSSL import SSL

from gateway.mediaserver.ports import Engine, PlayEnd
from gateway.mediaserver.transport import srtp
from gateway.mediaserver.transport.certificate import Certificate, make_certificate

OFFER = """v=0
o=- 1 1 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1
a=fingerprint:sha-256 {fingerprint}
m=audio 9 UDP/TLS/RTP/SAVPF 0 8
c=IN IP4 0.0.0.0
a=mid:0
a=recvonly
a=ice-ufrag:lean
a=ice-pwd:leanleanleanleanleanlean
a=setup:actpass
a=rtcp-mux
m=video 9 UDP/TLS/RTP/SAVPF 102{rtx_format}
c=IN IP4 0.0.0.0
a=mid:1
a=recvonly
a=ice-ufrag:lean
a=ice-pwd:leanleanleanleanleanlean
a=setup:actpass
a=rtcp-mux
a=rtpmap:102 H264/90000
a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f
a=rtcp-fb:102 nack
a=rtcp-fb:102 nack pli
"""
RTX = "a=rtpmap:103 rtx/90000\na=fmtp:103 apt=102\n"


def offer(fingerprint: str, *, rtx: bool = True) -> str:
    """Return an offer of H.264 and G.711."""
    text = OFFER.format(fingerprint=fingerprint, rtx_format=" 103" if rtx else "")
    return text + (RTX if rtx else "")


def binding_request(
    username: str, password: str, *, use_candidate: bool = True, extra: bytes = b""
) -> bytes:
    """Return a connectivity check as a controlling browser sends it."""

    def attribute(kind: int, value: bytes) -> bytes:
        return struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)

    body = attribute(0x0006, username.encode()) + attribute(0x0024, bytes(4)) + extra
    body += attribute(0x0025, b"") if use_candidate else b""
    head = struct.pack("!HHI12s", 1, len(body) + 24, 0x2112A442, os.urandom(12))

    message = head + body
    message += attribute(0x0008, hmac.digest(password.encode(), message, "sha1"))
    message = message[:2] + struct.pack("!H", len(message) - 12) + message[4:]
    return message + attribute(0x8028, struct.pack("!I", zlib.crc32(message) ^ 0x5354554E))


class LeanViewer:
    """One viewer. ``packets`` are decrypted RTP packets in the order of their coming."""

    certificate: Certificate | None = None

    def __init__(self, *, host: str = "127.0.0.1", profiles: str = srtp.GCM.name) -> None:
        if LeanViewer.certificate is None:
            LeanViewer.certificate = make_certificate()
        self.id = str(uuid.uuid4())
        self.ended: tuple[PlayEnd, str] | None = None
        self.packets: list[bytes] = []
        self.reports: list[bytes] = []
        self.undecrypted = 0
        self.keep = True
        self.lose: Callable[[bytes], bool] = lambda _data: False
        self.address = (host, 0)
        self.server: tuple[str, int] = (host, 0)
        self.connected = False
        self._host = host
        self._open_socket()
        context = SSL.Context(SSL.DTLS_CLIENT_METHOD)
        context.set_verify(SSL.VERIFY_PEER, lambda *_: True)
        context.use_certificate(LeanViewer.certificate.x509)
        context.use_privatekey(LeanViewer.certificate.key)
        context.set_tlsext_use_srtp(profiles.encode())
        self.dtls = SSL.Connection(context, None)
        self.dtls.set_connect_state()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Vanish."""
        if self._socket.fileno() >= 0:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()

    def play(self, engine: Engine, stream: str, *, rtx: bool = True) -> None:
        """Ask for ``stream``."""
        assert LeanViewer.certificate is not None
        self.answer = engine.play(
            stream=stream,
            media_session_id=self.id,
            offer=offer(LeanViewer.certificate.fingerprint, rtx=rtx),
            on_end=self._end,
        )
        self.ufrag = re.findall("ice-ufrag:(.*)\r", self.answer)[0]
        self.password = re.findall("ice-pwd:(.*)\r", self.answer)[0]
        self.server = (self._host, engine.port)
        self.ssrcs = [int(item) for item in re.findall("ssrc:([0-9]+) cname", self.answer)]

    def check(self, *, use_candidate: bool = True) -> None:
        """Send a connectivity check."""
        request = binding_request(f"{self.ufrag}:lean", self.password, use_candidate=use_candidate)
        self.send(request)

    def begin(self) -> None:
        """Check and send the first flight of DTLS."""
        self.check()
        self._handshake()

    def move(self) -> None:
        """Go on from another port, as a phone does that changes its network."""
        self.close()
        self._open_socket()

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._socket.sendto(data, self.server)

    def send_rtcp(self, packet: bytes) -> None:
        """Send RTCP, encrypted."""
        self.send(self.outbound.protect_rtcp(packet))

    def nack(self, *numbers: int) -> None:
        """Report lost sequence numbers of the video."""
        body = b"".join(struct.pack("!HH", number, 0) for number in numbers)
        video = self.ssrcs[-2] if len(self.ssrcs) > 1 else self.ssrcs[0]
        self.send_rtcp(struct.pack("!BBHII", 0x81, 205, 2 + len(numbers), 7, video) + body)

    def sequence(self, kind: int = 102) -> list[int]:
        """Return the sequence numbers received with a payload type."""
        return [int.from_bytes(data[2:4], "big") for data in self.packets if data[1] & 127 == kind]

    def _open_socket(self) -> None:
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_000_000)
        self._socket.bind((self._host, 0))
        self._socket.settimeout(0)
        asyncio.get_running_loop().add_reader(self._socket, self._readable)

    def _readable(self) -> None:
        while True:
            try:
                data = self._socket.recv(2048)
            except (BlockingIOError, OSError):
                return
            self._arrived(data)

    def _arrived(self, data: bytes) -> None:
        if 20 <= data[0] <= 63:
            self.dtls.bio_write(data)
            self._handshake()
        elif data[0] >= 128 and self.connected:
            self._take(data)

    def _take(self, data: bytes) -> None:
        try:
            if 192 <= data[1] <= 223:
                self.reports.append(self.inbound.unprotect_rtcp(data))
                return
            if self.lose(data):
                return
            packet = self.inbound.unprotect(data)
            if self.keep:
                self.packets.append(packet)
        except pylibsrtp.Error:
            self.undecrypted += 1

    def _handshake(self) -> None:
        try:
            if not self.connected:
                self.dtls.do_handshake()
                self._export()
        except SSL.WantReadError:
            pass
        try:
            while data := self.dtls.bio_read(4096):
                self.send(data)
        except SSL.WantReadError:
            pass

    def _export(self) -> None:
        name = self.dtls.get_selected_srtp_profile().decode()
        self.profile = next(item for item in (srtp.GCM, srtp.SHA1) if item.name == name)
        key, salt = self.profile.key, self.profile.salt
        material = self.dtls.export_keying_material(b"EXTRACTOR-dtls_srtp", 2 * (key + salt))
        salts = material[2 * key :]
        self.outbound = self._session(material[:key] + salts[:salt], outbound=True)
        self.inbound = self._session(material[key : 2 * key] + salts[salt:], outbound=False)
        self.connected = True

    def _session(self, key: bytes, *, outbound: bool) -> pylibsrtp.Session:
        kind = pylibsrtp.Policy
        policy = kind(
            key,
            ssrc_type=kind.SSRC_ANY_OUTBOUND if outbound else kind.SSRC_ANY_INBOUND,
            srtp_profile=self.profile.libsrtp,
        )
        policy.window_size = 1024
        return pylibsrtp.Session(policy)

    def _end(self, how: PlayEnd, info: str) -> None:
        self.ended = (how, info)
