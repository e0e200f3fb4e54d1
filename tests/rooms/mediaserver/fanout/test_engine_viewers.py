"""Viewers of every kind: they come, lose packets, move, fall silent, misbehave and go."""

import asyncio
import errno
import itertools
import os
import struct
import time
from collections.abc import AsyncIterator, Callable

import pytest

from gateway.mediaserver.fanout import feedback
from gateway.mediaserver.fanout.engine import EngineSettings
from gateway.mediaserver.ports import (
    AudioCodec,
    AudioPacket,
    PlayEnd,
    PlayRefused,
    VideoCodec,
    VideoFormat,
    VideoFrame,
)
from gateway.mediaserver.transport import srtp, udp
from gateway.mediaserver.transport.certificate import make_certificate
from gateway.mediaserver.transport.udp import UdpSocket
from tests.rooms.mediaserver.fanout.lean import LeanViewer, offer
from tests.rooms.mediaserver.fanout.scene import H264, Scene, contiguous
from tests.waiting import until

Make = Callable[..., "Scene"]


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with Scene(EngineSettings(bind=("127.0.0.1",))) as made:
        yield made


async def test_a_newcomer_begins_with_the_cached_key_frame(scene: Scene) -> None:
    scene.push(key=True, packets=60)
    scene.push(count=40, packets=5)
    async with LeanViewer() as viewer:
        await scene.join(viewer)
        await until(lambda: len(viewer.packets) == 260)
        scene.push(count=2)
        await until(lambda: len(viewer.packets) == 266)
        assert viewer.packets[0][12] == 0x65
        assert contiguous(viewer.sequence())
        assert [data[1] >> 7 for data in viewer.packets[:60]] == [0] * 59 + [1]


async def test_a_camera_that_sends_during_the_catching_up_leaves_no_hole(scene: Scene) -> None:
    scene.push(key=True, packets=20)
    scene.push(count=50, packets=5)

    def caught_up() -> bool:
        scene.push(packets=5)
        return len(viewer.packets) > 350

    async with LeanViewer() as viewer:
        await scene.join(viewer)
        await until(caught_up, every=0.005)
        scene.push(key=True)
        last = scene.engine._streams["yard"].video.next - 1 & 0xFFFF
        await until(lambda: viewer.sequence()[-1] == last)
        assert contiguous(viewer.sequence())


async def test_without_a_cache_the_next_key_frame_is_awaited(scene: Scene) -> None:
    scene.push(key=True, packets=50)
    scene.push(count=200, packets=4)
    async with LeanViewer() as viewer:
        await scene.join(viewer)
        scene.push(count=3)
        scene.push(key=True)
        scene.push()
        await until(lambda: len(viewer.packets) == 6)
        assert viewer.packets[0][12] == 0x65


async def test_all_viewers_see_the_same_numbers(scene: Scene) -> None:
    scene.push(key=True)
    async with LeanViewer() as first, LeanViewer(profiles=srtp.SHA1.name) as second:
        await scene.join(first)
        await scene.join(second)
        assert (first.profile, second.profile) == (srtp.GCM, srtp.SHA1)
        scene.push(count=20, packets=30)
        await until(lambda: len(first.packets) == len(second.packets) == 603)
        assert first.packets == second.packets
        assert first.undecrypted == second.undecrypted == 0


@pytest.mark.parametrize("start", [59_000, 60_500, 65_400])
async def test_the_numbers_may_roll_over(scene: Scene, start: int) -> None:
    """The viewer loses its first 3000 packets, and with them perhaps the roll-over itself."""
    scene.engine._streams["yard"].video.next = start
    scene.push(key=True, packets=2)
    async with LeanViewer() as viewer:
        lost = iter(range(3000))
        viewer.lose = lambda _data: next(lost, None) is not None
        await scene.join(viewer)
        for _ in range(150):
            scene.push(packets=50)
            await asyncio.sleep(0)
        last = scene.engine._streams["yard"].video.next
        scene.push(key=True, packets=2)
        await until(lambda: viewer.packets and viewer.packets[-1][12] == 0x65)
        offset = 32_768 if start > 60_000 else 0
        assert viewer.sequence()[-2] == (last + offset) & 0xFFFF
        assert viewer.undecrypted == 0


async def test_lost_packets_come_again_as_retransmissions(scene: Scene) -> None:
    scene.push(key=True)
    async with LeanViewer() as viewer:
        await scene.join(viewer)
        scene.push(count=10)
        await until(lambda: len(viewer.packets) == 33)
        lost = viewer.packets[20]
        viewer.nack(viewer.sequence()[20])
        await until(lambda: viewer.sequence(103))
        again = viewer.packets[-1]
        assert again[12:14] == lost[2:4]
        assert again[14:] == lost[12:]
        assert again[4:8] == lost[4:8]
        assert again[1] & 128 == lost[1] & 128
        assert int.from_bytes(again[8:12], "big") == viewer.ssrcs[1]
        assert scene.engine.viewers()[0].nacks == 1


def settled(scene: Scene, viewer: LeanViewer) -> None:
    """Let ``viewer`` have been there for a while and know the round trip."""
    known = scene.engine._viewers[viewer.id]
    known.born -= 60
    known.echoed = 0


async def test_who_loses_the_retransmission_too_is_sent_two(scene: Scene) -> None:
    scene.push(key=True)
    async with LeanViewer() as viewer:
        await scene.join(viewer)
        settled(scene, viewer)
        scene.push(count=10)
        await until(lambda: len(viewer.packets) == 33)
        viewer.nack(viewer.sequence()[20])
        await until(lambda: len(viewer.sequence(103)) == 1)

        def asked_again() -> bool:
            # Too soon at first: what was sent may be on its way.
            viewer.nack(viewer.sequence()[20])
            return len(viewer.sequence(103)) > 1

        await until(asked_again)
        assert scene.engine.counters()["retransmissions"] % 2 == 1
        await until(lambda: len(viewer.sequence(103)) == scene.engine.counters()["retransmissions"])
        assert len({packet[12:] for packet in viewer.packets if packet[1] & 127 == 103}) == 1


async def test_a_packet_on_its_way_is_not_sent_again(scene: Scene) -> None:
    scene.push(key=True)
    async with LeanViewer() as viewer:
        await scene.join(viewer)
        settled(scene, viewer)
        scene.push(count=10)
        await until(lambda: len(viewer.packets) == 33)
        viewer.nack(*[viewer.sequence()[20]] * 40)
        await until(lambda: scene.engine.viewers()[0].nacks == 40)
        await until(lambda: viewer.sequence(103))
        assert scene.engine.counters()["retransmissions"] == 1


async def test_who_cannot_ask_again_soon_is_sent_two_at_once(scene: Scene) -> None:
    scene.push(key=True)
    async with LeanViewer() as viewer:
        await scene.join(viewer)
        await until(lambda: viewer.packets)
        viewer.nack(viewer.sequence()[0])
        await until(lambda: viewer.sequence(103) == [1, 2])
        assert scene.engine.counters()["retransmissions_refused"] == 0


async def test_a_newcomer_that_loses_much_is_sent_all_of_it(scene: Scene) -> None:
    scene.push(key=True, packets=200)
    async with LeanViewer() as viewer:
        await scene.join(viewer)
        await until(lambda: len(viewer.sequence()) == 200)
        viewer.nack(*viewer.sequence())

        def again() -> set[bytes]:
            return {packet[12:14] for packet in viewer.packets if packet[1] & 127 == 103}

        await until(lambda: len(again()) == 200)
        assert scene.engine.counters()["retransmissions_refused"] == 0


async def test_a_viewer_is_told_its_round_trip_and_again_after_a_loss(scene: Scene) -> None:
    scene.push(key=True)
    async with LeanViewer() as viewer:
        await scene.join(viewer)
        await until(lambda: viewer.packets)

        def echoes() -> list[int]:
            found = [report[-24:] for report in viewer.reports if report[-24:][1] == 207]
            assert all(struct.unpack("!I", report[12:16]) == (7,) for report in found)
            return [int.from_bytes(report[16:20], "big") for report in found]

        def tell(clock: int) -> None:
            block = struct.pack("!BBHQ", 4, 0, 2, clock << 16)
            viewer.send_rtcp(struct.pack("!BBHI", 0x80, 207, 4, 7) + block)

        tell(1)
        await until(lambda: echoes() == [1])
        tell(2)
        tell(3)
        viewer.nack(viewer.sequence()[0])
        tell(4)
        await until(lambda: echoes() == [1, 4])


async def test_without_rtx_the_very_same_packet_comes_again(scene: Scene) -> None:
    scene.push(key=True)
    async with LeanViewer() as viewer:
        viewer.lose = lambda data: data[12] == 0 or viewer.sequence() == []
        await scene.join(viewer, rtx=False)
        raw: list[bytes] = []
        viewer.lose = lambda data: raw.append(data) is None
        scene.push(count=3)
        await until(lambda: len(raw) == 9)
        viewer.nack(int.from_bytes(raw[4][2:4], "big"))
        await until(lambda: len(raw) == 11)
        assert raw[9] == raw[10] == raw[4], "the same bytes under the same key and number"


async def test_resends_are_bounded(scene: Scene) -> None:
    scene.push(key=True)
    async with LeanViewer() as viewer:
        await scene.join(viewer)
        scene.push(count=100, packets=10)
        await until(lambda: len(viewer.packets) == 1003)
        numbers = viewer.sequence()
        begun = time.monotonic()
        for start in range(0, 1000, 200):
            viewer.nack(*numbers[start : start + 200])
        await until(lambda: scene.engine.viewers()[0].nacks == 1000)
        passed = time.monotonic() - begun
        counters = scene.engine.counters()
        assert counters["retransmissions_refused"] > 0
        most = feedback.RESENDS_BURST + feedback.RESENDS_PER_SECOND * (passed + 1)
        assert 0 < counters["retransmissions"] <= most


async def test_nonsense_nacks_are_refused(scene: Scene) -> None:
    scene.push(key=True)
    async with LeanViewer() as viewer:
        await scene.join(viewer)
        await until(lambda: viewer.packets)
        viewer.nack(viewer.sequence()[-1] + 500 & 0xFFFF, viewer.sequence()[0] - 5 & 0xFFFF)
        await until(lambda: scene.engine.counters()["retransmissions_refused"] == 2)
        assert not viewer.sequence(103)


async def test_picture_loss_is_answered_from_the_cache_once_a_second(scene: Scene) -> None:
    scene.push(key=True, packets=20)
    async with LeanViewer() as viewer:
        await scene.join(viewer)
        await until(lambda: len(viewer.packets) == 20)
        for _ in range(10):
            viewer.send_rtcp(struct.pack("!BBHII", 0x81, 206, 2, 7, viewer.ssrcs[0]))
        await until(lambda: scene.engine.counters()["picture_losses"] == 10)
        await until(lambda: len(viewer.sequence(103)) >= 20)
        assert scene.engine.counters()["refreshes"] <= 2


async def test_reports_and_the_goodbye_arrive(scene: Scene) -> None:
    scene.push(key=True)
    async with LeanViewer() as viewer:
        await scene.join(viewer)
        await until(lambda: viewer.reports)
        report = viewer.reports[0]
        assert report[1] == 200
        assert int.from_bytes(report[4:8], "big") == viewer.ssrcs[0]
        assert int.from_bytes(report[20:24], "big") == 3
        assert scene.engine.stop(viewer.id, "Stopped by user")
        assert not scene.engine.stop(viewer.id, "Stopped by user")
        assert viewer.ended == (PlayEnd.STOPPED, "Stopped by user")
        await until(lambda: b"\x81\xcb" in viewer.reports[-1])


async def test_a_viewer_that_moves_is_followed(scene: Scene) -> None:
    scene.push(key=True)
    async with LeanViewer() as viewer:
        await scene.join(viewer)
        await until(lambda: len(viewer.packets) == 3)
        viewer.move()
        viewer.check()
        await until(lambda: scene.engine.counters()["stun_checks"] == 2)
        scene.push(count=2)
        await until(lambda: len(viewer.packets) == 9)


async def test_a_stranger_moves_nobody(scene: Scene) -> None:
    scene.push(key=True)
    async with LeanViewer() as viewer, LeanViewer() as stranger:
        await scene.join(viewer)
        stranger.ufrag, stranger.password = viewer.ufrag, "guessedguessedguessedgue"
        stranger.server = viewer.server
        stranger.check()
        await until(lambda: scene.engine.counters()["stun_rejects"] == 1)
        stranger.send(b"\x80\xc9\x00\x01" + bytes(40))
        stranger.send(b"\x16" + bytes(40))
        await until(lambda: scene.engine.counters()["strays"] == 2)
        scene.push()
        await until(lambda: len(viewer.packets) == 6)


@pytest.mark.slow
async def test_a_viewer_that_says_goodbye_is_gone_soon(scene: Scene) -> None:
    async with LeanViewer() as viewer:
        await scene.join(viewer)
        scene.push(key=True)
        await until(lambda: len(viewer.packets) == 3)
        viewer.dtls.shutdown()
        viewer.send(viewer.dtls.bio_read(2000))
        await until(lambda: scene.engine.counters()["pauses"] == 1)
        await until(lambda: viewer.ended)
        assert viewer.ended == (PlayEnd.STOPPED, "Stopped by user")


async def test_an_alert_in_a_viewers_name_does_not_end_it(scene: Scene) -> None:
    async with LeanViewer() as viewer:
        await scene.join(viewer)
        scene.push(key=True)
        await until(lambda: len(viewer.packets) == 3)
        viewer.send(b"\x15\xfe\xfd" + bytes(24))
        await until(lambda: scene.engine.counters()["pauses"] == 1)
        (known,) = scene.engine._viewers.values()
        before = known.ice.checked
        viewer.nack(viewer.sequence()[0])
        await until(lambda: known.ice.checked > before + 1)
        scene.push()
        await until(lambda: contiguous(viewer.sequence()) and len(viewer.sequence()) == 6)
        assert not viewer.ended


@pytest.mark.slow
async def test_a_silent_viewer_is_paused_and_then_forgotten() -> None:
    settings = EngineSettings(bind=("127.0.0.1",), silence_pause=0.4, consent_timeout=2.0)
    async with Scene(settings) as scene, LeanViewer() as viewer:
        scene.push(key=True)
        await scene.join(viewer)
        await until(lambda: scene.engine.counters()["pauses"] == 1)
        scene.push(count=5)
        viewer.check()
        await until(lambda: len(viewer.packets) == 18)
        scene.push()
        await until(lambda: len(viewer.packets) == 21)
        assert contiguous(viewer.sequence()), "nothing is lost by a short silence"
        await until(lambda: viewer.ended)
        assert viewer.ended == (PlayEnd.FAILED, "Failed by ICE keep alive")


@pytest.mark.parametrize(
    ("steps", "info"), [(0, "Failed by ICE timeout"), (1, "Failed by DTLS error")]
)
async def test_a_handshake_that_never_ends_is_dropped(steps: int, info: str) -> None:
    settings = EngineSettings(bind=("127.0.0.1",), handshake_timeout=0.3)
    async with Scene(settings) as scene, LeanViewer() as viewer:
        viewer.play(scene.engine, "yard")
        if steps:
            viewer.check()
        await until(lambda: viewer.ended)
        assert viewer.ended == (PlayEnd.FAILED, info)


async def test_a_thousand_connects_that_never_finish_leave_nothing() -> None:
    settings = EngineSettings(bind=("127.0.0.1",), handshake_timeout=1.5, max_viewers=1000)
    async with Scene(settings) as scene:
        ends: list[str] = []
        viewers = [LeanViewer() for _ in range(50)]
        for number in range(1000):
            viewer = viewers[number % 50]
            viewer.id = str(number)
            viewer._end = lambda _how, info: ends.append(info)  # type: ignore[method-assign]
            viewer.play(scene.engine, "yard")
            if number % 3:
                viewer.check()
            if number % 3 == 2:
                viewer.send(b"\x16\xfe\xfd" + os.urandom(60))
        viewers[0].id = "one more"
        with pytest.raises(PlayRefused, match="at most"):
            viewers[0].play(scene.engine, "yard")
        await until(lambda: len(ends) == 1000, within=20)
        engine = scene.engine
        assert not engine.viewers()
        assert not engine._streams["yard"].viewers
        assert not engine._entrance._by_ufrag
        assert not engine._entrance._by_address
        assert not engine._entrance._queue
        for viewer in viewers:
            viewer.close()


async def test_another_certificate_is_refused(scene: Scene) -> None:
    async with LeanViewer() as viewer:
        ends: list[tuple[PlayEnd, str]] = []
        answer = scene.engine.play(
            stream="yard",
            media_session_id="wrong",
            offer=offer(make_certificate().fingerprint),
            on_end=lambda how, info: ends.append((how, info)),
        )
        viewer.ufrag = answer.split("ice-ufrag:")[1].split("\r")[0]
        viewer.password = answer.split("ice-pwd:")[1].split("\r")[0]
        viewer.server = ("127.0.0.1", scene.engine.port)
        viewer.begin()
        await until(lambda: ends)
        assert ends == [(PlayEnd.FAILED, "Failed by DTLS fingerprint error")]


async def test_refusals_say_why(scene: Scene) -> None:
    viewer = LeanViewer()
    scene.engine.publish("dark")
    with pytest.raises(ValueError, match="published already"):
        scene.engine.publish("dark")
    for stream, info in (("nowhere", "Stream not found"), ("dark", "Publish stream is not ready")):
        with pytest.raises(PlayRefused) as refused:
            viewer.play(scene.engine, stream)
        assert refused.value.info == info
    viewer.play(scene.engine, "yard")
    with pytest.raises(PlayRefused) as refused:
        viewer.play(scene.engine, "yard")
    assert refused.value.info == "MediaSessionId is already in use"
    assert scene.engine.counters()["plays_refused"] == 3
    viewer.close()


async def test_an_end_is_told_even_when_the_listener_fails(scene: Scene) -> None:
    def fails(_how: PlayEnd, _info: str) -> None:
        raise RuntimeError("a caller's mistake")

    async with LeanViewer() as first, LeanViewer() as second:
        first._end = fails  # type: ignore[method-assign]
        first.play(scene.engine, "yard")
        second.play(scene.engine, "yard")
        scene.engine.unpublish("yard", "Stopped by publisher stop")
        assert second.ended == (PlayEnd.STOPPED, "Stopped by publisher stop")
        assert not scene.engine.viewers()
        assert not scene.engine.streams()


async def test_viewers_that_cannot_play_the_new_codec_are_told(scene: Scene) -> None:
    scene.push(key=True)
    async with LeanViewer() as viewer:
        await scene.join(viewer)
        scene.sink.format(VideoFormat(VideoCodec.H265), None)
        assert viewer.ended == (PlayEnd.FAILED, "No common codecs")
        with pytest.raises(PlayRefused, match=r"H\.265"):
            viewer.play(scene.engine, "yard")


async def test_sound_has_its_own_numbers(scene: Scene) -> None:
    scene.sink.format(H264, AudioCodec.PCMU)
    scene.push(key=True)
    async with LeanViewer() as viewer:
        await scene.join(viewer)
        for number in range(5):
            scene.sink.audio(AudioPacket(number * 160, bytes(160), time.monotonic()))
        await until(lambda: len(viewer.sequence(0)) == 5)
        assert contiguous(viewer.sequence(0))
        assert contiguous(viewer.sequence())
        await until(lambda: len({report[4:8] for report in viewer.reports}) == 2)
        scene.sink.format(H264, AudioCodec.PCMA)
        scene.sink.audio(AudioPacket(0, bytes(160), time.monotonic()))
        scene.push()
        await until(lambda: len(viewer.sequence()) == 6)
        assert len(viewer.sequence(0)) == 5, "it was promised PCMU"


async def test_a_frame_that_breaks_the_contract_is_left_out(scene: Scene) -> None:
    scene.push(key=True)
    async with LeanViewer() as viewer:
        await scene.join(viewer)
        for payloads in ([], [bytes(1201)], [b"x"] * 5000):
            scene.sink.frame(VideoFrame(0, payloads, key=False, arrival=time.monotonic()))
        scene.sink.audio(AudioPacket(0, b"", time.monotonic()))
        assert scene.engine.counters()["frames_refused"] == 4
        scene.push(packets=300)
        await until(lambda: len(viewer.packets) == 303)
        assert contiguous(viewer.sequence())


async def test_only_what_a_newcomer_was_sent_is_kept_ready(scene: Scene) -> None:
    scene.push(key=True)
    scene.push()
    frames = scene.engine._streams["yard"].history._frames
    async with LeanViewer() as viewer:
        await scene.join(viewer)
        await until(lambda: len(viewer.packets) == 6)
        scene.push(count=3)
        await until(lambda: len(viewer.packets) == 15)
        assert [len(frame.batches) for frame in frames] == [1, 1, 0, 0, 0]


async def test_hostile_datagrams_change_nothing(scene: Scene) -> None:
    scene.push(key=True)
    async with LeanViewer() as viewer:
        await scene.join(viewer)
        await until(lambda: len(viewer.packets) == 3)
        for number in range(2000):
            first = (0, 1, 20, 22, 63, 100, 128, 129, 200)[number % 9]
            body = os.urandom(number % 300)
            viewer.send(bytes((first,)) + body)
            if number % 9 == 8:
                viewer.send(b"\x81\xcd" + body)
                viewer.send_rtcp(b"\x81\xcd\x00\x01" + body + bytes(8))
                await asyncio.sleep(0)
        viewer.check()
        scene.push()
        await until(lambda: len(viewer.sequence()) == 6)
        assert viewer.ended is None
        assert len(scene.engine.viewers()) == 1


async def test_the_numbers_are_told(scene: Scene) -> None:
    scene.push(key=True)
    async with LeanViewer() as viewer:
        await scene.join(viewer)
        await until(lambda: len(viewer.packets) == 3)
        counters = scene.engine.counters()
        assert (counters["packets"], counters["viewers"], counters["handshakes"]) == (3, 1, 1)
        assert counters["bytes"] == 3 * (12 + 100 + 16)
        (stream,) = scene.engine.streams()
        assert (stream.name, stream.live, stream.frames, stream.viewers) == ("yard", True, 1, 1)
        newest = scene.engine.key_frame("yard")
        assert newest is not None
        assert newest[1].key
        assert scene.engine.key_frame("nowhere") is None


def link_of(scene: Scene, viewer: LeanViewer) -> UdpSocket:
    link = scene.engine._viewers[viewer.id].link
    assert link is not None
    return link


async def test_a_full_send_buffer_loses_nothing(scene: Scene) -> None:
    scene.push(key=True)
    async with LeanViewer() as first, LeanViewer() as second:
        await scene.join(first)
        await scene.join(second)
        await until(lambda: len(first.packets) == len(second.packets) == 3)
        link = link_of(scene, first)
        truly, calls = link.sendmsg, iter(range(100))

        def sometimes_full(*arguments: object) -> int:
            if next(calls) % 3 == 1:
                raise BlockingIOError
            return truly(*arguments)  # type: ignore[arg-type]

        link.sendmsg = sometimes_full
        for _ in range(5):
            scene.push(packets=30)
            await asyncio.sleep(0)
        await until(lambda: len(first.packets) == len(second.packets) == 153)
        assert contiguous(first.sequence())
        assert contiguous(second.sequence())
        counters = scene.engine.counters()
        assert counters["held"] > 0
        assert (counters["drops"], counters["backlog_bytes"]) == (0, 0)


async def test_when_too_much_waits_viewers_skip_to_the_next_key_frame(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.push(key=True)
    async with LeanViewer() as viewer:
        await scene.join(viewer)
        await until(lambda: len(viewer.packets) == 3)
        monkeypatch.setattr(udp, "_BACKLOG_BYTES", 10_000)
        link = link_of(scene, viewer)
        truly = link.sendmsg

        def full(*_: object) -> int:
            raise BlockingIOError

        link.sendmsg = full
        scene.push(count=60)
        link.sendmsg = truly
        counters = scene.engine.counters()
        assert counters["drops"] == 1
        assert 10_000 < counters["backlog_bytes"] < 12_000
        await until(lambda: scene.engine.counters()["backlog_bytes"] == 0)
        scene.push(count=2)
        scene.push(key=True)
        scene.push()
        last = scene.engine._streams["yard"].video.next - 1 & 0xFFFF
        await until(lambda: viewer.sequence()[-1] == last)
        numbers = viewer.sequence()
        jumps = [b - a & 0xFFFF for a, b in itertools.pairwise(numbers)]
        assert sum(jump > 1 for jump in jumps) == 1
        place = next(index for index, jump in enumerate(jumps) if jump > 1)
        assert viewer.packets[place + 1][12] == 0x65


async def test_a_device_that_cannot_segment_is_served_packet_by_packet(scene: Scene) -> None:
    scene.push(key=True)
    async with LeanViewer() as first, LeanViewer() as second:
        await scene.join(first)
        await scene.join(second)
        await until(lambda: len(first.packets) == len(second.packets) == 3)
        link = link_of(scene, first)
        truly = link.sendmsg

        def no_checksums(*arguments: object) -> int:
            if arguments[1]:
                raise OSError(errno.EIO, "the device cannot")
            return truly(*arguments)  # type: ignore[arg-type]

        link.sendmsg = no_checksums
        assert scene.engine.counters()["segmentation"] == 1
        scene.push(count=3, packets=30)
        await until(lambda: len(first.packets) == len(second.packets) == 93)
        assert contiguous(first.sequence())
        counters = scene.engine.counters()
        # Both slices of the first frame had been cut already.
        assert (counters["segmentation"], counters["send_errors"], counters["drops"]) == (0, 2, 0)


async def test_a_viewer_without_a_route_disturbs_nobody(scene: Scene) -> None:
    scene.push(key=True)
    async with LeanViewer() as first, LeanViewer() as second:
        await scene.join(first)
        await scene.join(second)
        await until(lambda: len(first.packets) == len(second.packets) == 3)
        # A broadcast address: the kernel refuses to send there.
        scene.engine._viewers[first.id].address = ("255.255.255.255", 9)
        scene.push(count=5)
        await until(lambda: len(second.packets) == 18)
        assert scene.engine.counters()["drops"] == 1
        first.check()
        await until(lambda: scene.engine._viewers[first.id].address != ("255.255.255.255", 9))
        scene.push(key=True)
        await until(lambda: len(first.packets) == 6)
