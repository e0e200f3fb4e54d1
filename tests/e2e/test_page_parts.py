"""The parts of the page that only think: the player's states, its places, its parsers.

They run in the browser that runs the page, loaded from a server of files and nothing else.
"""
# ruff: noqa: RUF001  # the console speaks Russian

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from playwright.async_api import Page

from gateway.api.assets import Assets
from gateway.api.joining import ENTRIES
from tests.e2e.browser import chromium, window

WEB = Path(__file__).parents[2] / "web"
FRAME = {"type": "frame"}
PLAY = {"type": "play"}
TICK = {"type": "tick"}

pytestmark = pytest.mark.browser


@asynccontextmanager
async def modules() -> AsyncIterator[Page]:
    """Open an empty page that can import the scripts."""
    app = web.Application()
    app.router.add_static("/assets", WEB)
    app.router.add_get("/", _empty_page)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    try:
        async with chromium() as browser, window(browser) as viewer:
            await viewer.page.goto(f"http://{host}:{port}/")
            yield viewer.page
            assert [text for text in viewer.complaints if "favicon" not in text] == []
    finally:
        await runner.cleanup()


async def _empty_page(_: web.Request) -> web.Response:
    return web.Response(text="<!doctype html>", content_type="text/html")


async def story(page: Page, *events: tuple[int, dict[str, Any]]) -> list[dict[str, Any]]:
    """Send events at their times (ms); return the state after each, chance being a half."""
    states: list[dict[str, Any]] = await page.evaluate(
        """async (events) => {
          const { next, START } = await import("/assets/js/player/player-state.js");
          let state = START;
          return events.map(([now, event]) => (state = next(state, event, now, 0.5)));
        }""",
        [list(event) for event in events],
    )
    return states


async def test_the_states_of_a_player() -> None:
    async with modules() as page:
        await a_picture_makes_it_live_and_silence_unmakes_it(page)
        await a_lost_connection_comes_back_with_growing_waits(page)
        await a_wait_that_the_server_names_is_kept(page)
        await a_place_in_line_is_shown_and_asked_for_steadily(page)
        await a_camera_that_returns_is_tried_at_once(page)
        await a_replaced_media_server_is_dialled_anew(page)
        await a_hidden_player_hangs_up_and_returns(page)
        await missed_checks_end_a_connection_unless_they_recover(page)
        await a_refusal_stays_until_a_person_asks(page)
        await without_a_network_nothing_is_tried(page)


async def a_picture_makes_it_live_and_silence_unmakes_it(page: Page) -> None:
    quiet = {"type": "quiet", "last": 5000}
    states = await story(page, (0, PLAY), (100, FRAME), (8000, quiet), (9000, FRAME))
    assert [state["phase"] for state in states] == ["connecting", "live", "silent", "live"]
    assert states[2]["since"] == 5000
    assert {state["line"] for state in states} == {1}, "the same connection all along"
    away = (1, {"type": "board", "up": False})
    late = await story(page, (0, PLAY), away, (3000, {"type": "quiet", "last": 0}), (60_000, FRAME))
    assert [state["phase"] for state in late[2:]] == ["silent", "live"]
    assert late[-1]["line"] == 1


async def a_lost_connection_comes_back_with_growing_waits(page: Page) -> None:
    lost = {"type": "lost", "reason": "network"}
    now, events = 0, [(0, PLAY)]
    for _ in range(8):
        events += [(now + 1, lost), (now + 60_000, TICK)]
        now += 60_000
    states = await story(page, *events)
    waits = [
        state["due"] - at
        for (at, _), state in zip(events, states, strict=True)
        if state["phase"] == "waiting"
    ]
    assert waits == sorted(waits)
    assert waits[0] < 1000
    assert waits[-1] == waits[-2] <= 30_000
    assert states[-1]["line"] == 9, "each try is a connection of its own"


async def a_wait_that_the_server_names_is_kept(page: Page) -> None:
    full = {"type": "lost", "reason": "full", "retryAfter": 20_000}
    states = await story(page, (0, PLAY), (10, full), (19_000, TICK), (20_010, TICK))
    assert [state["phase"] for state in states] == [
        "connecting",
        "waiting",
        "waiting",
        "connecting",
    ]


async def a_place_in_line_is_shown_and_asked_for_steadily(page: Page) -> None:
    now, events = 0, [(0, PLAY)]
    for place in (9, 8, 7, 6, 5, 4, 3, 2, 1):
        lost = {"type": "lost", "reason": "full", "retryAfter": 2000, "place": place}
        events += [(now + 1, lost), (now + 3000, TICK)]
        now += 3000
    states = await story(page, *events, (now + 100, FRAME))
    waits = [
        (state["place"], state["due"] - at)
        for (at, _), state in zip(events, states, strict=False)
        if state["phase"] == "waiting"
    ]
    assert waits == [(place, 2100) for place in range(9, 0, -1)], "no wait grows in line"
    assert states[2]["phase"] == "connecting"
    assert states[2]["place"] == 9, "the place stays on the screen while it is asked for"
    assert (states[-1]["phase"], states[-1]["place"]) == ("live", 0)


async def a_camera_that_returns_is_tried_at_once(page: Page) -> None:
    gone = {"type": "lost", "reason": "camera", "retryAfter": 30_000}
    states = await story(
        page,
        (0, PLAY),
        (1, {"type": "board", "up": False}),
        (10, gone),
        (5000, {"type": "board", "up": True}),
        (6000, TICK),
    )
    assert states[3]["due"] < 6000
    assert states[4]["phase"] == "connecting"


async def a_replaced_media_server_is_dialled_anew(page: Page) -> None:
    up, down = {"type": "board", "up": True}, {"type": "board", "up": False}
    begin = ((0, PLAY), (1, up), (10, FRAME))
    quiet = {"type": "quiet", "last": 1000}
    early = await story(page, *begin, (1100, down), (1900, up), (4000, quiet), (4000, TICK))
    assert early[-1]["phase"] == "waiting", "back before we noticed: the old connection is dead"
    late = await story(page, *begin, (1100, down), (4000, quiet), (9000, up), (10_000, TICK))
    assert late[-1]["phase"] == "silent", "the same connection gets its chance"
    assert late[-1]["line"] == 1
    given_up = await story(page, *begin, (1100, down), (4000, quiet), (9000, up), (12_000, TICK))
    assert given_up[-1]["phase"] == "waiting"


async def a_hidden_player_hangs_up_and_returns(page: Page) -> None:
    states = await story(
        page,
        (0, PLAY),
        (10, FRAME),
        (100, {"type": "hide"}),
        (4000, TICK),
        (6000, TICK),
        (9000, {"type": "show"}),
    )
    assert [state["phase"] for state in states[2:]] == ["live", "live", "paused", "connecting"]
    assert states[4]["line"] == 0
    glance = await story(
        page, (0, PLAY), (10, FRAME), (100, {"type": "hide"}), (900, {"type": "show"}), (9000, TICK)
    )
    assert glance[-1]["phase"] == "live"
    late = await story(page, (0, PLAY), (1, {"type": "hide"}), (50, FRAME), (9000, TICK))
    assert late[-1]["phase"] == "paused", "a picture that came while hidden keeps nobody awake"


async def missed_checks_end_a_connection_unless_they_recover(page: Page) -> None:
    shaky, steady = {"type": "shaky"}, {"type": "steady"}
    begin = ((0, PLAY), (10, FRAME))
    ended = await story(page, *begin, (100, shaky), (2100, TICK))
    assert ended[-1]["phase"] == "waiting"
    saved = await story(page, *begin, (100, shaky), (900, steady), (2100, TICK))
    assert saved[-1]["phase"] == "live"


async def a_refusal_stays_until_a_person_asks(page: Page) -> None:
    refused = {"type": "refused", "reason": "ticket"}
    states = await story(page, (0, PLAY), (10, refused), (10_000_000, TICK), (10_000_001, PLAY))
    assert [state["phase"] for state in states[1:]] == ["refused", "refused", "connecting"]
    codec = await story(page, (0, PLAY), (10, {"type": "refused", "reason": "codec"}))
    assert codec[-1]["due"] is not None, "a technician may repair that"


async def without_a_network_nothing_is_tried(page: Page) -> None:
    states = await story(
        page,
        (0, PLAY),
        (10, FRAME),
        (20, {"type": "offline"}),
        (60_000, TICK),
        (70_000, {"type": "online"}),
    )
    assert [state["phase"] for state in states[2:]] == ["offline", "offline", "connecting"]


async def test_places_parsers_and_languages() -> None:
    async with modules() as page:
        await places_are_given_fairly(page)
        await a_weak_network_is_told_from_a_silent_camera(page)
        await link_headers_become_ice_servers(page)
        await events_survive_any_cut(page)
        await the_language_is_chosen_in_order(page)
        await what_staff_is_told_is_said_in_the_pages_language(page)


async def places_are_given_fairly(page: Page) -> None:
    told = await page.evaluate(
        """async () => {
          const { Lines } = await import("/assets/js/player/lines.js");
          const lines = new Lines({ auto: 2, total: 3 });
          const told = [];
          const holder = (name) => ({
            makeRoom: () => told.push(`${name} makes room`),
            roomCame: () => told.push(`${name} may play`),
          });
          const [a, b, c, d, e] = ["a", "b", "c", "d", "e"].map(holder);
          const got = [lines.take(a, false), lines.take(b, false), lines.take(c, false)];
          got.push(lines.take(d, true), lines.take(e, true));
          lines.give(d);
          lines.give(e);
          return { got, told };
        }"""
    )
    assert told["got"] == [True, True, False, True, True]
    assert told["told"] == ["a makes room", "c may play"]


async def a_weak_network_is_told_from_a_silent_camera(page: Page) -> None:
    heard = await page.evaluate(
        """async () => {
          const { Pulse } = await import("/assets/js/player/stats.js");
          const listen = (step) => new Promise((done) => {
            let look = 0;
            const heard = [];
            const hooks = new Proxy({}, { get: (_, name) => (given) => heard.push([name, given]) });
            const getStats = async () => {
              look += 1;
              if (look === 5) setTimeout(() => (pulse.close(), done(heard)));
              const report = { type: "inbound-rtp", kind: "video", framesDecoded: look * 20 };
              return new Map([["v", { ...report, ...step(look) }]]);
            };
            const pulse = new Pulse({ getStats }, hooks);
          });
          const counted = (lost, frozen) => listen((look) => ({
            packetsReceived: look * 100,
            packetsLost: look * lost,
            totalFreezesDuration: look * frozen,
          }));
          return Promise.all([counted(10, 0.3), counted(0, 0.3), counted(10, 0)]);
        }"""
    )
    weak, camera, hidden = heard
    assert ["weak", True] in weak
    assert ["weak", True] not in camera, "the camera itself stutters"
    assert ["weak", True] not in hidden, "what was lost was sent again in time"


async def link_headers_become_ice_servers(page: Page) -> None:
    header = (
        '<stun:stun.example:3478>; rel="ice-server", '
        '<turn:turn.example?transport=udp>; rel="ice-server"; username="a,b"; '
        'credential="c\\"d;e"; credential-type="password", </style.css>; rel=preload'
    )
    servers = await page.evaluate(
        """async (header) => (await import("/assets/js/api.js")).iceServers(header)""", header
    )
    assert servers == [
        {"urls": "stun:stun.example:3478"},
        {"urls": "turn:turn.example?transport=udp", "username": "a,b", "credential": 'c"d;e'},
    ]
    nothing = """async () => (await import("/assets/js/api.js")).iceServers("")"""
    assert await page.evaluate(nothing) == []


async def events_survive_any_cut(page: Page) -> None:
    text = 'retry: 2000\n\n: here\n\nevent: site\r\ndata: {"a":\r\ndata:  1}\r\n\r\ndata: "ё"\n\n'
    heard = await page.evaluate(
        """async (text) => {
          const { eventParser } = await import("/assets/js/api.js");
          return [...text].map((_, cut) => {
            const heard = [];
            const parse = eventParser((event) => heard.push(event));
            parse(text.slice(0, cut));
            parse(text.slice(cut));
            return JSON.stringify(heard);
          });
        }""",
        text,
    )
    expected = [{"name": "site", "data": {"a": 1}}, {"name": "message", "data": "ё"}]
    assert {json.dumps(json.loads(one)) for one in heard} == {json.dumps(expected)}


async def the_language_is_chosen_in_order(page: Page) -> None:
    chosen = await page.evaluate(
        """async () => {
          const { chooseLanguage } = await import("/assets/js/i18n.js");
          return [
            chooseLanguage({ search: "?lang=en", kept: "ru", preferred: ["ru-RU"] }),
            chooseLanguage({ search: "", kept: "ru", preferred: ["en-US"] }),
            chooseLanguage({ search: "?lang=xx", kept: null, preferred: ["de-DE", "ru"] }),
            chooseLanguage({ search: "", kept: null, preferred: ["de-DE"] }),
          ];
        }"""
    )
    assert chosen == ["en", "ru", "ru", "en"]


async def what_staff_is_told_is_said_in_the_pages_language(page: Page) -> None:
    began = {"target": "house", "seconds": "0.92", "why": "stopped_saying", "said": "no port"}
    remarks = [
        {"code": "done_start", "text": "started house", "values": began},
        {"code": "failed_stop", "text": "could not", "values": {"target": "a", "why": "conflict"}},
        {"code": "silent_onvif", "text": "it is silent", "values": {"why": "unheard_of"}},
        {"code": "unheard_of", "text": "said by a newer gateway", "values": {}},
    ]
    said = await page.evaluate(
        """async (remarks) => {
          const { Words } = await import("/assets/js/i18n.js");
          const { remarkSpans } = await import("/assets/js/console/told.js");
          const texts = await (await fetch("/assets/i18n/gateway.ru.json")).json();
          const words = new Words("ru", texts);
          const spans = (remark) => remarkSpans(words, remark).filter(({ lang }) => lang);
          return remarks.map((one) => spans(one).map(({ lang, innerText }) => [lang, innerText]));
        }""",
        remarks,
    )
    assert said == [
        [["ru", "Медиасервер house запущен за 0,92 с. Он остановился с сообщением: no port"]],
        [
            ["ru", "Не удалось остановить медиасервер a. Медиасерверу дома что-то мешает."],
            ["en", "could not"],
        ],
        [["en", "it is silent"]],
        [["en", "said by a newer gateway"]],
    ]


MODULES = sorted({str(path.relative_to(WEB)) for path in (WEB / "js").rglob("*.js")} - ENTRIES)


@pytest.mark.parametrize("name", MODULES)
def test_comments_stay_at_home_and_nothing_else_does(name: str) -> None:
    found = asyncio.run(Assets(WEB).get(name))
    served, written = found.body.decode().splitlines(), (WEB / name).read_text().splitlines()
    assert len(served) == len(written), "errors name the right line"
    for given, kept in zip(written, served, strict=True):
        gone = given.strip().startswith(("/**", "*", "//"))
        assert kept in {given, ""} if gone else kept == given
