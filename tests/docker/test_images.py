"""Images that are not there yet come from a registry, once for all who wait, and tell how far."""

import asyncio
from contextlib import closing

import pytest
import structlog

from gateway.runtime.docker import images
from gateway.runtime.docker.engine import Engine as Calls
from gateway.runtime.docker.engine import connector
from gateway.runtime.docker.images import Images, Kind
from tests.docker.registry import registry
from tests.peers.engine import Engine

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("docker")]


async def test_a_missing_image_is_pulled_once_and_tells_its_progress(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images, "_TELL_S", 0.0)  # at each message, not every ten seconds
    calls = Calls(connector(engine.url), where=engine.url)
    with registry(8 << 20) as shop, closing(engine.client()) as client:
        try:
            with structlog.testing.capture_logs() as logs:
                one = Images(calls)
                found = await asyncio.gather(*(one.ensure(shop.reference) for _ in range(5)))
            assert {image.kind for image in found} == {Kind.WCS}
            assert {image.user for image in found} == {(10_001, 10_001)}
            assert shop.asked["GET sha256:"] <= 3, "manifest, configuration and layer"
        finally:
            await calls.close()
            client.remove_image(shop.reference, force=True)
    said = [entry for entry in logs if entry["event"].startswith("an image is")]
    assert said[0] == {
        "event": "an image is pulled",
        "image": shop.reference,
        "log_level": "info",
    }
    assert any(entry.get("of") == 8 and 0 <= entry["megabytes"] <= 8 for entry in said), said
    assert said[-1]["event"] == "an image is there"
    assert sum("of" not in entry for entry in said) == 2, "it was pulled once"
