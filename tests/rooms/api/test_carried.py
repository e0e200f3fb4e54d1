"""What a page carries along: words in the visitor's language, and what everybody may see anyway."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from gateway.model.text import LocalText
from tests.rooms.api.stage import STAFF_TOKEN, Stage

Client = TestClient[web.Request, web.Application]
PAGE = '<!doctype html><script type="module" src="/assets/js/page.js"></script><!-- data -->'
BLOCK = re.compile(r'<script type="application/json" data-(\w+)="([\w.-]+)">([^<]*)</script>')


@pytest.fixture(autouse=True)
def pages(stage: Stage) -> None:
    """Lay out pages that take data, and words in two languages."""
    for name in ("watch", "embed"):
        (stage.web_dir / f"{name}.html").write_text(PAGE)
    (stage.web_dir / "i18n").mkdir(exist_ok=True)
    for language in ("ru", "en"):
        words = json.dumps({"title": f"</script> {language}"})
        (stage.web_dir / f"i18n/resident.{language}.json").write_text(words)


async def carried(client: Client, path: str, **headers: str) -> dict[tuple[str, str], Any]:
    answer = await client.get(path, headers=headers)
    assert answer.status == 200
    text = await answer.text()
    blocks = {(kind, name): json.loads(data) for kind, name, data in BLOCK.findall(text)}
    assert text.count("<script") == 1 + len(blocks), "nothing breaks out of its block"
    return blocks


@pytest.mark.parametrize("page", ["watch", "embed"])
async def test_a_public_building_comes_as_the_api_tells_a_stranger(
    client: Client, stage: Stage, page: str
) -> None:
    site = stage.sites["open"]
    evil = LocalText.of("</script><script>alert(1)</script><!--")
    stage.add(replace(site, cameras=tuple(replace(one, name=evil) for one in site.cameras)))
    told = await (await client.get("/api/v1/sites/open")).json()
    blocks = await carried(client, f"/{page}/open")
    assert blocks["site", "open"] == told
    assert "<script>" in str(told)


async def test_what_is_not_everybodys_is_in_no_page(client: Client) -> None:
    staff = {"Authorization": f"Bearer {STAFF_TOKEN.reveal()}"}
    for site in ("tickets", "office", "nowhere"):
        blocks = await carried(client, f"/watch/{site}", **staff)
        assert [kind for kind, _ in blocks] == ["texts"]


@pytest.mark.parametrize(
    ("query", "accepted", "language"),
    [
        ("", "ru-RU,ru;q=0.9,en;q=0.8", "ru"),
        ("", "de, en-GB;q=0.5, ru;q=0.7", "ru"),
        ("", "ru;q=0, en", "en"),
        ("", "ru;q=wrong, de", "en"),
        ("", "", "en"),
        ("?lang=en", "ru", "en"),
        ("?lang=xx", "ru", "ru"),
    ],
)
async def test_the_words_are_the_visitors(
    client: Client, query: str, accepted: str, language: str
) -> None:
    blocks = await carried(client, f"/watch/tickets{query}", **{"Accept-Language": accepted})
    assert blocks == {("texts", f"resident.{language}"): {"title": f"</script> {language}"}}


async def test_a_kept_page_is_of_its_language(client: Client) -> None:
    russian = await client.get("/watch/open", headers={"Accept-Language": "ru"})
    assert russian.headers["Vary"] == "Accept-Encoding, Accept-Language"
    assert russian.headers["Cache-Control"] == "no-cache"
    tag = {"If-None-Match": russian.headers["ETag"]}
    same = await client.get("/watch/open", headers={"Accept-Language": "ru", **tag})
    assert (same.status, same.headers["Vary"]) == (304, russian.headers["Vary"])
    assert (await client.get("/watch/open", headers={"Accept-Language": "en", **tag})).status == 200


async def test_a_script_that_is_named_with_its_version_is_kept_for_good(
    client: Client, stage: Stage
) -> None:
    async def address() -> str:
        found = re.search(r'"(/assets/js/page\.js\?v=\w+)"', await page.text())
        assert found is not None
        return found[1]

    page = await client.get("/watch/open")
    old = await address()
    assert "immutable" in (await client.get(old)).headers["Cache-Control"]
    (stage.web_dir / "js/page.js").write_text("export const answer = 43;\n")
    page = await client.get("/watch/open")
    assert await address() != old
    assert (await client.get(old)).headers["Cache-Control"] == "no-cache"
