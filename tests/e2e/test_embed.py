"""The players on somebody else's website: allowed and refused, with tickets, in frames."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiohttp import web
from playwright.async_api import Browser, Frame, Page

from gateway.api.tickets import mint
from gateway.demo.building import DemoBuilding
from gateway.kit.secret import Secret
from tests.e2e.browser import Viewer, chromium, window
from tests.e2e.company import CREDENTIAL, Company, company_in
from tests.waiting import until

PATIENCE = 30
KEY = Secret("a key of the tests that is long enough to sign tickets with")

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(180)]


@dataclass(frozen=True)
class Website:
    """A website of the company, or of somebody else: one page, whose body changes."""

    url: str
    bodies: list[str]

    def shows(self, body: str) -> str:
        """Put ``body`` on the page; return the page's address."""
        self.bodies[:] = [body]
        return self.url


@asynccontextmanager
async def website(*, allows: str = "") -> AsyncIterator[Website]:
    """Serve a page whose security policy names the gateway (``allows``) and nothing else."""
    bodies = [""]

    async def page(_: web.Request) -> web.Response:
        policy = (
            f"default-src 'none'; script-src {allows}; connect-src {allows}; frame-src {allows}"
        )
        return web.Response(
            text=f'<!doctype html><html lang="en"><title>Company</title>{bodies[0]}</html>',
            content_type="text/html",
            headers={"Content-Security-Policy": policy},
        )

    app = web.Application()
    app.router.add_get("/{any:.*}", page)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    try:
        yield Website(f"http://{host}:{port}/", bodies)
    finally:
        await runner.cleanup()


@dataclass(frozen=True)
class Estate:
    """A gateway with one building, the company's website and a stranger's."""

    company: Company
    ours: Website
    theirs: Website

    def snippet(self, element: str) -> str:
        """Return what the company's web developer pastes."""
        return f'<script type="module" src="{self.company.url}/assets/player.js"></script>{element}'


@asynccontextmanager
async def estate(
    root: Path, cameras: int = 1, *, site: str = "house", **viewing: Any
) -> AsyncIterator[Estate]:
    """Give an estate whose cameras are live."""
    building = DemoBuilding(credential=CREDENTIAL, discovery_port=None)
    async with (
        company_in(root, tickets={"secret": {"env": "TICKETS"}}) as company,
        website(allows=company.url) as ours,
        website(allows=company.url) as theirs,
    ):
        try:
            await building.start(cameras)
            origins = [ours.url.rstrip("/")]
            company.write_site(
                site, building.cameras, viewing={"allowed_origins": origins, **viewing}
            )
            await company.begin()
            await until(lambda: company.live(site), within=PATIENCE)
            yield Estate(company, ours, theirs)
        finally:
            await building.close()


@pytest.fixture(autouse=True)
def _ticket_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TICKETS", KEY.reveal())


def ticket(**more: Any) -> str:
    """Sign a ticket as the company's website does."""
    return mint(KEY, sites=["house"], valid_s=60, now=datetime.now(UTC), **more)


async def plays(viewer: Viewer, count: int = 1) -> None:
    """Wait until so many players are live and show ten more pictures."""

    async def live() -> bool:
        return (await viewer.phases()).count("live") >= count

    await until(live, within=PATIENCE, every=0.1)
    before = sum(item["frames"] for item in await viewer.players())

    async def moved() -> bool:
        return sum(item["frames"] for item in await viewer.players()) >= before + 10 * count

    await until(moved, within=PATIENCE, every=0.1)


def watched_requests(page: Page) -> list[str]:
    """Return a list that grows by the address of every request of the page."""
    urls: list[str] = []
    page.on("request", lambda request: urls.append(f"{request.method} {request.url}"))
    return urls


def dials(requests: list[str]) -> int:
    """Count the offers among requests."""
    return sum(item.startswith("POST") and "/whep/" in item for item in requests)


async def test_only_an_allowed_website_shows_the_cameras(tmp_path: Path) -> None:
    async with estate(tmp_path, cameras=2, access="public") as here, chromium() as browser:
        await an_allowed_website_plays(here, browser)
        await nothing_is_dialled_before_it_is_seen(here, browser)
        await a_single_camera_stands_alone(here, browser)
        await another_website_is_refused_with_a_sentence(here, browser)
        await a_frame_plays_on_an_allowed_website_only(here, browser)


async def an_allowed_website_plays(here: Estate, browser: Browser) -> None:
    async with window(browser) as viewer:
        requests = watched_requests(viewer.page)
        await viewer.page.add_init_script("window.named = new Set(Object.keys(window))")
        body = here.snippet('<camera-wall site="house"></camera-wall>')
        await viewer.page.goto(here.ours.shows(body))
        await plays(viewer, 2)
        assert {item["caption"] for item in await viewer.players()} == {"Live"}, "the page's lang"
        hosts = {urlsplit(item.split()[1]).netloc for item in requests}
        assert hosts == {urlsplit(here.ours.url).netloc, urlsplit(here.company.url).netloc}
        names = await viewer.page.evaluate(
            "Object.keys(window).filter((name) => !window.named.has(name) && name !== 'named')"
        )
        assert names == [], "no global names"
        await the_keyboard_pauses_and_plays(viewer)
        assert viewer.complaints == []


async def the_keyboard_pauses_and_plays(viewer: Viewer) -> None:
    pause = viewer.page.get_by_role("button", name="Pause").first
    await viewer.page.keyboard.press("Tab")
    await until(lambda: focused(pause), within=PATIENCE)
    await viewer.page.keyboard.press("Enter")
    start = viewer.page.get_by_role("button", name="Watch", exact=False).first
    await until(lambda: focused(start), within=PATIENCE)
    await viewer.page.keyboard.press("Enter")
    await plays(viewer, 2)


async def focused(button: Any) -> bool:
    return bool(
        await button.evaluate("(node) => node.getRootNode().activeElement === node", timeout=1000)
    )


async def nothing_is_dialled_before_it_is_seen(here: Estate, browser: Browser) -> None:
    async with window(browser) as viewer:
        requests = watched_requests(viewer.page)
        above = "<p>News of the house</p><br>" * 200
        body = here.snippet(f'{above}<camera-wall site="house"></camera-wall>')
        await viewer.page.goto(here.ours.shows(body))
        defined = "customElements.whenDefined('camera-wall').then(() => true)"
        assert await viewer.page.evaluate(defined)
        await viewer.page.evaluate("new Promise((done) => requestIdleCallback(done))")
        asked = [item for item in requests if "/api/" in item or "/whep/" in item]
        assert asked == []
        await viewer.page.locator("camera-wall").scroll_into_view_if_needed()
        await plays(viewer)


async def a_single_camera_stands_alone(here: Estate, browser: Browser) -> None:
    async with window(browser) as viewer:
        body = here.snippet('<camera-player site="house" camera="yard"></camera-player>')
        await viewer.page.goto(here.ours.shows(body))
        await viewer.page.get_by_role("button", name="Watch Yard").click()
        await plays(viewer)
        assert viewer.complaints == []


async def another_website_is_refused_with_a_sentence(here: Estate, browser: Browser) -> None:
    async with window(browser) as viewer:
        body = here.snippet(
            '<camera-wall site="house"></camera-wall>'
            '<camera-player site="house" camera="yard" autoplay></camera-player>'
        )
        await viewer.page.goto(here.theirs.shows(body))
        sentence = viewer.page.get_by_text("This website may not show these cameras")
        await until(lambda: count(sentence, 2), within=PATIENCE)
        assert await viewer.phases() == ["refused"]


async def count(found: Any, wanted: int) -> bool:
    return int(await found.count()) == wanted


async def a_frame_plays_on_an_allowed_website_only(here: Estate, browser: Browser) -> None:
    frame = f'<iframe src="{here.company.url}/embed/house?camera=yard&lang=en"></iframe>'
    async with window(browser) as viewer:
        await viewer.page.goto(here.ours.shows(frame))
        inside = viewer.page.frame_locator("iframe")
        await inside.get_by_text("Live", exact=True).wait_for(timeout=PATIENCE * 1000)
        assert await inside.locator("camera-player").count() == 1
        assert await loaded(viewer.page.main_frame.child_frames[0]) < 30_000
        assert viewer.complaints == []
    async with window(browser) as viewer:
        await viewer.page.goto(here.theirs.shows(frame))

        async def blocked() -> bool:
            children: list[Frame] = viewer.page.main_frame.child_frames
            return any(child.url.startswith("chrome-error:") for child in children)

        await until(blocked, within=PATIENCE)
        assert re.search(r"frame-ancestors", " ".join(viewer.complaints))


async def loaded(frame: Frame) -> int:
    """Return the bytes of all the gateway's own files that a frame has loaded."""
    sizes: list[int] = await frame.evaluate(
        """() => performance.getEntries()
          .filter(({ name }) => /\\/assets\\/|\\/embed\\//.test(name))
          .map(({ encodedBodySize }) => encodedBodySize ?? 0)"""
    )
    assert len(sizes) >= 3, "the page with its words, its style, its script"
    return sum(sizes)


async def test_the_two_lines_of_the_guide_show_a_building(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs/embed.md").read_text(encoding="utf-8")
    [first, *_] = re.findall(r"```html\n(.*?)```", text, re.DOTALL)
    async with (
        estate(tmp_path, site="lenina-12", access="ticket") as here,
        chromium() as browser,
        window(browser) as viewer,
    ):
        made = mint(KEY, sites=["lenina-12"], valid_s=60, now=datetime.now(UTC))
        # What stands for the company's own address, and what its PHP prints there.
        lines = first.replace("https://cams.example.ru", here.company.url)
        lines = lines.replace("<?= $ticket ?>", made)
        assert lines.count("\n") == 2
        assert here.company.url in lines
        assert made in lines
        await viewer.page.goto(here.ours.shows(lines))
        await plays(viewer)
        assert viewer.complaints == []


async def test_a_ticket_opens_until_its_time_is_over(tmp_path: Path) -> None:
    async with estate(tmp_path, access="ticket") as here, chromium() as browser:
        await without_a_ticket_it_says_what_to_do(here, browser)
        await a_newer_link_opens_in_the_same_tab(here, browser)
        await a_play_ends_kindly_and_goes_on_with_another_ticket(here, browser)
        await a_stale_ticket_is_renewed_unseen(here, browser)
        log = here.company.log.read_text()
        assert "house" in log
        assert "eyJ" not in log, "every ticket begins so"


async def without_a_ticket_it_says_what_to_do(here: Estate, browser: Browser) -> None:
    async with window(browser) as viewer:
        player = '<camera-player site="house" camera="entrance-1" autoplay></camera-player>'
        await viewer.page.goto(here.ours.shows(here.snippet(player)))
        await viewer.page.get_by_text("Only residents see these cameras").wait_for()
    async with window(browser) as viewer:
        frame = f'<iframe src="{here.company.url}/embed/house?lang=en#ticket={ticket()}"></iframe>'
        await viewer.page.goto(here.ours.shows(frame))
        inside = viewer.page.frame_locator("iframe")
        await inside.get_by_text("Live", exact=True).wait_for(timeout=PATIENCE * 1000)
        assert viewer.complaints == []


async def a_newer_link_opens_in_the_same_tab(here: Estate, browser: Browser) -> None:
    async with window(browser, locale="en-US") as viewer:
        await viewer.page.goto(f"{here.company.url}/watch/house")
        await viewer.page.get_by_role("heading", name="This building was not found").wait_for()
        await viewer.page.goto(f"{here.company.url}/watch/house#ticket={ticket()}")
        await plays(viewer)
        assert "ticket" not in viewer.page.url
        await viewer.page.reload()
        await plays(viewer)


async def a_play_ends_kindly_and_goes_on_with_another_ticket(
    here: Estate, browser: Browser
) -> None:
    async with window(browser) as viewer:
        requests = watched_requests(viewer.page)
        short = ticket(watch_s=10)
        wall = f'<camera-wall site="house" ticket="{short}"></camera-wall>'
        await viewer.page.goto(here.ours.shows(here.snippet(wall)))
        await plays(viewer)
        over = viewer.page.get_by_text("Viewing time is over")
        await over.first.wait_for(timeout=PATIENCE * 1000)
        assert dials(requests) == 1
        await viewer.page.evaluate(
            """(ticket) => {
              document.querySelector("camera-wall").ticketProvider = async () => ticket;
            }""",
            ticket(),
        )
        again = viewer.page.get_by_role("button", name=re.compile("Try"))
        await again.first.click()
        await again_if_needed(viewer)
        await plays(viewer)
        assert dials(requests) <= 3, "nothing was dialled while the time was over"


async def again_if_needed(viewer: Viewer) -> None:
    """Ask once more: the first touch may teach the player that the ticket itself is over."""

    async def settled() -> bool:
        phases = await viewer.phases()
        return bool(phases) and phases[0] in {"live", "refused"}

    await until(settled, within=PATIENCE, every=0.1)
    if (await viewer.phases())[0] == "refused":
        await viewer.page.get_by_role("button", name=re.compile("Try")).first.click()


async def a_stale_ticket_is_renewed_unseen(here: Estate, browser: Browser) -> None:
    async with window(browser) as viewer:
        stale = mint(KEY, sites=["house"], valid_s=1, now=datetime(2026, 1, 1, tzinfo=UTC))
        wall = f'<camera-wall site="house" ticket="{stale}"></camera-wall>'
        await viewer.page.goto(here.ours.shows(wall))
        await viewer.page.evaluate(
            """([source, ticket]) => {
              document.querySelector("camera-wall").ticketProvider = async () => ticket;
              const script = Object.assign(document.createElement("script"), {type: "module"});
              script.src = source;
              document.head.append(script);
            }""",
            [f"{here.company.url}/assets/player.js", ticket()],
        )
        await plays(viewer)


async def test_a_building_that_limits_watching_lets_people_go_on(tmp_path: Path) -> None:
    async with (
        estate(tmp_path, access="public", max_watch="5s") as here,
        chromium() as browser,
        window(browser, locale="en-US") as viewer,
    ):
        requests = watched_requests(viewer.page)
        await viewer.page.goto(f"{here.company.url}/watch/house")
        await plays(viewer)
        await viewer.page.get_by_text("Tap to go on watching.").wait_for(timeout=PATIENCE * 1000)
        assert dials(requests) == 1
        await viewer.page.get_by_role("button", name=re.compile("Try")).click()
        await plays(viewer)
        assert dials(requests) == 2
        assert viewer.complaints == []
