"""Debian's Chromium, driven by playwright: one way to start it, and to read its players."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from playwright.async_api import Browser, BrowserContext, Page, async_playwright

CHROMIUM = "/usr/bin/chromium"
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


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Start a browser and close it in the end."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS])
        try:
            yield browser
        finally:
            await browser.close()


@dataclass(frozen=True, slots=True)
class Screen:
    """What somebody holds in the hand or has on the desk."""

    width: int
    height: int
    scale: float = 1
    touch: bool = False


PHONE = Screen(390, 844, scale=2, touch=True)
DESKTOP = Screen(1440, 900)


@dataclass
class Viewer:
    """One person's browser window; ``complaints`` is what its console said in anger."""

    page: Page
    complaints: list[str] = field(default_factory=list)

    async def players(self) -> list[dict[str, Any]]:
        """Return camera, phase, decoded frames and the caption of every player, in page order."""
        found: list[dict[str, Any]] = await self.page.evaluate(
            """() => [...document.querySelectorAll("camera-player")].map((player) => ({
              camera: player.getAttribute("camera"),
              phase: player.phase,
              frames: player.video.getVideoPlaybackQuality().totalVideoFrames,
              width: player.video.videoWidth,
              caption: player.shadowRoot.querySelector("[part=state]").textContent,
              note: player.shadowRoot.querySelector("[part=note]").innerText,
            }))"""
        )
        return found

    async def player(self, camera: str) -> dict[str, Any]:
        """Return what ``players`` says of one camera."""
        return next(item for item in await self.players() if item["camera"] == camera)

    async def phases(self) -> list[str]:
        """Return the phase of every player, in page order."""
        return [item["phase"] for item in await self.players()]


@asynccontextmanager
async def window(
    browser: Browser,
    screen: Screen = DESKTOP,
    *,
    locale: str = "ru-RU",
    scheme: Literal["light", "dark"] = "light",
    reduced_motion: bool = False,
) -> AsyncIterator[Viewer]:
    """Open a window of its own (storage, cache) and collect every error that it reports."""
    context: BrowserContext = await browser.new_context(
        viewport={"width": screen.width, "height": screen.height},
        device_scale_factor=screen.scale,
        has_touch=screen.touch,
        is_mobile=screen.touch,
        locale=locale,
        color_scheme=scheme,
        reduced_motion="reduce" if reduced_motion else "no-preference",
    )
    try:
        viewer = Viewer(await context.new_page())
        viewer.page.on("pageerror", lambda error: viewer.complaints.append(str(error)))
        viewer.page.on(
            "console",
            lambda message: (
                viewer.complaints.append(f"{message.text} {message.location.get('url', '')}")
                if message.type in {"error", "warning"}
                else None
            ),
        )
        yield viewer
    finally:
        await context.close()
