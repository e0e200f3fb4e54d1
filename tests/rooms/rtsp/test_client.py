"""RTSP sessions with a peer that can do everything wrong."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import pytest

from gateway.kit.secret import Secret
from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.site import Credential
from gateway.rtsp import address as addresses
from gateway.rtsp.client import Client, ClientSettings
from gateway.rtsp.describe import Outcome, describe
from tests.peers.rtsp_peer import SDP, Request, RtspPeer, interleaved, reply, rtp, rtsp_peer
from tests.rooms.rtsp.test_rtp import Taken
from tests.waiting import until

QUICK = ClientSettings(connect_s=1, request_s=0.5)
DIGEST = 'Digest realm="cam", nonce="{}", qop="auth"'


@contextlib.asynccontextmanager
async def playing(
    peer: RtspPeer, settings: ClientSettings = QUICK, login: str = ""
) -> AsyncIterator[tuple[Client, Taken]]:
    client = Client(addresses.parse(peer.url(login=login)), settings)
    taken = Taken()
    try:
        described = await client.open()
        await client.play([(described.tracks[0], taken)])
        yield client, taken
    finally:
        await client.close()


async def refused(
    peer: RtspPeer, settings: ClientSettings = QUICK, login: str = ""
) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        async with playing(peer, settings, login):
            pass
    return caught.value


async def test_a_whole_session() -> None:
    async with rtsp_peer() as peer:
        async with playing(peer) as (_, taken):
            peer.send(interleaved(rtp(1, 7, b"data", marker=True)))
            await until(lambda: taken.payloads == [b"data"])
        await until(lambda: peer.count("TEARDOWN") == 1)
        methods = [request.method for request in peer.requests]
        assert methods == ["OPTIONS", "DESCRIBE", "SETUP", "PLAY", "TEARDOWN"]
        setup, play = peer.requests[2:4]
        assert setup.uri == peer.url() + "/trackID=1"
        assert setup.headers["transport"] == "RTP/AVP/TCP;unicast;interleaved=0-1"
        assert play.headers["session"] == "12345"
        assert play.uri == peer.url()


def guarded(accepted: str, challenge: str = DIGEST) -> RtspPeer:
    """Make a peer that wants a login; ``accepted`` is a part of the right header."""
    peer = RtspPeer()
    nonces = iter(range(1000))

    def check(request: Request) -> bytes:
        if accepted and accepted in request.headers.get("authorization", ""):
            return peer._usual(request)
        return reply(request, 401, "Unauthorized", WWW_Authenticate=challenge.format(next(nonces)))

    peer.on = dict.fromkeys(("OPTIONS", "DESCRIBE", "SETUP", "PLAY"), check)
    return peer


async def test_a_wrong_password_goes_out_once() -> None:
    async with rtsp_peer(**guarded("").on) as peer:
        error = await refused(peer, login="u:planted")
        assert error.kind is ErrorKind.CAMERA_UNAUTHORIZED
        assert sum("authorization" in request.headers for request in peer.requests) == 1
        assert "planted" not in str(error)


async def test_no_login_at_all() -> None:
    async with rtsp_peer(**guarded("").on) as peer:
        assert (await refused(peer)).kind is ErrorKind.CAMERA_UNAUTHORIZED
        assert not any("authorization" in request.headers for request in peer.requests)


async def test_a_stale_nonce_in_the_middle_of_a_session() -> None:
    async with rtsp_peer(**guarded('nonce="0"').on) as peer:
        stale = [True]

        def setup(request: Request) -> bytes:
            if stale.pop() if stale else False:
                return reply(
                    request,
                    401,
                    "Unauthorized",
                    WWW_Authenticate=DIGEST.format("fresh") + ", stale=true",
                )
            assert 'nonce="fresh"' in request.headers["authorization"]
            return peer._usual(request)

        peer.on["SETUP"] = peer.on["PLAY"] = setup
        async with playing(peer, login="u:p"):
            assert peer.count("SETUP") == 2


async def test_a_camera_that_hangs_up_to_ask_for_a_login() -> None:
    async with rtsp_peer() as peer:

        async def challenge(request: Request) -> bytes:
            if "authorization" in request.headers:
                return peer._usual(request)
            peer.send(reply(request, 401, "No", WWW_Authenticate=DIGEST.format(1)))
            for writer in peer.writers:
                await writer.drain()
                writer.close()
            return b""

        peer.on["OPTIONS"] = challenge
        async with playing(peer, login="u:p"):
            assert peer.connections == 2


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, ErrorKind.CAMERA_BAD_ANSWER),
        (403, ErrorKind.CAMERA_UNAUTHORIZED),
        (404, ErrorKind.CAMERA_NOT_FOUND),
        (453, ErrorKind.CAMERA_BUSY),
        (503, ErrorKind.CAMERA_BUSY),
        (500, ErrorKind.CAMERA_BAD_ANSWER),
    ],
)
async def test_what_status_codes_mean(status: int, kind: ErrorKind) -> None:
    async with rtsp_peer(DESCRIBE=lambda request: reply(request, status, "No")) as peer:
        assert (await refused(peer)).kind is kind


@pytest.mark.parametrize("method", ["OPTIONS", "DESCRIBE", "SETUP", "PLAY"])
async def test_silence_ends_at_the_deadline(method: str) -> None:
    async with rtsp_peer(**{method: lambda _: None}) as peer:
        error = await refused(peer)
    assert error.kind is ErrorKind.CAMERA_TIMEOUT
    assert method in error.message


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", ErrorKind.CAMERA_BAD_ANSWER),
        (b"\x16\x03\x01garbage" * 40000, ErrorKind.CAMERA_BAD_ANSWER),
        (b"RTSP/1.0 200 OK\r\nX: " + b"y" * 40000, ErrorKind.CAMERA_BAD_ANSWER),
        (b"RTSP/1.0 200 OK\r\nCSeq: 2\r\nContent-Length: 0\r\n\r\n", ErrorKind.CAMERA_BAD_ANSWER),
        (b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n", ErrorKind.CAMERA_TIMEOUT),
    ],
)
async def test_answers_that_are_none(raw: bytes, kind: ErrorKind) -> None:
    async with rtsp_peer(DESCRIBE=lambda _: raw) as peer:
        assert (await refused(peer)).kind is kind


async def test_a_dripping_camera_ends_at_the_deadline() -> None:
    async with rtsp_peer() as peer:

        async def drip(request: Request) -> None:
            for byte in reply(request, body=SDP):
                peer.send(bytes([byte]))
                await asyncio.sleep(0.05)

        peer.on["DESCRIBE"] = drip
        assert (await refused(peer)).kind is ErrorKind.CAMERA_TIMEOUT


async def test_a_port_where_nobody_listens() -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        address = addresses.parse(f"rtsp://127.0.0.1:{deaf.getsockname()[1]}/")
        with pytest.raises(GatewayError) as caught:
            await Client(address, QUICK).open()
        assert caught.value.kind is ErrorKind.CAMERA_UNREACHABLE


def odd(request: Request, body: str = "") -> bytes:
    """Answer as some cameras do: bare line feeds, own case, no CSeq, junk in front."""
    lines = ["rtsp/1.0 200 Ok", "SESSION:abc ; Timeout = 4", "pUBLIC:OPTIONS"]
    if request.method == "SETUP":
        lines.append("transport: RTP/AVP/TCP;interleaved=4-5;ssrc=1")
    if body:
        lines += ["content-type: application/sdp", f"CONTENT-LENGTH:{len(body)}"]
    return ("\r\n\n" + "\n".join(lines) + "\n\n" + body).encode()


async def test_the_oddities_of_cameras() -> None:
    methods = ("OPTIONS", "SETUP", "PLAY", "TEARDOWN", "GET_PARAMETER")
    async with (
        rtsp_peer(
            **dict.fromkeys(methods, odd), DESCRIBE=lambda request: odd(request, SDP)
        ) as peer,
        playing(peer) as (client, taken),
    ):
        peer.send(b"OPTIONS * RTSP/1.0\r\nCSeq: 77\r\n\r\nPAINT it RTSP/1.0\nCSeq: 78\n\n")
        peer.send(b"\0\0??" + interleaved(rtp(1, 7, b"data"), channel=4))
        await until(lambda: taken.payloads == [b"data"])
        await until(lambda: peer.count("ANSWER") == 2)
        yes, no = (request for request in peer.requests if request.method == "ANSWER")
        assert (yes.uri, yes.cseq) == ("RTSP/1.0 200 OK", "77")
        assert (no.uri, no.cseq) == ("RTSP/1.0 501 Not Implemented", "78")
        await until(lambda: peer.count("OPTIONS") >= 2, within=5)
        assert peer.requests[-1].headers["session"] == "abc"
        peer.send(b"TEARDOWN * RTSP/1.0\r\nCSeq: 79\r\n\r\n")
        assert (await client.ended).kind is ErrorKind.CAMERA_UNREACHABLE


async def test_a_description_without_length() -> None:
    head = b"RTSP/1.0 200 OK\r\nCSeq: 2\r\nContent-Type: application/sdp\r\n\r\n"
    settings = ClientSettings(request_s=3)
    async with rtsp_peer(DESCRIBE=lambda _: head + SDP.encode()) as peer, playing(peer, settings):
        assert peer.count("PLAY") == 1


async def test_keep_alive_by_what_the_camera_knows() -> None:
    def setup(request: Request) -> bytes:
        return reply(request, Transport=request.headers["transport"], Session="1;timeout=4")

    def options(request: Request) -> bytes:
        return reply(request, Public="DESCRIBE,SETUP,PLAY,SET_PARAMETER")

    async with rtsp_peer(SETUP=setup, OPTIONS=options) as peer, playing(peer):
        await until(lambda: peer.count("SET_PARAMETER") >= 1, within=5)


async def test_a_redirect_inside_what_is_allowed() -> None:
    asked: list[str] = []

    def allowed(host: str) -> bool:
        asked.append(host)
        return True

    async with rtsp_peer() as target, rtsp_peer() as peer:
        location = target.url("other").replace("127.0.0.1", "localhost")
        peer.on["DESCRIBE"] = lambda request: reply(request, 302, "Found", Location=location)
        async with playing(peer, ClientSettings(allowed=allowed)):
            assert target.count("PLAY") == 1
        assert asked == ["localhost"]
        error = await refused(peer)
        assert error.kind is ErrorKind.CAMERA_BAD_ANSWER
        assert "not allowed" in error.message
        assert target.connections == 1


@pytest.mark.parametrize("location", ["rtsp://[broken/", "http://10.0.0.1/", "", "/\x01", "self"])
async def test_redirects_that_lead_nowhere(location: str) -> None:
    async with rtsp_peer() as peer:
        target = peer.url() if location == "self" else location
        peer.on["OPTIONS"] = lambda request: reply(request, 301, "Moved", Location=target)
        peer.on["DESCRIBE"] = peer.on["OPTIONS"]
        assert (await refused(peer)).kind is ErrorKind.CAMERA_BAD_ANSWER
        assert peer.connections <= 5


@pytest.mark.parametrize("status", [461, 400, 500])
async def test_udp_when_tcp_is_refused(status: int) -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as camera,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger,
    ):
        camera.bind(("127.0.0.1", 0))
        stranger.bind(("127.0.0.2", 0))
        port = camera.getsockname()[1]

        def setup(request: Request) -> bytes:
            transport = request.headers["transport"]
            if "TCP" in transport:
                return reply(request, status, "Unsupported Transport")
            return reply(
                request, Transport=f"{transport};server_port={port}-{port + 1}", Session="1"
            )

        async with rtsp_peer(SETUP=setup) as peer, playing(peer) as (_, taken):
            ports = peer.requests[-2].headers["transport"].rpartition("client_port=")[2]
            first, second = map(int, ports.split("-"))
            assert (first % 2, second) == (0, first + 1)
            stranger.sendto(rtp(1, 7, b"foreign"), ("127.0.0.1", first))
            camera.sendto(rtp(2, 7, b"own"), ("127.0.0.1", first))
            await until(lambda: taken.payloads == [b"own"])
            camera.setblocking(False)  # noqa: FBT003  # the library's own signature
            assert len(camera.recv(100)) == 12


async def test_a_camera_that_refuses_every_transport() -> None:
    async with rtsp_peer(SETUP=lambda request: reply(request, 461, "No")) as peer:
        assert (await refused(peer)).kind is ErrorKind.CAMERA_BAD_ANSWER
        assert peer.count("SETUP") == 2


async def test_death_in_the_middle_of_a_play() -> None:
    async with rtsp_peer() as peer, playing(peer) as (client, _):
        peer.drop()
        assert (await client.ended).kind is ErrorKind.CAMERA_UNREACHABLE


async def test_good_bye_of_the_stream() -> None:
    async with rtsp_peer() as peer, playing(peer) as (client, taken):
        peer.send(interleaved(rtp(1, 7, b"data")))
        await until(lambda: taken.payloads)
        peer.send(interleaved(bytes([0x81, 203, 0, 1, 0, 0, 0x12, 0x34]), channel=1))
        assert "ended the stream" in (await client.ended).message


async def test_a_camera_that_asks_and_never_reads_is_left() -> None:
    question = b"OPTIONS * RTSP/1.0\r\nCSeq: 9\r\n\r\n"
    async with rtsp_peer() as peer, playing(peer) as (client, _):
        writer = peer.writers[0]
        transport = writer.transport
        assert isinstance(transport, asyncio.ReadTransport)
        transport.pause_reading()
        while not client.ended.done():
            writer.write(question * 10_000)
            with contextlib.suppress(OSError):
                await writer.drain()
        assert "no more of our messages" in client.ended.result().message


async def test_describe() -> None:
    async with rtsp_peer() as peer:
        found = await describe(addresses.parse(peer.url()))
        assert found.ok
        assert found.video is not None
        assert found.video.codec == "H264"
        assert peer.count("SETUP") == 0


async def test_describe_with_a_credential() -> None:
    wrong = Credential("u", Secret("planted"), "env:CAMERAS")
    async with rtsp_peer(**guarded("").on) as peer:
        found = await describe(addresses.parse(peer.url()), wrong)
        assert found.outcome is Outcome.UNAUTHORIZED
        assert "planted" not in repr(found)
        assert sum("authorization" in request.headers for request in peer.requests) == 1


async def test_describe_names_every_failure() -> None:
    async with rtsp_peer() as peer:
        address = addresses.parse(peer.url())
        for answer, outcome in (
            (lambda request: reply(request, 404, "No"), Outcome.NOT_FOUND),
            (lambda request: reply(request, 453, "No"), Outcome.BUSY),
            (lambda _: None, Outcome.TIMEOUT),
            (lambda request: reply(request, body="v=0"), Outcome.BAD_ANSWER),
        ):
            peer.on["DESCRIBE"] = answer
            found = await describe(address, timeout_s=0.5)
            assert found.outcome is outcome
            assert found.reason
            assert found.hint
        peer.on["DESCRIBE"] = lambda request: reply(
            request, 302, "Found", Location="rtsp://u:planted@10.1.2.3/x"
        )
        moved = await describe(address)
        assert (moved.outcome, moved.location) == (Outcome.REDIRECT, "rtsp://***@10.1.2.3/x")
        peer.on["OPTIONS"] = lambda _: b"HTTP/1.1 200 OK\r\n\r\n"
        assert (await describe(address)).outcome is Outcome.NOT_RTSP
    assert (await describe(address)).outcome is Outcome.UNREACHABLE
