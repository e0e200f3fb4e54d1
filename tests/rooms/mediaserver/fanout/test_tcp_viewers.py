"""Viewers whose network blocks UDP: they play by TCP, move, fall behind, and strangers come too."""

import asyncio
import contextlib
import os
import resource
import socket
import struct
import time
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mediaserver.fanout.engine import EngineSettings
from gateway.mediaserver.transport import listener
from tests.rooms.mediaserver.fanout.lean import LeanViewer, binding_request
from tests.rooms.mediaserver.fanout.scene import Scene, contiguous
from tests.rooms.mediaserver.fanout.stream_viewer import StreamViewer, framed
from tests.waiting import until

LOCAL = EngineSettings(bind=("127.0.0.1",))


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with Scene(LOCAL) as made:
        yield made


def connections(scene: Scene) -> float:
    return scene.engine.counters()["tcp_connections"]


async def all_came(scene: Scene, count: int) -> None:
    """Wait until ``count`` connections were taken, whatever became of them."""
    await until(lambda: connections(scene) + scene.engine.counters()["tcp_refused"] == count)


def stranger(scene: Scene) -> socket.socket:
    made = socket.create_connection(("127.0.0.1", scene.engine.port))
    made.settimeout(0)
    return made


def hung_up(sock: socket.socket) -> bool:
    """Tell whether the server has closed the connection."""
    try:
        return sock.recv(4096) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


async def test_a_viewer_plays_by_tcp_and_leaves_nothing_behind(scene: Scene) -> None:
    scene.push(key=True, packets=60)
    scene.push(count=40, packets=5)
    async with StreamViewer() as viewer:
        await scene.join(viewer)
        await until(lambda: len(viewer.packets) == 260)
        scene.push(count=2)
        await until(lambda: len(viewer.packets) == 266)
        assert contiguous(viewer.sequence())
        assert viewer.undecrypted == 0
        (info,) = scene.engine.viewers()
        assert info.address == "127.0.0.1"
        viewer.nack(viewer.sequence()[-1])
        await until(lambda: scene.engine.counters()["retransmissions"] == 1)
        await until(lambda: len(viewer.packets) == 267)
        scene.engine.stop(viewer.id, "Stopped by user")
        await until(lambda: viewer.hung_up)
    assert connections(scene) == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_every_address_takes_connections(host: str) -> None:
    async with Scene(EngineSettings()) as scene, StreamViewer(host=host) as viewer:
        scene.push(key=True)
        await scene.join(viewer)
        await until(lambda: len(viewer.packets) == 3)
        assert scene.engine.viewers()[0].address == host


async def test_frames_arrive_in_any_pieces(scene: Scene) -> None:
    scene.push(key=True)
    async with StreamViewer() as viewer:
        viewer.play(scene.engine, "yard")
        viewer.connect()
        request = binding_request(f"{viewer.ufrag}:lean", viewer.password)
        for value in framed(b"", request):
            viewer.send_raw(bytes((value,)))
            await asyncio.sleep(0)
        await until(lambda: scene.engine.counters()["stun_checks"] == 1)
        viewer.send_raw(framed(request, b"", request, request))
        await until(lambda: scene.engine.counters()["stun_checks"] == 4)


async def test_a_viewer_moves_to_udp_and_back(scene: Scene) -> None:
    scene.push(key=True)
    async with StreamViewer() as viewer, LeanViewer() as other:
        await scene.join(viewer)
        await until(lambda: len(viewer.packets) == 3)
        # The same play from a UDP socket: same credentials, same keys.
        other.ufrag, other.password, other.server = viewer.ufrag, viewer.password, viewer.server
        other.inbound, other.connected = viewer.inbound, True
        other.check()
        await until(lambda: scene.engine.counters()["stun_checks"] == 2)
        scene.push()
        await until(lambda: len(other.packets) == 3)
        assert connections(scene) == 1, "it stays in reserve"
        viewer.check()
        await until(lambda: scene.engine.counters()["stun_checks"] == 3)
        scene.push()
        await until(lambda: len(viewer.packets) == 6)


async def test_a_broken_connection_is_followed_by_the_next_one(scene: Scene) -> None:
    scene.push(key=True)
    async with StreamViewer() as viewer:
        await scene.join(viewer)
        await until(lambda: len(viewer.packets) == 3)
        viewer.reset()
        await until(lambda: connections(scene) == 0)
        scene.push(count=3)
        viewer.connect()
        viewer.check()
        await until(lambda: scene.engine.counters()["stun_checks"] == 2)
        scene.push(key=True)
        await until(lambda: len(viewer.packets) == 6)
        assert viewer.ended is None
        assert connections(scene) == 1


async def test_a_slow_reader_waits_for_a_key_frame_and_stops_nobody(scene: Scene) -> None:
    scene.push(key=True)
    async with StreamViewer() as slow, StreamViewer() as quick:
        await scene.join(slow)
        await scene.join(quick)
        slow.stand_still()
        pushed = 0

        def dropped() -> bool:
            nonlocal pushed
            scene.push(packets=40)
            pushed += 40
            return scene.engine.counters()["drops"] > 0

        await until(dropped, every=0, within=20)
        numbers = scene.engine.counters()
        assert numbers["drops"] == 1
        assert 0 < numbers["backlog_bytes"] < 1_200_000
        await until(lambda: len(quick.packets) == pushed + 3)
        assert contiguous(quick.sequence())
        before = numbers["backlog_bytes"]
        scene.push(packets=40, count=50)
        await until(lambda: len(quick.packets) == pushed + 2003)
        assert scene.engine.counters()["backlog_bytes"] <= before, "nothing more is kept for it"
        slow.read_on()
        await until(lambda: scene.engine.counters()["backlog_bytes"] == 0)
        scene.push(key=True)
        last = scene.engine._streams["yard"].video.next - 1 & 0xFFFF
        await until(lambda: slow.sequence()[-1] == last)
        assert slow.undecrypted == 0


async def test_a_newcomer_on_a_slow_connection_catches_up_at_its_own_pace(scene: Scene) -> None:
    scene.push(key=True, packets=60)
    scene.push(count=50, packets=10)
    async with StreamViewer() as viewer:
        viewer.play(scene.engine, "yard")
        viewer.connect(receive_buffer=4096)
        viewer.check()
        viewer._handshake()
        await until(lambda: len(viewer.packets) == 560, within=20)
        assert contiguous(viewer.sequence())
        assert scene.engine.counters()["drops"] == 0


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHost: camera\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(512),
        framed(b"\x16" + bytes(200)),
        framed(b"\x80" + bytes(200)),
        b"\xff\xff",
        struct.pack("!H", 1281),
        framed(*[b"\x00\x01" + bytes(18)] * 5),
    ],
    ids=["http", "tls", "dtls", "rtp", "oversize", "larger-than-stun", "many-checks"],
)
async def test_who_does_not_begin_with_a_check_is_cut_off(scene: Scene, data: bytes) -> None:
    with stranger(scene) as sock:
        sock.sendall(data)
        await until(lambda: hung_up(sock))
    assert connections(scene) == 0
    assert scene.engine.counters()["tcp_refused"] == 1


@given(st.lists(st.binary(min_size=1, max_size=300), min_size=1, max_size=4), st.booleans())
def test_garbage_harms_nobody(pieces: list[bytes], whole: bool) -> None:  # noqa: FBT001  # drawn
    async def run() -> None:
        async with Scene(LOCAL) as scene:
            with stranger(scene) as sock:
                with contextlib.suppress(OSError):
                    for piece in pieces:
                        sock.send(framed(piece) if whole else piece)
                sock.shutdown(socket.SHUT_WR)
                await until(lambda: hung_up(sock))
            assert connections(scene) == 0

    asyncio.run(run())


async def test_a_viewer_that_breaks_the_framing_is_cut_off_and_may_come_again(
    scene: Scene,
) -> None:
    scene.push(key=True)
    async with StreamViewer() as viewer:
        await scene.join(viewer)
        viewer.send_raw(b"\xff\xff" + os.urandom(100))
        await until(lambda: viewer.hung_up)
        assert connections(scene) == 0
        viewer.connect()
        viewer.check()
        await until(lambda: connections(scene) == 1)
        await until(lambda: scene.engine.viewers()[0].address == "127.0.0.1")


@pytest.mark.slow
async def test_idle_connections_are_few_and_go(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.push(key=True)
    idle = [stranger(scene) for _ in range(listener.MOST_UNPROVEN_OF_ONE)]
    await until(lambda: connections(scene) == listener.MOST_UNPROVEN_OF_ONE)
    try:
        async with StreamViewer() as viewer:
            await scene.join(viewer)
            await until(lambda: len(viewer.packets) == 3)
            for _ in range(20):
                idle += [stranger(scene) for _ in range(50)]
                await all_came(scene, len(idle) + 1)
                assert connections(scene) == listener.MOST_UNPROVEN_OF_ONE + 1
            scene.push()
            await until(lambda: len(viewer.packets) == 6)
            monkeypatch.setattr(listener, "PROOF_SECONDS", 0.1)
            await until(lambda: connections(scene) == 1)
            monkeypatch.setattr(listener, "SILENT_SECONDS", -1)
            await until(lambda: viewer.hung_up)
    finally:
        for sock in idle:
            sock.close()


async def test_the_oldest_of_too_many_strangers_goes(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "MOST_UNPROVEN", 3)
    with contextlib.ExitStack() as stack:
        first, *others = [stack.enter_context(stranger(scene)) for _ in range(4)]
        await until(lambda: hung_up(first))
        assert not any(hung_up(sock) for sock in others)
        assert connections(scene) == 3


@pytest.mark.slow
async def test_a_crowd_plays_by_tcp(scene: Scene) -> None:
    scene.push(key=True, packets=20)
    async with contextlib.AsyncExitStack() as stack:
        crowd = [await stack.enter_async_context(StreamViewer()) for _ in range(100)]
        for viewer in crowd:
            viewer.play(scene.engine, "yard")
            viewer.begin()
        await until(lambda: all(len(viewer.packets) == 20 for viewer in crowd), within=30)
        for _ in range(50):
            scene.push(packets=9)
            await asyncio.sleep(0.02)
        await until(lambda: all(len(viewer.packets) == 470 for viewer in crowd), within=30)
        assert all(contiguous(viewer.sequence()) for viewer in crowd)
        assert connections(scene) == 100
        for viewer in crowd:
            viewer.reset()
        await until(lambda: connections(scene) == 0)


async def test_without_tcp_nobody_listens() -> None:
    async with Scene(EngineSettings(bind=("127.0.0.1",), tcp=False)) as scene:
        with pytest.raises(ConnectionRefusedError):
            stranger(scene)


async def test_a_taken_tcp_port_leaves_udp() -> None:
    with socket.socket() as other, socket.socket(type=socket.SOCK_DGRAM) as probe:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        probe.bind(("127.0.0.1", port))
        probe.close()
        async with Scene(EngineSettings(bind=("127.0.0.1",), port=port)) as scene:
            scene.push(key=True)
            async with LeanViewer() as viewer:
                await scene.join(viewer)
                await until(lambda: len(viewer.packets) == 3)
                assert " tcp " not in viewer.answer


async def test_no_files_left_is_survived(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    monkeypatch.setattr(listener, "_SWEEP_SECONDS", 0.05)
    with socket.socket() as late:
        late.settimeout(0)
        with socket.socket() as spare:
            lowest = spare.fileno()
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
        try:
            with contextlib.suppress(BlockingIOError):
                late.connect(("127.0.0.1", scene.engine.port))
            began = time.process_time()
            await asyncio.sleep(0.3)
            assert time.process_time() - began < 0.2
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        await until(lambda: connections(scene) == 1)
