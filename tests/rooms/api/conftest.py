"""A stage with three sites, one for each access, and a client at its doors."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from pytest_aiohttp import AiohttpClient

from gateway.model.site import Access
from tests.rooms.api.stage import Stage, site_of

Client = TestClient[web.Request, web.Application]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """Give a web directory and the sites ``open``, ``tickets`` and ``office``.

    Fails a test that got an answer of which the OpenAPI document does not tell.
    """
    (tmp_path / "web/js").mkdir(parents=True)
    (tmp_path / "web/index.html").write_text("<!doctype html><title>index</title>")
    (tmp_path / "web/watch.html").write_text("<!doctype html><title>watch</title>")
    (tmp_path / "web/js/page.js").write_text("export const answer = 42;\n" * 40)
    made = Stage(tmp_path / "web")
    made.add(site_of("open"))
    made.add(site_of("tickets", Access.TICKET))
    made.add(site_of("office", Access.STAFF))
    yield made
    assert not made.undescribed


@pytest.fixture
async def client(stage: Stage, aiohttp_client: AiohttpClient) -> Client:
    """Give a client of the stage's application on a port of its own."""
    return await aiohttp_client(stage.app())
