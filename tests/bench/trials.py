"""What a person notices: how soon a picture comes, and what trouble does to it."""

import asyncio
import contextlib
import json
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path

import aiohttp
from playwright.async_api import Page

from tests.bench import camera, chromium, load, ours, place
from tests.bench.peer import decoded, window
from tests.bench.report import Bar
from tests.e2e.browser import CHROMIUM
from tests.e2e.browser import chromium as browser
from tests.rooms.mediaserver.fanout.relay import LossyRelay
from tests.waiting import until

LOCAL = "127.0.0.1"
GOP_S = 4
OUTAGE_S = 4.0
LOSS = 0.05
SHAPED = "200mbit"
_WATCHED_S = 15.0
_LOSSY_VISITS = 4
"""A freeze that comes once a minute is not seen in one visit of 15 seconds."""
_TRIAL_S = 240.0
_CROWD = 50


async def run(host: str, *, starts: int) -> AsyncIterator[list[Bar]]:
    """Make all trials that this machine can do; one that fails does not cost the others."""
    if shutil.which(CHROMIUM):
        for what, trial in (
            ("Chromium from the media server", _direct),
            ("Chromium over a bad way", _lossy),
            ("Chromium through the gateway", _through_gateway),
        ):
            yield await _tried(what, _in_chromium(trial, starts))
    else:
        yield [Bar("first frame in Chromium", "<= 60 ms", "no Chromium here", None)]
    yield await _tried("slow link", _crowded_link(host))
    yield await _tried("camera gone", _outage(host))


async def _tried(what: str, trial: Coroutine[None, None, list[Bar]]) -> list[Bar]:
    try:
        async with asyncio.timeout(_TRIAL_S):
            bars = await trial
    except Exception as error:  # noqa: BLE001  # whatever it is, the other trials are worth making
        reason = (str(error) or type(error).__name__).splitlines()[0]
        bars = [Bar(what, "works", reason, good=False)]
    for bar in bars:
        print(f"  {bar.what}: {bar.seen}", flush=True)
    return bars


async def _in_chromium(
    trial: Callable[[Page, int], Coroutine[None, None, list[Bar]]], starts: int
) -> list[Bar]:
    """Give each trial a browser of its own: one that breaks takes nothing with it."""
    async with browser() as started:
        return await trial(await started.new_page(), starts)


async def _direct(page: Page, starts: int) -> list[Bar]:
    """Play from the media server itself."""
    async with (
        camera.running(LOCAL, 1, gop_s=GOP_S) as cameras,
        ours.running(LOCAL, cameras.urls) as server,
    ):
        await asyncio.sleep(GOP_S)
        times = await _times(page, starts, _play_of(server))
    return [_first_frame("from the media server", times, most_ms=60)]


def _play_of(server: ours.Ours) -> dict[str, str]:
    return {"ws": server.control.ws_url, "stream": "camera-0"}


async def _times(page: Page, starts: int, play: dict[str, str]) -> list[float]:
    times = []
    for _ in range(starts + 1):
        times.append(await chromium.first_frame(page, **play))
        await chromium.leave(page)
    # The first one pays for the browser's own beginnings.
    return times[1:]


def _first_frame(where: str, times: list[float], *, most_ms: int) -> Bar:
    p95 = place.quantile(times, 0.95)
    seen = f"median {place.middle(times):.0f} ms, p95 {p95:.0f} ms of {len(times)}"
    what = f"Chromium, request to first frame, GOP {GOP_S} s, {where} (p95)"
    return Bar(what, f"<= {most_ms} ms", seen, p95 <= most_ms)


async def _lossy(page: Page, _starts: int) -> list[Bar]:
    """Watch over a way that loses five packets of a hundred, a few times, and count freezes."""
    relays: list[LossyRelay] = []
    freezes, frames = [], []
    async with contextlib.AsyncExitStack() as stack:
        cameras = await stack.enter_async_context(camera.running(LOCAL, 1, gop_s=GOP_S))
        server = await stack.enter_async_context(ours.running(LOCAL, cameras.urls))
        await asyncio.sleep(GOP_S)

        async def way(answer: str) -> str:
            port = int(answer.partition(" typ host")[0].rpartition(" ")[2])
            relay = LossyRelay(port, loss=LOSS, seed=len(relays))
            relays.append(await stack.enter_async_context(relay))
            return relay.through(answer)

        await page.expose_function("way", way)
        for _ in range(_LOSSY_VISITS):
            await chromium.first_frame(page, **_play_of(server), way=True)
            await asyncio.sleep(_WATCHED_S)
            seen = await chromium.stats(page)
            await chromium.leave(page)
            freezes.append(seen.get("freezeCount", 0))
            frames.append(seen.get("framesDecoded", 0))
    lost = sum(relay.lost for relay in relays)
    silence = max(relay.longest_silence for relay in relays) * 1000
    return [
        Bar(
            f"Chromium, {LOSS:.0%} random loss, {_LOSSY_VISITS} x {_WATCHED_S:.0f} s: freezes",
            "0",
            f"{sum(freezes)} ({', '.join(map(str, freezes))}; {sum(frames)} frames decoded, "
            f"{lost} packets lost on the way, at most {silence:.0f} ms without any)",
            sum(freezes) == 0 and min(frames) > 0.9 * _WATCHED_S * camera.FPS and lost > 0,
        )
    ]


async def _through_gateway(page: Page, starts: int) -> list[Bar]:
    """Play through the gateway's WHEP, as residents do."""
    async with camera.running(LOCAL, 1, gop_s=GOP_S) as cameras, _gateway(cameras.urls[0]) as base:
        await asyncio.sleep(GOP_S)
        await page.goto(f"{base}/healthz")
        times = await _times(page, starts, {"whep": f"{base}/whep/bench/camera"})
        await page.goto("about:blank")
    return [_first_frame("through the gateway's WHEP", times, most_ms=120)]


@contextlib.asynccontextmanager
async def _gateway(url: str) -> AsyncIterator[str]:
    """Run a gateway with one building of one camera; gives its address."""
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="bench-gateway-"))
    process = None
    try:
        port = _write(folder, url)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gateway", "serve", str(folder / "sites")),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            cwd=place.ROOT,
        )
        base = f"http://{LOCAL}:{port}"
        async with aiohttp.ClientSession() as session:
            await until(lambda: _live(session, base), within=40, every=0.3)
        yield base
    finally:
        await place.end(process)
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def _write(folder: Path, url: str) -> int:
    with socket.socket() as free:
        free.bind((LOCAL, 0))
        port: int = free.getsockname()[1]
    media = 33_000 + os.getpid() % 1000
    company = {
        "listen": f"{LOCAL}:{port}",
        "data_dir": str(folder / "data"),
        "media_servers": {"media_ports": f"{media}-{media + 4}", "keep_on_stop": False},
    }
    site = {
        "name": "Bench",
        "viewing": {"access": "public"},
        "cameras": [{"id": "camera", "name": "Camera", "rtsp": url}],
    }
    (folder / "sites").mkdir()
    for name, content in (("gateway", company), ("bench", site)):
        (folder / "sites" / f"{name}.yaml").write_text(json.dumps(content), encoding="utf-8")
    return port


async def _live(session: aiohttp.ClientSession, base: str) -> bool:
    try:
        async with session.get(f"{base}/api/v1/sites/bench") as answer:
            said = await answer.json()
    except (aiohttp.ClientError, ValueError):
        return False
    return [item["state"] for item in said.get("cameras", [])] == ["live"]


async def _crowded_link(host: str) -> list[Bar]:
    """Send fifty viewers bursts that a slower link has to take one after the other."""
    what, wanted = f"lost packets on a link of {SHAPED}, {_CROWD} viewers", "0"
    if host == LOCAL:
        return [Bar(what, wanted, "needs a namespace of its own", None)]
    async with (
        camera.running(host, 1) as cameras,
        ours.running(host, cameras.urls) as server,
        load.crowd(host) as viewers,
    ):
        for _ in range(_CROWD):
            await load.join(server, viewers, 0)
        with place.shaped(SHAPED) as possible:
            if not possible:
                return [Bar(what, wanted, "no tbf in this kernel", None)]
            await asyncio.sleep(1)
            seen = await window(viewers.peers, 8.0)
    each = seen.packets / seen.seconds / _CROWD
    good = seen.lost == 0 and each > 150
    return [Bar(what, wanted, f"{seen.lost:.2%} ({each:.0f} packets/s each)", good)]


async def _outage(host: str) -> list[Bar]:
    """Take the camera away and bring it back; the same connection must show it again."""
    loop = asyncio.get_running_loop()
    gop_s = 2
    most = OUTAGE_S + 1 + gop_s
    async with (
        camera.running(host, 1, gop_s=gop_s) as cameras,
        ours.running(host, cameras.urls) as server,
        load.crowd(host) as viewers,
    ):
        peer = await load.join(server, viewers, 0)
        await decoded(peer, 1.0)
        began = loop.time()
        await cameras.tell("unplug", 0)
        await asyncio.sleep(OUTAGE_S)
        peer.reset()
        await cameras.tell("plug", 0)
        await until(lambda: peer.count, within=20, every=0.005)
        dark = loop.time() - began
        pictures = await decoded(peer, 3.0)
    what = f"camera gone {OUTAGE_S:.0f} s: the same connection plays again after"
    seen = f"{dark:.1f} s ({pictures} pictures decoded in the 3 s after)"
    return [Bar(what, f"<= {most:.0f} s", seen, dark <= most and pictures > 0)]
