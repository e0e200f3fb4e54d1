"""An office whose firewall lets no UDP through: a network namespace with a browser in it."""

import asyncio
import contextlib
import os
import secrets
import shlex
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from playwright.async_api import Browser, async_playwright

from tests.e2e.browser import CHROMIUM, FLAGS, window
from tests.waiting import until

POSSIBLE = os.geteuid() == 0 and all(map(shutil.which, ("ip", "iptables", "nsenter")))

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


@dataclass(frozen=True, slots=True)
class Office:
    """The namespace ``name``; ``outside`` is this machine's address as seen from there."""

    name: str
    outside: str

    def dropped(self) -> int:
        """Return how many UDP packets the firewall has stopped."""
        listed = _run(*self._inside(), "iptables", "-nvxL")
        rows = [line.split() for line in listed.splitlines() if " DROP " in line]
        return sum(int(row[0]) for row in rows)

    def close(self) -> None:
        """Let no UDP through in either direction."""
        for chain in ("INPUT", "OUTPUT"):
            _run(*self._inside(), "iptables", "-A", chain, "-p", "udp", "-j", "DROP")

    @asynccontextmanager
    async def chromium(self, folder: Path) -> AsyncIterator[Browser]:
        """Start a browser inside; ``folder`` takes the script that does it."""
        start = folder / "chromium"
        start.write_text(f'#!/bin/sh\nexec {shlex.join(self._inside())} {CHROMIUM} "$@"\n')
        start.chmod(0o755)
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=start, args=[*FLAGS])
            try:
                yield browser
            finally:
                await browser.close()

    def _inside(self) -> tuple[str, ...]:
        return ("nsenter", f"--net=/run/netns/{self.name}", "--")


@contextlib.contextmanager
def office() -> Iterator[Office]:
    """Make an office that blocks UDP, with one cable to this machine."""
    number = secrets.randbelow(60_000)
    name, network = f"udp{number}", f"10.98.{number >> 8}.{number & 0xFC}"
    outside, inside = (f"{network.rpartition('.')[0]}.{(number & 0xFC) + end}" for end in (1, 2))
    _run("ip", "netns", "add", name)
    try:
        _run("ip", "link", "add", name, "type", "veth", "peer", "name", "lan", "netns", name)
        _run("ip", "address", "add", f"{outside}/30", "dev", name)
        _run("ip", "link", "set", name, "up")
        _run("ip", "-n", name, "address", "add", f"{inside}/30", "dev", "lan")
        for device in ("lo", "lan"):
            _run("ip", "-n", name, "link", "set", device, "up")
        made = Office(name, outside)
        made.close()
        yield made
    finally:
        # The cable goes with either of its ends, but not before the last process inside has gone.
        _run("ip", "link", "delete", name, check=False)
        _run("ip", "netns", "delete", name)


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


@dataclass(frozen=True, slots=True)
class Relay:
    """A TURN server (coturn) for TCP."""

    address: str
    port: int
    log: Path

    @property
    def url(self) -> str:
        """Its address as browsers write it."""
        return f"turn:{self.address}:{self.port}?transport=tcp"


@asynccontextmanager
async def coturn(address: str, folder: Path, secret: str) -> AsyncIterator[Relay]:
    """Run coturn, which believes logins made with ``secret``."""
    with socket.socket() as probe:
        probe.bind((address, 0))
        port = probe.getsockname()[1]
    relay = Relay(address, port, folder / "turn.log")
    settings = folder / "turn.conf"
    settings.write_text(
        f"listening-ip={address}\nrelay-ip={address}\nlistening-port={port}\nrealm=office\n"
        f"use-auth-secret\nstatic-auth-secret={secret}\nno-cli\nno-tls\nno-dtls\nno-udp\nverbose\n"
        f"pidfile={folder}/turn.pid\nuserdb={folder}/turn.db\nlog-file={relay.log}\nsimple-log\n"
    )
    process = await asyncio.create_subprocess_exec(
        *("turnserver", "-c", str(settings)),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        await until(lambda: _listens(address, port))
        yield relay
    finally:
        process.terminate()
        await process.wait()


def _listens(address: str, port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((address, port)) == 0


def _run(*command: str, check: bool = True) -> str:
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=20)
    assert not check or done.returncode == 0, f"{shlex.join(command)}: {done.stderr}"
    return done.stdout
