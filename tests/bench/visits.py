"""Visits of the residents' page in Chromium, and what they cost by its own count."""

import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from playwright.async_api import Browser, BrowserContext, CDPSession, Page

from gateway.demo.building import DemoBuilding
from tests.e2e.browser import DESKTOP, PHONE, Screen
from tests.e2e.company import CREDENTIAL, Company, company_in
from tests.waiting import until

PLAYERS: Final = 12
_PATIENCE: Final = 60
_SETTLE_S: Final = 2.0
_WINDOW_S: Final = 10.0
_LONG_US: Final = 50_000
_TRACE: Final = ["disabled-by-default-devtools.timeline", "blink.user_timing", "toplevel"]
# Notes when the first kept picture is drawn, and when the first camera is live.
_WATCH: Final = """
window.seen = {};
const draw = CanvasRenderingContext2D.prototype.drawImage;
CanvasRenderingContext2D.prototype.drawImage = function (what, ...rest) {
  if (what instanceof ImageBitmap) window.seen.poster ??= performance.now();
  return draw.call(this, what, ...rest);
};
document.addEventListener("statechange", ({ detail }) => {
  if (detail.phase === "live") window.seen.frame ??= performance.now();
}, true);
"""
_MANY: Final = """(count) => {
  const wall = document.querySelector("camera-wall");
  const ids = [...wall.querySelectorAll("camera-player")].map((one) => one.getAttribute("camera"));
  const grid = document.createElement("div");
  grid.style.cssText = "display: grid; grid-template-columns: repeat(4, 1fr); gap: 8px";
  for (let number = 0; number < count; number += 1) {
    const player = document.createElement("camera-player");
    player.setAttribute("site", wall.getAttribute("site"));
    player.setAttribute("camera", ids[number % ids.length]);
    player.toggleAttribute("autoplay", true);
    player.toggleAttribute("low", true);
    grid.append(player);
  }
  document.querySelector("main").replaceChildren(grid);
}"""
_COUNTED: Final = """() => [...document.querySelectorAll("camera-player")].map((player) => {
  const { totalVideoFrames, droppedVideoFrames } = player.video.getVideoPlaybackQuality();
  return { phase: player.phase, frames: totalVideoFrames, dropped: droppedVideoFrames };
})"""


@dataclass(frozen=True, slots=True)
class Profile:
    """A network and a device; rates in kbit/s, ``latency`` in ms added to each request."""

    name: str
    down: float = -1
    up: float = -1
    latency: float = 0
    slowdown: int = 1
    screen: Screen = DESKTOP


PROFILES: Final = (
    Profile("desk, no throttling"),
    Profile("phone, no throttling, CPU 4x slower", slowdown=4, screen=PHONE),
    Profile("phone, 4G", 8100, 1350, 165, screen=PHONE),
    Profile("phone, 4G, CPU 4x slower", 8100, 1350, 165, slowdown=4, screen=PHONE),
    Profile("phone, slow 4G, CPU 4x slower", 1440, 675, 562.5, slowdown=4, screen=PHONE),
)


@dataclass(slots=True)
class Visit:
    """One visit: bytes by kind (``files``, ``posters``, ``API``) and times in milliseconds."""

    bytes: dict[str, float] = field(default_factory=dict)
    requests: int = 0
    poster_ms: float = 0
    frame_ms: float = 0
    blocked_ms: float = 0


@dataclass(frozen=True, slots=True)
class Crowd:
    """Twelve players for a while: how many played, frames, and shares of one core in percent."""

    playing: int
    fps: float
    dropped: float
    main_thread: float
    chromium: float


@contextlib.asynccontextmanager
async def a_building(root: Path, cameras: int = 4) -> AsyncIterator[Company]:
    """Give a gateway whose building ``house`` has live cameras with posters."""
    building = DemoBuilding(credential=CREDENTIAL, discovery_port=None)
    async with company_in(root) as company:
        try:
            await building.start(cameras)
            company.write_site("house", building.cameras)
            await company.begin()

            async def ready() -> bool:
                site = await company.get("/api/v1/sites/house") or {"cameras": []}
                posters = [camera["poster"] is not None for camera in site["cameras"]]
                return len(posters) == cameras and all(posters) and await company.live("house")

            await until(ready, within=_PATIENCE, every=0.2)
            yield company
        finally:
            await building.close()


async def visit(
    browser: Browser, context: BrowserContext, url: str, profile: Profile, *, traced: bool = False
) -> Visit:
    """Open the page as a visitor does; return when it plays and has calmed down."""
    found = Visit()
    page = await context.new_page()
    session = await context.new_cdp_session(page)
    await _count_bytes(session, found)
    await _slow_down(session, profile)
    await page.add_init_script(_WATCH)
    if traced:
        await browser.start_tracing(page=page, categories=_TRACE)
    try:
        await page.goto(url)
        await until(lambda: page.evaluate("window.seen.frame ?? 0"), within=_PATIENCE, every=0.1)
        await page.wait_for_timeout(_SETTLE_S * 1000)
        seen = await page.evaluate("window.seen")
    finally:
        trace = json.loads(await browser.stop_tracing()) if traced else {"traceEvents": []}
    found.poster_ms, found.frame_ms = seen.get("poster", float("nan")), seen["frame"]
    found.blocked_ms = blocked_ms(trace["traceEvents"]) if traced else float("nan")
    await page.close()
    return found


async def _slow_down(session: CDPSession, profile: Profile) -> None:
    await session.send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": profile.latency,
            "downloadThroughput": profile.down * 1000 / 8 if profile.down > 0 else -1,
            "uploadThroughput": profile.up * 1000 / 8 if profile.up > 0 else -1,
        },
    )
    await session.send("Emulation.setCPUThrottlingRate", {"rate": profile.slowdown})


async def _count_bytes(session: CDPSession, found: Visit) -> None:
    kinds: dict[str, str] = {}

    def begun(event: dict[str, Any]) -> None:
        path = urlsplit(event["request"]["url"]).path
        kind = "API" if path.startswith(("/api/", "/whep/")) else "files"
        kinds[event["requestId"]] = "posters" if path.endswith("/poster.jpg") else kind
        found.requests += 1

    def add(event: dict[str, Any]) -> None:
        kind = kinds.get(event["requestId"], "files")
        found.bytes[kind] = found.bytes.get(kind, 0) + event["encodedDataLength"]

    session.on("Network.requestWillBeSent", begun)
    session.on("Network.loadingFinished", add)
    await session.send("Network.enable")


def blocked_ms(events: Sequence[dict[str, Any]]) -> float:
    """Return the milliseconds beyond 50 of each task of the page's main thread, in all."""
    mains = {
        (item["pid"], item["tid"])
        for item in events
        if item["name"] == "thread_name" and item["args"].get("name") == "CrRendererMain"
    }
    tasks = [
        item["dur"]
        for item in events
        if item["name"] == "RunTask" and (item["pid"], item["tid"]) in mains and "dur" in item
    ]
    return float(sum(max(0, took - _LONG_US) for took in tasks)) / 1000


async def first_and_again(
    browser: Browser, company: Company, profile: Profile, *, traced: bool = False
) -> tuple[Visit, Visit]:
    """Visit twice with the same browser: with nothing kept, and with what it keeps."""
    screen = profile.screen
    context = await browser.new_context(
        viewport={"width": screen.width, "height": screen.height},
        device_scale_factor=screen.scale,
        has_touch=screen.touch,
        is_mobile=screen.touch,
        locale="ru-RU",
    )
    try:
        url = f"{company.url}/watch/house"
        first = await visit(browser, context, url, profile, traced=traced)
        return first, await visit(browser, context, url, profile, traced=traced)
    finally:
        await context.close()


async def crowd(browser: Browser, company: Company, seconds: float = _WINDOW_S) -> Crowd:
    """Play twelve cameras on one page and look at them for a while."""
    context = await browser.new_context(viewport={"width": 1920, "height": 1080}, bypass_csp=True)
    try:
        page = await context.new_page()
        await page.goto(f"{company.url}/embed/house?manual")
        await page.locator("camera-player").first.wait_for()
        await page.evaluate(_MANY, PLAYERS)

        async def all_play() -> bool:
            return {item["phase"] for item in await page.evaluate(_COUNTED)} == {"live"}

        await until(all_play, within=_PATIENCE, every=0.2)
        session = await context.new_cdp_session(page)
        machine = await browser.new_browser_cdp_session()
        await session.send("Performance.enable")
        before = await _state(page, session, machine)
        await page.wait_for_timeout(seconds * 1000)
        after = await _state(page, session, machine)
    finally:
        await context.close()
    took = after["at"] - before["at"]
    pairs = list(zip(before["players"], after["players"], strict=True))
    shown = [new["frames"] - old["frames"] for old, new in pairs]
    dropped = sum(new["dropped"] - old["dropped"] for old, new in pairs)
    return Crowd(
        playing=sum(count > 0 for count in shown),
        fps=sum(shown) / took / len(shown),
        dropped=dropped / max(1, sum(shown)),
        main_thread=100 * (after["tasks"] - before["tasks"]) / took,
        chromium=100 * (after["cpu"] - before["cpu"]) / took,
    )


async def _state(page: Page, session: CDPSession, machine: CDPSession) -> dict[str, Any]:
    metrics = (await session.send("Performance.getMetrics"))["metrics"]
    values = {item["name"]: item["value"] for item in metrics}
    processes = (await machine.send("SystemInfo.getProcessInfo"))["processInfo"]
    return {
        "at": values["Timestamp"],
        "tasks": values["TaskDuration"],
        "cpu": sum(item["cpuTime"] for item in processes),
        "players": await page.evaluate(_COUNTED),
    }
