"""What the RTSP output answers, and what it does with clients that misbehave."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mediaserver.outlet import offers, player
from gateway.mediaserver.outlet.names import Place, path_of, place_of
from gateway.mediaserver.outlet.server import MOST_STRANGERS
from gateway.mediaserver.ports import AudioCodec, VideoFrame
from tests.rooms.mediaserver.outlet.conftest import PASSWORD, STREAM, USER, Served, serve
from tests.rooms.mediaserver.outlet.raw import Raw
from tests.waiting import until

LOGIN = (USER, PASSWORD)


@asynccontextmanager
async def client(served: Served, *, known: bool = True) -> AsyncIterator[Raw]:
    raw = await Raw.connect(served.port, served.url(login=""))
    try:
        if known:
            assert (await raw.ask("DESCRIBE")).status == 401
            assert (await raw.ask("DESCRIBE", login=LOGIN)).status == 200
        yield raw
    finally:
        await raw.close()


async def set_up(raw: Raw, track: str = "video", channels: str = "0-1") -> str:
    transport = f"RTP/AVP/TCP;unicast;interleaved={channels}"
    reply = await raw.ask("SETUP", f"{raw.url}/{track}", Transport=transport)
    assert reply.status == 200
    return reply.headers["session"].partition(";")[0]


async def test_a_play_begins_with_the_last_key_frame(served: Served) -> None:
    await until(lambda: served.camera.sent > 30)
    async with client(served) as raw:
        session = await set_up(raw)
        reply = await raw.ask("PLAY", Session=session)
        assert reply.status == 200
        first = int(reply.headers["rtp-info"].partition("seq=")[2].partition(";")[0])
        packets = [data for channel, data in await raw.take(150) if channel == 0]
        numbers = [int.from_bytes(data[2:4], "big") for data in packets]
        assert numbers == [(first + index) & 0xFFFF for index in range(len(numbers))]
        kinds = {data[12] & 0x1F for data in packets[:3]}
        assert kinds & {7, 8, 5, 28}
        assert packets[0][12] & 0x1F == 7
        assert any(channel == 1 for channel, _ in raw.packets)
        assert (await raw.ask("GET_PARAMETER", Session=session)).status == 200
        assert (await raw.ask("TEARDOWN", Session=session)).status == 200
    await until(lambda: not served.feed.players)


async def test_all_players_get_the_same_packets(served: Served) -> None:
    async with client(served) as one, client(served) as two:
        for raw in (one, two):
            await raw.ask("PLAY", Session=await set_up(raw))
        first = {data for channel, data in await one.take(120) if channel == 0}
        second = {data for channel, data in await two.take(120) if channel == 0}
        assert len(first & second) > 20


async def test_sound_has_a_track_of_its_own() -> None:
    async with serve(sound=AudioCodec.PCMU) as served, client(served) as raw:
        await set_up(raw)
        session = await set_up(raw, "audio", "2-3")
        await raw.ask("PLAY", Session=session)
        sound = [data for channel, data in await raw.take(60) if channel == 2]
        assert sound
        assert {data[1] & 0x7F for data in sound} == {0}


@pytest.mark.parametrize(
    ("method", "more", "status"),
    [
        ("OPTIONS", {}, 200),
        ("PLAY", {}, 455),
        ("SETUP", {"Transport": "RTP/AVP;multicast"}, 461),
        ("SETUP", {"Transport": "RTP/AVP/TCP;interleaved=7-7"}, 461),
        ("SETUP", {"Transport": "RTP/AVP;unicast;client_port=0-1"}, 461),
        ("SETUP", {}, 461),
        ("PLAY", {"Session": "another"}, 454),
        ("RECORD", {}, 405),
        ("ANNOUNCE", {}, 405),
    ],
)
async def test_what_cannot_be_is_refused(
    served: Served, method: str, more: dict[str, str], status: int
) -> None:
    async with client(served) as raw:
        url = f"{raw.url}/video" if method == "SETUP" else raw.url
        assert (await raw.ask(method, url, **more)).status == status
        assert (await raw.ask("DESCRIBE")).status == 200


async def test_nothing_but_options_is_open(served: Served) -> None:
    async with client(served, known=False) as raw:
        assert (await raw.ask("OPTIONS")).status == 200
        for method in ("DESCRIBE", "SETUP", "PLAY", "GET_PARAMETER", "TEARDOWN"):
            assert (await raw.ask(method)).status == 401


async def test_a_proof_is_good_for_one_connection(served: Served) -> None:
    async with client(served) as one, client(served, known=False) as two:
        await two.ask("DESCRIBE")
        two.nonce = one.nonce
        reply = await two.ask("DESCRIBE", login=LOGIN)
        assert reply.status == 401
        assert "stale=true" in reply.headers["www-authenticate"]
        assert (await two.ask("DESCRIBE", login=LOGIN)).status == 200


async def test_whoever_guesses_is_shown_the_door(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.mediaserver.outlet.door._WRONG_S", 0.0)
    tries = 0
    while True:
        async with client(served, known=False) as raw:
            await raw.ask("DESCRIBE")
            reply = await raw.ask("DESCRIBE", login=(USER, f"guess {tries}"))
        tries += 1
        if reply.status == 403:
            break
    assert 5 < tries < 15


async def test_strangers_cannot_crowd_friends_out(served: Served) -> None:
    async with client(served) as friend:
        crowd = [await Raw.connect(served.port, "") for _ in range(MOST_STRANGERS)]
        late = await Raw.connect(served.port, "")
        await late.closed()
        assert (await friend.ask("DESCRIBE")).status == 200
        for raw in [*crowd, late]:
            await raw.close()
    async with client(served):
        pass


async def test_a_slow_client_loses_frames_and_then_its_place(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.mediaserver.outlet.carriers.MOST_WAITING", 50_000)
    monkeypatch.setattr(player, "LATE_S", 1.0)
    async with client(served) as quick, client(served) as slow:
        for raw in (quick, slow):
            await raw.ask("PLAY", Session=await set_up(raw))
        slow.writer.transport.pause_reading()
        reading = asyncio.ensure_future(quick.drain())
        payloads = [b"\x65" + bytes(1000)] * 100

        def push() -> bool:
            now = time.monotonic()
            served.feed.frame(
                VideoFrame(int(now * 90_000) & 0xFFFFFFFF, payloads, key=True, arrival=now)
            )
            return served.feed.players == 1

        try:
            await until(push, within=30)
            assert not reading.done()
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)


async def test_players_wait_for_a_lost_camera(served: Served) -> None:
    async with client(served) as raw:
        await raw.ask("PLAY", Session=await set_up(raw))
        await raw.take(20)
        served.feed.lost("unplugged")
        count = len(raw.packets)
        more = [data for channel, data in (await raw.take(count + 60))[count:] if channel == 0]
        # What follows begins with a key frame: a parameter set comes first.
        assert any(data[12] & 0x1F == 7 for data in more)


async def test_a_stream_that_ends_hangs_up(served: Served) -> None:
    async with client(served) as raw:
        await raw.ask("PLAY", Session=await set_up(raw))
        await raw.take(5)
        served.outlet.unpublish(STREAM)
        await raw.closed()


async def test_a_camera_that_is_not_there_yet_is_waited_for(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.mediaserver.outlet.session._DESCRIBE_S", 0.1)
    served.outlet.publish("dark")
    async with client(served) as raw:
        dark = raw.url.replace(STREAM, "dark")
        assert (await raw.ask("DESCRIBE", dark)).status == 503
        assert (await raw.ask("DESCRIBE", raw.url.replace(STREAM, "nobody"))).status == 404


HOSTILE = st.one_of(
    st.binary(max_size=400),
    st.lists(
        st.sampled_from(
            [
                b"DESCRIBE rtsp://x/a RTSP/1.0\r\n",
                b"SETUP * RTSP/1.0\r\n",
                b"PLAY",
                b"\r\n",
                b"CSeq: 1\r\n",
                b"CSeq: -1\r\n",
                b"CSeq: 99999999999999999999\r\n",
                b"Content-Length: 99999999\r\n",
                b"Content-Length: -5\r\n",
                b"Content-Type: application/sdp\r\n",
                b'Authorization: Digest username="recorder", nonce="", response=""\r\n',
                b"Authorization: Basic cmVjb3JkZXI6eA==\r\n",
                b"Transport: RTP/AVP/TCP;interleaved=-1-99999\r\n",
                b"Session: \xff\xfe\r\n",
                b"$\x00\xff\xff",
                b"$\x00\x00\x04abcd",
                b"A" * 3000,
                b"RTSP/1.0 200 OK\r\n",
            ]
        ),
        max_size=30,
    ).map(b"".join),
)


async def test_nothing_hostile_harms_the_others(served: Served) -> None:
    async with client(served) as friend:
        await friend.ask("PLAY", Session=await set_up(friend))

        @given(HOSTILE)
        def collect(data: bytes) -> None:
            lumps.append(data)

        lumps: list[bytes] = []
        await asyncio.to_thread(collect)
        for data in lumps:
            raw = await Raw.connect(served.port, "")
            raw.writer.write(data)
            raw.writer.write_eof()
            await raw.closed()
            await raw.close()
        before = len(friend.packets)
        await friend.take(before + 20)
    async with client(served):
        pass


@given(st.text(max_size=300))
def test_no_transport_header_breaks_anything(header: str) -> None:
    for offer in offers.offers(header):
        if offer.pair is not None:
            most = 255 if offer.tcp else 65535
            assert all(0 <= number <= most for number in offer.pair)


@given(st.text(max_size=300))
def test_no_address_breaks_anything(uri: str) -> None:
    place_of(uri)


@given(st.text(min_size=1, max_size=60).filter(lambda name: name.isprintable()))
def test_a_streams_address_names_it(stream: str) -> None:
    assert place_of(f"rtsp://host:1{path_of(stream)}") == Place(stream)
    assert place_of(f"rtsp://host:1{path_of(stream)}/video") == Place(stream, "video")
