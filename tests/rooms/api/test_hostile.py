"""Requests that nobody sends by mistake: heads that never end, and headers in disguise."""

import asyncio
from urllib.parse import quote

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from yarl import URL

from gateway.api.openapi import document
from gateway.api.runner import create_runner
from tests.rooms.api.stage import STAFF, Stage
from tests.waiting import until

Client = TestClient[web.Request, web.Application]
EVIL = "a\r\nX-Evil: 1\r\n\r\n<h1>evil</h1>"
HEAD_S = 0.3


async def test_a_head_that_never_ends_is_hung_up_on(stage: Stage) -> None:
    runner = create_runner(stage.app(), head_s=HEAD_S)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port = runner.addresses[0][1]
        silent, _ = silent_pair = await asyncio.open_connection("127.0.0.1", port)
        slow, drip = await asyncio.open_connection("127.0.0.1", port)
        polite, ask = await asyncio.open_connection("127.0.0.1", port)
        ask.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await polite.readline()).startswith(b"HTTP/1.1 ")

        async def hung_up() -> bool:
            drip.write(b"X")
            return slow.at_eof() or slow.exception() is not None

        await until(hung_up, within=10, every=HEAD_S / 10)
        async with asyncio.timeout(10):
            assert await silent.read() == b""
        ask.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        await polite.readuntil(b"HTTP/1.1 ")
        for writer in (silent_pair[1], drip, ask):
            writer.transport.abort()
        server = runner.server
        assert server is not None
        await until(lambda: not server.connections)
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("headers", [{}, STAFF], ids=["stranger", "staff"])
async def test_no_address_writes_a_header(
    client: Client, stage: Stage, headers: dict[str, str]
) -> None:
    """Put a line end into every place of every address that one may ask for."""
    for path, item in document(stage.app())["paths"].items():
        if path.endswith("/events") or "get" not in item:
            continue
        names = {one["name"]: one["in"] for one in item["get"]["parameters"]}
        filled = path
        for name, where in names.items():
            if where == "path":
                filled = filled.replace(f"{{{name}}}", quote(EVIL, safe=""))
        query = "&".join(
            f"{name}={quote(EVIL, safe='')}" for name, where in names.items() if where == "query"
        )
        url = URL(f"{filled}?{query}" if query else filled, encoded=True)
        answer = await client.get(url, headers=headers, allow_redirects=False)
        assert "X-Evil" not in answer.headers, path
        assert answer.status < 500, path
        text = await answer.text(errors="replace")
        assert "<h1>evil" not in text, path
