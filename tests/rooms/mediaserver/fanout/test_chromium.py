"""A real Chromium decodes what the engine sends."""

import re
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright

from gateway.mediaserver.fanout.engine import EngineSettings, WebRtcEngine
from gateway.mediaserver.ports import AudioCodec, PlayEnd
from tests.rooms.mediaserver.fanout.pretend import Feed, PretendCamera
from tests.rooms.mediaserver.fanout.relay import LossyRelay
from tests.waiting import until

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

PLAYER = """async (sound) => {
  const pc = window.pc = new RTCPeerConnection();
  const video = document.createElement("video");
  video.muted = video.autoplay = video.playsInline = true;
  document.body.replaceChildren(video);
  if (sound) pc.addTransceiver("audio", {direction: "recvonly"});
  pc.addTransceiver("video", {direction: "recvonly"});
  pc.ontrack = (event) => { video.srcObject = event.streams[0]; };
  const first = new Promise((shown) => video.requestVideoFrameCallback(shown));
  await pc.setLocalDescription(await pc.createOffer());
  const begun = performance.now();
  await pc.setRemoteDescription({type: "answer", sdp: await play(pc.localDescription.sdp)});
  await first;
  return performance.now() - begun;
}"""

STATS = """async () => {
  const found = {};
  const stats = await pc.getStats();
  for (const entry of stats.values()) {
    if (entry.type === "inbound-rtp") found[entry.kind] = entry;
    if (entry.type === "transport") found.transport = entry;
  }
  const pair = stats.get(found.transport?.selectedCandidatePairId);
  if (pair) found.remote = stats.get(pair.remoteCandidateId);
  return found;
}"""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Debian's Chromium is not installed"),
]


@asynccontextmanager
async def page(play: Callable[[str], Awaitable[str]]) -> AsyncIterator[Page]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        made = await browser.new_page()
        await made.expose_function("play", play)
        try:
            yield made
        finally:
            await browser.close()


class Site:
    """An engine with one stream, and how its plays have ended."""

    def __init__(self) -> None:
        self.engine = WebRtcEngine(EngineSettings(bind=("127.0.0.1",)))
        self.ends: list[tuple[PlayEnd, str]] = []
        self.way: Callable[[str], str] = str

    async def play(self, offer: str) -> str:
        answer = self.engine.play(
            stream="yard",
            media_session_id=str(uuid.uuid4()),
            offer=offer,
            on_end=lambda how, info: self.ends.append((how, info)),
        )
        return self.way(answer)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    made = Site()
    await made.engine.start()
    yield made
    await made.engine.close()


async def stats(shown: Page, kind: str) -> dict[str, Any]:
    found: dict[str, Any] = (await shown.evaluate(STATS)).get(kind, {})
    return found


async def reached(shown: Page, kind: str, name: str, least: int) -> bool:
    return bool((await stats(shown, kind)).get(name, 0) >= least)


async def test_chromium_plays_with_sound_and_leaves(site: Site) -> None:
    sink = site.engine.publish("yard")
    camera = PretendCamera(width=640, height=360, gop=50, kilobits=1500)
    async with Feed(sink, camera, sound=AudioCodec.PCMA) as feed, page(site.play) as shown:
        await until(lambda: feed.sent > 10)
        for _ in range(3):
            # The GOP is two seconds long: without the cache the picture would wait for its end.
            assert await shown.evaluate(PLAYER, True) < 1000  # noqa: FBT003  # a page's argument
            await until(lambda: site.engine.counters()["viewers_connected"] == 1)
            await shown.evaluate("pc.getStats()")
            transport = await stats(shown, "transport")
            assert transport["srtpCipher"] == "SRTP_AEAD_AES_128_GCM"
            await until(lambda: reached(shown, "audio", "totalSamplesReceived", 4000))
            video = await stats(shown, "video")
            assert video["framesDecoded"] > 10
            assert video["packetsLost"] == 0
            await shown.evaluate("pc.close()")
            await until(lambda: not site.engine.viewers())
        assert site.ends == [(PlayEnd.STOPPED, "Stopped by user")] * 3


def only_tcp(answer: str) -> str:
    """Return ``answer`` without its UDP candidates."""
    return re.sub(r"a=candidate:\d+ 1 udp [^\r]*\r\n", "", answer)


async def test_chromium_plays_by_tcp_when_there_is_no_udp(site: Site) -> None:
    sink = site.engine.publish("yard")
    camera = PretendCamera(width=640, height=360, gop=50, kilobits=1500)
    site.way = only_tcp
    async with Feed(sink, camera, sound=AudioCodec.PCMA) as feed, page(site.play) as shown:
        await until(lambda: feed.sent > 10)
        for _ in range(2):
            assert await shown.evaluate(PLAYER, True) < 1000  # noqa: FBT003  # a page's argument
            await until(lambda: reached(shown, "video", "framesDecoded", 100), within=20)
            used = await stats(shown, "remote")
            assert used["protocol"] == "tcp"
            assert used["tcpType"] == "passive"
            assert site.engine.counters()["tcp_connections"] >= 1
            await shown.evaluate("pc.close()")
            await until(lambda: not site.engine.viewers())
            assert site.engine.counters()["tcp_connections"] == 0
    assert site.ends == [(PlayEnd.STOPPED, "Stopped by user")] * 2


async def test_chromium_prefers_udp(site: Site) -> None:
    sink = site.engine.publish("yard")
    async with Feed(sink, PretendCamera()), page(site.play) as shown:
        await until(lambda: site.engine.key_frame("yard"))
        await shown.evaluate(PLAYER, False)  # noqa: FBT003  # a page's argument
        await until(lambda: reached(shown, "video", "framesDecoded", 25))
        assert (await stats(shown, "remote"))["protocol"] == "udp"


async def test_chromium_gets_back_what_the_network_loses(site: Site) -> None:
    sink = site.engine.publish("yard")
    camera = PretendCamera(width=640, height=360, gop=50, kilobits=1500)
    async with (
        Feed(sink, camera) as feed,
        LossyRelay(site.engine.port, loss=0.05) as relay,
        page(site.play) as shown,
    ):
        site.way = relay.through
        await until(lambda: feed.sent > 10)
        await shown.evaluate(PLAYER, False)  # noqa: FBT003  # a page's argument
        first, sent = await stats(shown, "video"), feed.sent
        await until(lambda: feed.sent > sent + 150)
        video = await stats(shown, "video")
        assert relay.lost > 20
        assert video["framesDecoded"] - first["framesDecoded"] > 120
        assert video["retransmittedPacketsReceived"] > 0.8 * relay.lost
        viewer = next(iter(site.engine._viewers.values()))
        assert viewer.echoed > 0, "Chromium tells its clock, and learns the round trip by it"
        assert video["pliCount"] == 0


async def test_chromium_plays_on_when_the_camera_is_back(site: Site) -> None:
    sink = site.engine.publish("yard")
    async with page(site.play) as shown:
        async with Feed(sink, PretendCamera(), stamp=4_294_000_000):
            await until(lambda: site.engine.key_frame("yard"))
            await shown.evaluate(PLAYER, False)  # noqa: FBT003  # a page's argument
        sink.lost("Failed by RTP activity")
        before = (await stats(shown, "video"))["framesDecoded"]
        async with Feed(sink, PretendCamera(seed=2), stamp=17):
            await until(lambda: reached(shown, "video", "framesDecoded", before + 25))
        assert site.ends == []
