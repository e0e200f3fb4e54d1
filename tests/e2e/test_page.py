"""The residents' page in a real browser, on the demonstration that everybody can start."""
# ruff: noqa: RUF001  # the page speaks Russian

import asyncio
import os
import queue
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Route

from tests.e2e.browser import DESKTOP, PHONE, Screen, Viewer, chromium, window
from tests.waiting import until

ROOT = Path(__file__).parents[2]
CAMERAS = 4
# A machine whose cores are busy elsewhere is slow, not broken.
PATIENCE = 30

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("page")]
Scheme = Literal["light", "dark"]


@dataclass(frozen=True)
class Demo:
    """A running ``gateway demo``."""

    process: subprocess.Popen[str]
    url: str

    @property
    def watch(self) -> str:
        return f"{self.url}/watch/demo"

    def media_server(self) -> int:
        """Return the process id of the building's media server, 0 when there is none."""
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit() and self._is_media_server(folder):
                return int(folder.name)
        return 0

    def _is_media_server(self, folder: Path) -> bool:
        try:
            command = (folder / "cmdline").read_bytes().split(b"\0")
            parent = re.search(r"^PPid:\s*(\d+)$", (folder / "status").read_text(), re.MULTILINE)
        except OSError:
            return False
        ours = parent is not None and int(parent[1]) == self.process.pid
        return ours and b"gateway.mediaserver" in command


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    """Start the demonstration as a newcomer does; in the end it leaves nothing running."""
    process = subprocess.Popen(
        [sys.executable, "-m", "gateway", "demo"],
        cwd=ROOT,
        env=os.environ | {"LISTEN": "127.0.0.1:0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    log = Log(process)
    try:
        running = Demo(process, log.url())
        yield running
        server = running.media_server()
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0, log.end()
        assert not Path(f"/proc/{server}").exists(), "the media server is still there"
    finally:
        process.kill()
        process.wait()
        log.close()


class Log:
    """What a process says, read as it comes."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self._said = process.stdout
        self._lines: list[str] = []
        self._found: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def url(self) -> str:
        """Return the address that the demonstration is live at, as soon as it says it."""
        try:
            url = self._found.get(timeout=2 * PATIENCE)
        except queue.Empty:
            url = ""
        assert url, f"the demonstration did not begin:\n{self.end()}"
        return url

    def end(self) -> str:
        """Return the last that was said."""
        return "".join(self._lines[-30:])

    def close(self) -> None:
        """Wait for the reader, which ends with the last of the processes."""
        self._reader.join(PATIENCE)
        if not self._reader.is_alive():
            self._said.close()

    def _read(self) -> None:
        for line in self._said:
            self._lines.append(line)
            if found := re.search(r"is live:\s+(http://\S+?)/?\s", line):
                self._found.put(found[1])
        self._found.put("")


async def all_live(viewer: Viewer, count: int = CAMERAS) -> None:
    """Wait until so many players say that they are live."""

    async def enough() -> bool:
        return (await viewer.phases()).count("live") >= count

    await until(enough, within=PATIENCE, every=0.1)


async def phase_becomes(viewer: Viewer, camera: str, phase: str) -> dict[str, Any]:
    """Wait for a player's phase; return what it shows then."""

    async def is_so() -> dict[str, Any] | None:
        shown = await viewer.players()
        return next((i for i in shown if (i["camera"], i["phase"]) == (camera, phase)), None)

    shown: dict[str, Any] = await until(is_so, within=PATIENCE, every=0.1)
    return shown


async def moves(viewer: Viewer, *cameras: str) -> None:
    """Wait until each of these players has shown ten more pictures."""
    before = {item["camera"]: item["frames"] for item in await viewer.players()}

    async def moved() -> bool:
        now = {item["camera"]: item["frames"] for item in await viewer.players()}
        return all(now[camera] >= before[camera] + 10 for camera in cameras or before)

    await until(moved, within=PATIENCE, every=0.1)


async def fits(viewer: Viewer) -> bool:
    """Tell whether nothing sticks out at the side."""
    wide: bool = await viewer.page.evaluate(
        "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    )
    return wide


def plug_of(viewer: Viewer, camera: str) -> Any:
    return viewer.page.locator(f"camera-player[camera={camera}] .plug")


@pytest.mark.parametrize(
    ("locale", "scheme", "live", "screen"),
    [
        ("ru-RU", "light", "В эфире", DESKTOP),
        ("en-GB", "dark", "Live", DESKTOP),
        ("ru-RU", "dark", "В эфире", PHONE),
        ("en-US", "light", "Live", PHONE),
    ],
    ids=["desktop-ru-light", "desktop-en-dark", "phone-ru-dark", "phone-en-light"],
)
async def test_four_cameras_move(
    demo: Demo, locale: str, scheme: Scheme, live: str, screen: Screen
) -> None:
    async with chromium() as browser, window(browser, screen, locale=locale, scheme=scheme) as one:
        await one.page.goto(demo.watch)
        await until(one.phases, within=PATIENCE, every=0.1)
        seen: set[str] = set()
        for number in range(CAMERAS):
            tile = one.page.locator("camera-player").nth(number)
            await tile.scroll_into_view_if_needed()
            camera = await tile.get_attribute("camera") or ""
            shown = await phase_becomes(one, camera, "live")
            assert shown["caption"] == live
            assert shown["width"] > 0
            await moves(one, camera)
            seen.add(camera)
        assert len(seen) == CAMERAS
        assert await one.page.evaluate("document.documentElement.lang") == locale[:2]
        assert await fits(one)
        assert await weakest_contrast(one) >= 4.5
        assert one.complaints == []


async def weakest_contrast(viewer: Viewer) -> float:
    """Return the lowest contrast (WCAG 2.2, 1.4.3) of the captions and the header."""
    lowest: float = await viewer.page.evaluate(
        """() => {
          const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
          const light = (colors) => {
            canvas.clearRect(0, 0, 1, 1);
            for (const color of colors) { canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1); }
            const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map((value) => {
              const part = value / 255;
              return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
            });
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
          };
          const grounds = (node) => {
            const colors = [];
            for (let at = node; at; at = at.parentElement ?? at.getRootNode().host) {
              colors.unshift(getComputedStyle(at).backgroundColor);
            }
            return colors;
          };
          const players = [...document.querySelectorAll("camera-player")];
          const inside = players.flatMap(({ shadowRoot }) =>
            [...shadowRoot.querySelectorAll("[part=label], [part=state]")]);
          const around = document.querySelectorAll("h1, .top p, .quiet, .plug, .foot");
          const texts = [...around, ...inside];
          return Math.min(...texts.map((node) => {
            const ground = grounds(node);
            const [a, b] = [light(ground), light([...ground, getComputedStyle(node).color])];
            return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
          }));
        }"""
    )
    return lowest


async def test_an_unplugged_camera_says_so_and_comes_back(demo: Demo) -> None:
    async with chromium() as browser, window(browser, reduced_motion=True) as viewer:
        await viewer.page.goto(demo.watch)
        await all_live(viewer)
        await plug_of(viewer, "yard").click()
        shown = await phase_becomes(viewer, "yard", "silent")
        assert re.search(r"Камера молчит с \d\d:\d\d:\d\d", shown["note"])
        assert shown["caption"] == "Молчит"
        spoken = viewer.page.locator("camera-player[camera=yard] [role=status]")
        await until(spoken.text_content, within=PATIENCE, every=0.1)
        assert "Двор: Камера молчит" in (await spoken.text_content() or "")
        await moves(viewer, "entrance-1")
        assert (await viewer.player("yard"))["frames"] == shown["frames"], "a frozen picture"
        await plug_of(viewer, "yard").click()
        shown = await phase_becomes(viewer, "yard", "live")
        assert shown["note"] == ""
        await moves(viewer, "yard")
        assert viewer.complaints == []


async def test_somebody_who_comes_while_a_camera_is_away_sees_it_return(demo: Demo) -> None:
    async with chromium() as browser, window(browser, locale="en-US") as viewer:
        await viewer.page.goto(demo.watch)
        await all_live(viewer)
        await plug_of(viewer, "lobby").click()
        await phase_becomes(viewer, "lobby", "silent")
        await viewer.page.reload()
        note = viewer.page.locator("camera-player[camera=lobby] [part=note]")
        await note.get_by_text("Camera silent since").wait_for(timeout=PATIENCE * 1000)
        await all_live(viewer, CAMERAS - 1)
        await plug_of(viewer, "lobby").click()
        await phase_becomes(viewer, "lobby", "live")
        await moves(viewer, "lobby")


async def test_a_killed_media_server_costs_a_pause(demo: Demo) -> None:
    async with chromium() as browser, window(browser) as viewer:
        await viewer.page.goto(demo.watch)
        await all_live(viewer)
        server = demo.media_server()
        assert server
        await viewer.page.evaluate(
            """() => {
              window.went = new Set();
              for (const player of document.querySelectorAll("camera-player")) {
                player.addEventListener("statechange", ({ detail }) => {
                  if (detail.phase !== "live") window.went.add(player.getAttribute("camera"));
                });
              }
            }"""
        )
        os.kill(server, signal.SIGKILL)

        async def all_went() -> bool:
            return bool(await viewer.page.evaluate("window.went.size") == CAMERAS)

        await until(all_went, within=PATIENCE, every=0.1)
        await all_live(viewer)
        await moves(viewer)
        assert demo.media_server() not in {0, server}


async def test_the_page_obeys_the_keyboard(demo: Demo) -> None:
    async with chromium() as browser, window(browser, locale="en-US") as viewer:
        await viewer.page.goto(demo.watch)
        await all_live(viewer)
        names: list[str] = []
        for _ in range(5 + CAMERAS * 3):
            await viewer.page.keyboard.press("Tab")
            names.append(await focused_name(viewer))
        assert names[:4] == ["To the cameras", "All buildings", "Share the link", "RU, Русский"]
        assert names[4:7] == ["Pause", "Enlarge", "Unplug"]
        assert names.count("Pause") == CAMERAS
        while await focused_name(viewer) != "Pause":
            await viewer.page.keyboard.press("Shift+Tab")
        last = (await viewer.players())[-1]["camera"]
        assert await outlined(viewer)
        await viewer.page.keyboard.press("Enter")
        await phase_becomes(viewer, last, "idle")
        assert await focused_name(viewer) == "Watch Lift lobby"
        await viewer.page.keyboard.press("Space")
        await phase_becomes(viewer, last, "live")
        assert await focused_name(viewer) == "Pause"


async def focused_name(viewer: Viewer) -> str:
    """Return what a screen reader would call the focused thing."""
    name: str = await viewer.page.evaluate(
        """() => {
          let at = document.activeElement;
          while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
          return at?.getAttribute("aria-label") ?? at?.textContent?.trim() ?? "";
        }"""
    )
    return name


async def outlined(viewer: Viewer) -> bool:
    shown: bool = await viewer.page.evaluate(
        """() => {
          let at = document.activeElement;
          while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
          const { outlineStyle, outlineWidth } = getComputedStyle(at);
          return outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
        }"""
    )
    return shown


async def test_what_nobody_sees_is_hung_up(demo: Demo) -> None:
    async with chromium() as browser, window(browser, PHONE) as viewer:
        await viewer.page.goto(demo.watch)
        await phase_becomes(viewer, "entrance-1", "live")
        await viewer.page.locator("camera-player").last.scroll_into_view_if_needed()
        await phase_becomes(viewer, "entrance-1", "paused")
        await viewer.page.locator("camera-player").first.scroll_into_view_if_needed()
        await phase_becomes(viewer, "entrance-1", "live")
        await hide(viewer, hidden=True)
        await until(lambda: nothing_plays(viewer), within=PATIENCE, every=0.1)
        await hide(viewer, hidden=False)
        await phase_becomes(viewer, "entrance-1", "live")
        assert viewer.complaints == []


async def hide(viewer: Viewer, *, hidden: bool) -> None:
    """Put the tab behind another one, as far as its scripts can see: headless tabs never are."""
    await viewer.page.evaluate(
        """(hidden) => {
          Object.defineProperty(document, "visibilityState", {
            configurable: true, get: () => (hidden ? "hidden" : "visible") });
          document.dispatchEvent(new Event("visibilitychange"));
        }""",
        hidden,
    )


async def nothing_plays(viewer: Viewer) -> bool:
    return not {"live", "connecting", "silent"} & set(await viewer.phases())


async def test_without_internet_it_says_so_and_returns(demo: Demo) -> None:
    async with chromium() as browser, window(browser) as viewer:
        await viewer.page.goto(demo.watch)
        await all_live(viewer)
        await viewer.page.context.set_offline(offline=True)
        shown = await phase_becomes(viewer, "entrance-1", "offline")
        assert "Нет интернета" in shown["note"]
        await viewer.page.context.set_offline(offline=False)
        await all_live(viewer)


async def test_an_enlarged_camera_takes_the_large_picture(demo: Demo) -> None:
    async with chromium() as browser, window(browser) as viewer:
        await viewer.page.goto(demo.watch)
        await all_live(viewer)
        small = (await viewer.player("parking"))["width"]
        tile = viewer.page.locator("camera-player[camera=parking]")
        await tile.locator("[part=video]").click()
        dialog = viewer.page.get_by_role("dialog", name="Парковка")
        await dialog.wait_for()

        async def width(wanted: str) -> bool:
            now = (await viewer.player("parking"))["width"]
            return bool(now > small if wanted == "large" else now == small)

        await until(lambda: width("large"), within=PATIENCE, every=0.1)
        await moves(viewer, "parking")
        assert await focused_name(viewer) == "Свернуть"
        await viewer.page.keyboard.press("Escape")
        await until(lambda: width("small"), within=PATIENCE, every=0.1)
        assert await focused_name(viewer) == "Увеличить"
        await moves(viewer, "parking")
        assert viewer.complaints == []


async def test_an_enlarged_camera_can_be_looked_at_closely_and_kept(demo: Demo) -> None:
    async with chromium() as browser, window(browser, PHONE, locale="en-US") as viewer:
        await viewer.page.goto(demo.watch)
        await phase_becomes(viewer, "entrance-1", "live")
        tile = viewer.page.locator("camera-player[camera=entrance-1]")
        await tile.get_by_role("button", name="Enlarge").tap()
        await viewer.page.get_by_role("dialog").wait_for()
        await viewer.page.touchscreen.tap(300, 300)
        await viewer.page.touchscreen.tap(300, 300)
        assert await zoom(viewer) == {"zoom": 2.5, "x": -157.5}, "what was tapped stays in place"
        await pinch(viewer, 0.1)
        assert (await zoom(viewer))["zoom"] == 1, "never smaller than the screen"
        await pinch(viewer, 3)
        assert (await zoom(viewer))["zoom"] == pytest.approx(3)
        await viewer.page.keyboard.press("0")
        assert (await zoom(viewer))["zoom"] == 1
        async with viewer.page.expect_download() as saved:
            await tile.get_by_role("button", name="Save a snapshot").tap()
        download = await saved.value
        assert re.fullmatch(r"Entrance 1 [\d-]+ [\d-]+\.jpg", download.suggested_filename)
        picture = await asyncio.to_thread(Path(await download.path()).read_bytes)
        assert picture.startswith(b"\xff\xd8"), "a JPEG"
        await tile.get_by_role("button", name="Close").tap()
        await phase_becomes(viewer, "entrance-1", "live")
        await moves(viewer, "entrance-1")
        assert viewer.complaints == []


async def zoom(viewer: Viewer) -> dict[str, float]:
    """Return how far the enlarged picture is zoomed, and how far it is moved to the side."""
    shown: dict[str, float] = await viewer.page.evaluate(
        """() => {
          const { style } = document.querySelector("camera-player").shadowRoot
            .querySelector("[part=screen]");
          const number = (name) => parseFloat(style.getPropertyValue(name));
          return { zoom: number("--zoom"), x: number("--x") };
        }"""
    )
    return shown


async def pinch(viewer: Viewer, factor: float) -> None:
    """Move two fingers apart (or together) on the enlarged picture."""
    touch = await viewer.page.context.new_cdp_session(viewer.page)
    for spread in (100, (100 + 100 * factor) / 2, 100 * factor):
        fingers = [
            {"x": 195 - spread / 2, "y": 420, "id": 0},
            {"x": 195 + spread / 2, "y": 420, "id": 1},
        ]
        kind = "touchStart" if spread == 100 else "touchMove"
        await touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})
    await touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


async def test_a_shared_link_holds_no_ticket(demo: Demo) -> None:
    async with chromium() as browser, window(browser, locale="en-US") as viewer:
        await viewer.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        await viewer.page.add_init_script("delete Navigator.prototype.share")
        await viewer.page.goto(f"{demo.watch}#ticket=not-one")
        await viewer.page.get_by_role("button", name="Share the link").click()
        await viewer.page.get_by_text("Link copied").wait_for()
        assert await viewer.page.evaluate("navigator.clipboard.readText()") == demo.watch


async def test_it_can_be_put_on_the_home_screen(demo: Demo) -> None:
    async with chromium() as browser, window(browser) as viewer:
        await viewer.page.goto(demo.watch)
        session = await viewer.page.context.new_cdp_session(viewer.page)
        manifest = await session.send("Page.getAppManifest")
        assert manifest["errors"] == []
        assert manifest["url"].endswith("/assets/manifest.webmanifest")
        problems = await session.send("Page.getInstallabilityErrors")
        reasons = {item["errorId"] for item in problems["installabilityErrors"]}
        assert reasons <= {"in-incognito"}, "test windows have no profile"


@pytest.mark.parametrize("width", [320, 1920])
async def test_it_fits_the_narrowest_and_the_widest(demo: Demo, width: int) -> None:
    screen = Screen(width, 900, touch=width == 320)
    async with chromium() as browser, window(browser, screen) as viewer:
        await viewer.page.goto(demo.watch)
        await all_live(viewer, 1)
        assert await fits(viewer)
        small = await viewer.page.evaluate(
            """() => {
              const roots = [document, ...[...document.querySelectorAll("camera-player")]
                .map((player) => player.shadowRoot)];
              return roots.flatMap((root) => [...root.querySelectorAll("button, a:not(.skip)")])
                .map((node) => [node.className, node.getBoundingClientRect()])
                .filter(([, { width, height }]) => width > 0 && (width < 44 || height < 44))
                .map(([name, { width, height }]) => `${name} ${width}x${height}`);
            }"""
        )
        assert small == [], "fingers need 44 by 44"


async def test_the_first_page_leads_to_the_building(demo: Demo) -> None:
    async with chromium() as browser, window(browser, locale="en-US") as viewer:
        await viewer.page.goto(f"{demo.url}/?lang=ru")
        card = viewer.page.get_by_role("link", name="Пример дома")
        await card.wait_for()
        assert "4 камеры" in await card.inner_text()
        await card.click()
        await all_live(viewer)
        assert await viewer.page.evaluate("document.documentElement.lang") == "ru", "kept"
        await viewer.page.get_by_role("button", name="English").click()
        await viewer.page.get_by_role("heading", name="Example building").wait_for()
        await viewer.page.goto(f"{demo.url}/watch/nowhere#ticket=secret")
        await viewer.page.get_by_role("heading", name="This link has expired").wait_for()
        assert "secret" not in viewer.page.url


async def test_without_scripts_it_says_what_to_do(demo: Demo) -> None:
    async with chromium() as browser:
        context = await browser.new_context(java_script_enabled=False)
        page = await context.new_page()
        await page.goto(demo.watch)
        assert "JavaScript" in await page.inner_text("body")
        pictures = page.locator("figure img")

        async def all_there() -> bool:
            await page.reload()
            return bool(await pictures.count() == CAMERAS)

        await until(all_there, within=PATIENCE, every=0.5)
        await pictures.first.scroll_into_view_if_needed()
        await until(lambda: pictures.first.evaluate("(one) => one.naturalWidth"), within=PATIENCE)
        await context.close()


async def test_it_weighs_less_than_a_picture(demo: Demo) -> None:
    async with chromium() as browser, window(browser) as viewer:
        await viewer.page.goto(demo.watch)
        await all_live(viewer, 1)
        packed = await viewer.page.evaluate(
            """() => performance.getEntries()
              .filter(({ name }) => /\\/assets\\/|\\/watch\\//.test(name))
              .reduce((sum, { encodedBodySize }) => sum + (encodedBodySize ?? 0), 0)"""
        )
        assert 10_000 < packed < 30_000


async def test_the_first_offer_waits_for_the_page_and_its_script_alone(demo: Demo) -> None:
    """Each further answer that it waited for would be a sixth of a second on a phone's network."""
    offers: list[str] = []

    async def answer(route: Route) -> None:
        path = urlsplit(route.request.url).path
        if path.startswith("/whep/"):
            offers.append(path)
        if path.startswith(("/watch/", "/assets/js/watch.js", "/assets/css/")):
            await route.continue_()
        else:
            await route.abort()

    async with chromium() as browser, window(browser) as viewer:
        await viewer.page.route("**/*", answer)
        await viewer.page.goto(demo.watch)
        await until(lambda: offers, within=PATIENCE)


async def test_a_script_that_is_known_is_not_asked_for_again(demo: Demo) -> None:
    async with chromium() as browser, window(browser) as viewer:
        for expected in (False, True):
            await viewer.page.goto(demo.watch)
            await all_live(viewer, 1)
            known = await viewer.page.evaluate(
                """() => performance.getEntriesByType("resource")
                  .filter(({ name }) => /\\.(js|css)\\?v=/.test(name))
                  .map(({ transferSize }) => transferSize === 0)"""
            )
            assert known == [expected] * 2
