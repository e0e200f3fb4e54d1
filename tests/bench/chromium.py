"""Real players: Debian's Chromium, its first frame and what it says of its connection."""

import json
from pathlib import Path
from typing import Any

from playwright.async_api import Page

_WATCH = Path(__file__).with_name("watcher.js").read_text(encoding="utf-8").partition("\n")[2]
_STATS = """async () => {
  for (const item of (await window.playing.connection.getStats()).values()) {
    if (item.type === "inbound-rtp" && item.kind === "video") return item;
  }
  return {};
}"""
_LEAVE = """() => {
  window.playing?.connection.close();
  window.playing?.video.remove();
  window.socket?.close();
}"""


async def first_frame(page: Page, **how: Any) -> float:
    """Play and return milliseconds from the request to the first decoded frame.

    ``how``: ``whep`` (an address) or ``ws`` and ``stream`` (the server's own signalling); ``way``
    lets the page's function of that name rewrite the answer.
    """
    took: float = await page.evaluate(_WATCH, json.loads(json.dumps(how)))
    return took


async def stats(page: Page) -> dict[str, Any]:
    """Return the video's ``inbound-rtp`` statistics."""
    found: dict[str, Any] = await page.evaluate(_STATS)
    return found


async def leave(page: Page) -> None:
    """Stop playing."""
    await page.evaluate(_LEAVE)
