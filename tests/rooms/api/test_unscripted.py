"""What a building's page shows without scripts: what everybody may see, and nothing else."""

from dataclasses import replace
from datetime import UTC, datetime

from aiohttp import web
from aiohttp.test_utils import TestClient

from gateway.model.site import Access, PrivacyHours
from gateway.model.text import LocalText
from tests.rooms.api.stage import Picture, Stage, site_of

Client = TestClient[web.Request, web.Application]
PAGE = "<noscript><!-- pictures --></noscript>"


async def shown(client: Client, site: str) -> str:
    answer = await client.get(f"/watch/{site}")
    assert answer.status == 200
    return await answer.text()


def prepare(stage: Stage) -> None:
    (stage.web_dir / "watch.html").write_text(PAGE)
    for site in ("open", "tickets", "office", "private"):
        stage.album.pictures[site, "yard"] = Picture(b"\xff\xd8", datetime.now(UTC))


async def test_only_public_pictures_are_shown(client: Client, stage: Stage) -> None:
    prepare(stage)
    text = await shown(client, "open")
    assert text.count("<img") == 1
    assert 'src="/api/v1/sites/open/cameras/yard/poster.jpg?t=' in text
    for site in ("tickets", "office", "nowhere"):
        assert await shown(client, site) == "<noscript></noscript>"


async def test_nothing_is_shown_in_privacy_hours_and_names_are_no_markup(
    client: Client, stage: Stage
) -> None:
    prepare(stage)
    site = site_of("private", Access.PUBLIC)
    hours = (PrivacyHours(0, 720), PrivacyHours(720, 1440))
    cameras = tuple(replace(one, privacy_hours=hours) for one in site.cameras)
    stage.add(replace(site, cameras=cameras))
    assert "<img" not in await shown(client, "private")
    evil = LocalText.of("<script>")
    stage.add(replace(site, cameras=tuple(replace(one, name=evil) for one in site.cameras)))
    text = await shown(client, "private")
    assert "<img" in text
    assert "<script>" not in text


async def test_the_page_is_sent_again_when_a_picture_is_new(client: Client, stage: Stage) -> None:
    prepare(stage)
    first = await client.get("/watch/open")
    same = await client.get("/watch/open", headers={"If-None-Match": first.headers["ETag"]})
    assert same.status == 304
    stage.album.pictures["open", "yard"] = Picture(b"", datetime(2026, 1, 1, tzinfo=UTC))
    new = await client.get("/watch/open", headers={"If-None-Match": first.headers["ETag"]})
    assert new.status == 200
