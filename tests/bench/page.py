"""What the residents' page costs a visitor: ``python -m tests.bench.page``.

Bytes are those of the network (headers included, packed as they came), times begin with the
navigation, blocked time is what tasks of the main thread took beyond 50 ms each (the Total
Blocking Time of web.dev), read from a trace of visits of their own, because a trace costs time.
Writes ``page.md``.
"""

import asyncio
import logging
import math
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import structlog

from tests.bench import place
from tests.bench.visits import PLAYERS, PROFILES, Crowd, Visit, a_building, crowd, first_and_again
from tests.e2e.browser import chromium

OUT: Final = Path(__file__).with_name("page.md")
_ROUNDS: Final = 3
_TRACED: Final = 2


async def main() -> None:
    """Measure everything and write it down."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    weather = place.busy()
    with tempfile.TemporaryDirectory() as root:
        async with a_building(Path(root)) as company, chromium() as browser:
            rows: list[str] = []
            for profile in PROFILES:
                pairs = [
                    await first_and_again(browser, company, profile, traced=traced)
                    for traced in (False,) * _ROUNDS + (True,) * _TRACED
                ]
                for when, visits in zip(("first", "again"), zip(*pairs, strict=True), strict=True):
                    rows.append(_row(f"{profile.name}, {when}", visits))
                    print(rows[-1], flush=True)
            many = await crowd(browser, company)
            version = browser.version
    OUT.write_text(_text(rows, many, weather, version), encoding="utf-8")


def _row(name: str, visits: Sequence[Visit]) -> str:
    timed = [one for one in visits if math.isnan(one.blocked_ms)]
    traced = [one.blocked_ms for one in visits if not math.isnan(one.blocked_ms)]

    def kb(kind: str) -> str:
        return f"{place.middle([one.bytes.get(kind, 0) for one in timed]) / 1000:.1f}"

    cells = [
        name,
        f"{place.middle([one.requests for one in timed]):.0f}",
        *map(kb, ("files", "API", "posters")),
        f"{place.middle([one.poster_ms for one in timed]):.0f}",
        f"{place.middle([one.frame_ms for one in timed]):.0f}",
        f"{place.middle(traced):.0f}",
    ]
    return "| " + " | ".join(cells) + " |"


_TEXT: Final = """# What the residents' page costs

    python -m tests.bench.page    # some minutes; rewrites this page

{machine}, Chromium {version}; gateway, cameras and browser share it.
Medians of {rounds} visits, a building of four cameras. {weather}

Bytes are those on the wire in kB, headers included; times are milliseconds from the navigation;
*blocked* is the Total Blocking Time of the main thread until two seconds after the first picture.
*4G* and *slow 4G* are the presets of Chrome's developer tools (9 Mbit/s down, 1.5 up, 165 ms for
each request; 1.6, 0.75 and 562.5 ms, which is Lighthouse's), set over the DevTools protocol: they
slow HTTP down and leave WebRTC's UDP alone. Three requests one after the other stand before the
first picture (page, script, offer; tests/e2e/test_page.py holds that): 0.5 s on 4G, 1.7 s on slow
4G, on any machine. Who comes again has the script: two.

| visit | requests | files | API | posters | poster | first frame | blocked |
|---|---|---|---|---|---|---|---|
{rows}

{players} players on one page (1920x1080, small streams, decoded in software): {many.playing} play,
{many.fps:.1f} pictures a second each, {many.dropped:.1%} dropped; the main thread is busy
{many.main_thread:.0f}% of the time, all of Chromium takes {many.chromium:.0f}% of a core.
"""


def _text(rows: Sequence[str], many: Crowd, weather: str, version: str) -> str:
    return _TEXT.format(
        machine=place.machine(),
        version=version,
        rounds=_ROUNDS,
        weather=weather,
        rows="\n".join(rows),
        players=PLAYERS,
        many=many,
    )


if __name__ == "__main__":
    asyncio.run(main())
