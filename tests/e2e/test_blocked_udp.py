"""People behind a firewall that lets no UDP through watch all the same."""

import secrets
import shutil
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest

from gateway.demo.building import DemoBuilding
from tests.e2e.blocked import POSSIBLE, Office, coturn, office
from tests.e2e.browser import CHROMIUM, window
from tests.e2e.company import CREDENTIAL, Company, free_port
from tests.waiting import until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.netns,
    pytest.mark.timeout(120),
    pytest.mark.skipif(not POSSIBLE, reason="only root can make network namespaces"),
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="Debian's Chromium is not installed"),
]

PLAYER = """async ([camera, policy]) => {
  const pc = window.pc = new RTCPeerConnection({bundlePolicy: "max-bundle"});
  const video = document.createElement("video");
  video.muted = video.autoplay = video.playsInline = true;
  document.body.replaceChildren(video);
  pc.addTransceiver("video", {direction: "recvonly"});
  pc.ontrack = ({track}) => { video.srcObject = new MediaStream([track]); };
  const offer = await pc.createOffer();
  const response = await fetch(camera, {
    method: "POST", headers: {"Content-Type": "application/sdp"}, body: offer.sdp,
  });
  if (response.status !== 201) throw new Error(await response.text());
  const iceServers = [...(response.headers.get("Link") ?? "").matchAll(
    /<(turns?:[^>]+)>[^,]*?username="([^"]+)"[^,]*?credential="([^"]+)"/g,
  )].map(([, urls, username, credential]) => ({urls, username, credential}));
  pc.setConfiguration({bundlePolicy: "max-bundle", iceServers, iceTransportPolicy: policy});
  await pc.setLocalDescription(offer);
  await pc.setRemoteDescription({type: "answer", sdp: await response.text()});
}"""

WAY = """async () => {
  const stats = await pc.getStats();
  const all = [...stats.values()];
  const transport = all.find((entry) => entry.type === "transport");
  const pair = stats.get(transport?.selectedCandidatePairId);
  const video = all.find((entry) => entry.type === "inbound-rtp");
  if (!pair || !video) return null;
  return {
    local: stats.get(pair.localCandidateId),
    remote: stats.get(pair.remoteCandidateId),
    frames: video.framesDecoded ?? 0,
  };
}"""


@pytest.fixture
def behind() -> Iterator[Office]:
    with office() as made:
        yield made


@asynccontextmanager
async def house(root: Path, address: str, **settings: Any) -> AsyncIterator[str]:
    """Run a gateway with one live camera; yields the camera's address on ``address``."""
    building = DemoBuilding(credential=CREDENTIAL, discovery_port=None)
    port = free_port()
    company = Company(root, port, settings={"listen": f"0.0.0.0:{port}", **settings})
    try:
        await building.start(1)
        company.write_site("house", building.cameras, media_server={"address": address})
        await company.begin()
        await until(lambda: company.live("house"), within=45)
        yield f"http://{address}:{port}/whep/house/{building.cameras[0].id}"
    finally:
        if company.process is not None:
            await company.end(signal.SIGINT)
        await building.close()


async def watch(inside: Office, url: str, folder: Path, policy: str) -> dict[str, Any]:
    """Play the camera from inside; return the way that the video came, after a second of it."""
    async with inside.chromium(folder) as browser, window(browser) as viewer:
        await viewer.page.goto(urljoin(url, "/healthz"))
        await viewer.page.evaluate(PLAYER, [url, policy])
        found: dict[str, Any] = {}

        async def plays() -> bool:
            found.update(await viewer.page.evaluate(WAY) or {})
            return found.get("frames", 0) > 25

        await until(plays, within=30)
        await viewer.page.evaluate("pc.close()")
    return found


async def test_chromium_plays_by_tcp(behind: Office, tmp_path: Path) -> None:
    async with house(tmp_path / "company", behind.outside) as url:
        way = await watch(behind, url, tmp_path, "all")
        assert way["remote"]["protocol"] == "tcp"
        assert way["remote"]["tcpType"] == "passive"
        assert way["remote"]["address"] == behind.outside
        assert behind.dropped() > 0, "UDP was tried, and stopped"


@pytest.mark.skipif(shutil.which("turnserver") is None, reason="coturn is not installed")
async def test_chromium_plays_through_a_turn_server(
    behind: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = secrets.token_hex(16)
    monkeypatch.setenv("TURN_SECRET", secret)
    async with coturn(behind.outside, tmp_path, secret) as relay:
        servers = [{"urls": [relay.url], "secret": {"env": "TURN_SECRET"}}]
        async with house(tmp_path / "company", behind.outside, ice_servers=servers) as url:
            way = await watch(behind, url, tmp_path, "relay")
            assert way["local"]["candidateType"] == "relay"
            assert way["local"]["relayProtocol"] == "tcp"
            assert way["remote"]["protocol"] == "udp"
