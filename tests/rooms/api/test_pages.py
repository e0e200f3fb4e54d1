"""The pages and their files: typed, revalidated, framed by whom the site allows, from one place."""

import asyncio
import gzip
import os
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from pytest_aiohttp import AiohttpClient

from gateway.api.headers import frame_ancestors
from gateway.model.site import Access
from tests.rooms.api.stage import Stage, served, site_of
from tests.waiting import until

Client = TestClient[web.Request, web.Application]
PLAIN = {"Accept-Encoding": "identity"}


async def test_the_pages(client: Client) -> None:
    for path, title in (("/", "index"), ("/watch/open", "watch"), ("/watch/unknown", "watch")):
        response = await client.get(path)
        assert response.status == 200
        assert response.headers["Content-Type"] == "text/html; charset=utf-8"
        assert response.headers["Cache-Control"] == "no-cache"
        assert title in await response.text()
        head = await client.head(path)
        assert (head.status, await head.read()) == (200, b"")
        assert head.headers["Content-Length"] == response.headers["Content-Length"]


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("a.js", "text/javascript; charset=utf-8"),
        ("a.css", "text/css; charset=utf-8"),
        ("a.json", "application/json; charset=utf-8"),
        ("a.svg", "image/svg+xml; charset=utf-8"),
        ("a.webmanifest", "application/manifest+json; charset=utf-8"),
        ("a.png", "image/png"),
        ("a.woff2", "font/woff2"),
    ],
)
async def test_each_file_has_its_type(
    client: Client, stage: Stage, name: str, content_type: str
) -> None:
    (stage.web_dir / name).write_bytes(b"content")
    response = await client.get(f"/assets/{name}")
    assert response.headers["Content-Type"] == content_type
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Access-Control-Allow-Origin"] == "*"


async def test_a_file_is_sent_again_only_when_it_changed(client: Client, stage: Stage) -> None:
    first = await client.get("/assets/js/page.js", headers=PLAIN)
    tag = {"If-None-Match": first.headers["ETag"]}
    assert (await client.get("/assets/js/page.js", headers=PLAIN | tag)).status == 304
    (stage.web_dir / "js/page.js").write_text("export const answer = 43;\n")
    changed = await client.get("/assets/js/page.js", headers=PLAIN | tag)
    assert (changed.status, await changed.text()) == (200, "export const answer = 43;\n")


async def test_text_is_packed_for_those_who_take_it(client: Client, stage: Stage) -> None:
    text = (stage.web_dir / "js/page.js").read_bytes()
    packed = await client.get("/assets/js/page.js", headers={"Accept-Encoding": "br, gzip;q=0.5"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.headers["Vary"] == "Accept-Encoding"
    assert int(packed.headers["Content-Length"]) == len(gzip.compress(text, mtime=0))
    assert await packed.read() == text
    plain = await client.get("/assets/js/page.js", headers={"Accept-Encoding": "gzip;q=0"})
    assert "Content-Encoding" not in plain.headers
    assert plain.headers["ETag"] != packed.headers["ETag"]


ESCAPES = [
    "/assets/../secret.js",
    "/assets/js/../../secret.js",
    "/assets/%2e%2e/secret.js",
    "/assets/..%2fsecret.js",
    "/assets/js%2f..%2f..%2fsecret.js",
    "/assets/%252e%252e/secret.js",
    "/assets/..%5csecret.js",
    "/assets//etc/passwd",
    "/assets/%2fetc%2fpasswd",
    "/assets/js/page.js%00.png",
    "/assets/js/page.js/",
    "/assets/js",
    "/assets/js/",
    "/assets/.hidden.js",
    "/assets/link.js",
    "/assets/notes.txt",
    "/assets/index.html",
    "/assets/%ff%fe.js",
    "/assets/" + "a/" * 40 + "b.js",
    "/assets/" + "a" * 400 + ".js",
    "/assets/%0d%0aSet-Cookie:x.js",
]


@pytest.mark.parametrize("path", ESCAPES)
async def test_nothing_but_the_pages_files_is_served(stage: Stage, path: str) -> None:
    for name in ("secret.js", "web/.hidden.js", "web/notes.txt"):
        (stage.web_dir.parent / name).write_text("TREASURE")
    (stage.web_dir / "link.js").symlink_to(stage.web_dir.parent / "secret.js")
    async with served(stage.app()) as (_, port):
        answer = await spoken(port, f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answer.startswith((b"HTTP/1.1 404", b"HTTP/1.1 400"))
    assert b"TREASURE" not in answer
    assert b"Set-Cookie" not in answer.partition(b"\r\n\r\n")[0]


async def test_bad_requests_do_not_harm_the_next_and_fill_no_log(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    async with served(stage.app()) as (_, port):
        for request in (
            "GET /\x00 HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: x\r\nOrigin: a\r\n b\r\n\r\n",
            "NONSENSE\r\n\r\n",
            "POST /whep/open/yard HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: x\r\nX: " + "y" * 20_000 + "\r\n\r\n",
        ):
            assert b" 400 " in (await spoken(port, request)).partition(b"\r\n")[0]
        ok = await spoken(port, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert ok.startswith(b"HTTP/1.1 200")
    assert not caplog.records


async def test_a_slow_body_is_cut(stage: Stage) -> None:
    stage.limits = replace(stage.limits, body_s=0.1)
    head = "POST /whep/open/yard HTTP/1.1\r\nHost: x\r\nContent-Type: application/sdp\r\n"
    async with served(stage.app()) as (_, port):
        answer = await spoken(port, f"{head}Content-Length: 1000\r\n\r\nv=0")
        assert answer.startswith(b"HTTP/1.1 408")
        assert b"too_slow" in answer


async def test_an_endless_body_is_cut(stage: Stage) -> None:
    head = "POST /whep/open/yard HTTP/1.1\r\nHost: x\r\nContent-Type: application/sdp\r\n"
    async with served(stage.app()) as (server, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        writer.write(b"1000\r\n" + b"v=0\r" * 1024 + b"\r\n")
        for _ in range(40):
            writer.write(b"1000\r\n" + b"a" * 4096 + b"\r\n")
        async with asyncio.timeout(5):
            assert b"413" in await reader.readline()
        writer.transport.abort()
        await until(lambda: not server.connections)


async def spoken(port: int, request: str) -> bytes:
    """Send raw text and return all that comes back until the server hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request.encode("latin-1"))
    async with asyncio.timeout(15):
        answer = await reader.read()
    writer.transport.abort()
    return answer


async def test_every_answer_is_secured(client: Client) -> None:
    for path in (
        "/",
        "/nothing",
        "/api/v1/sites",
        "/api/v1/none",
        "/assets/js/page.js",
        "/healthz",
        "/console",
        "/embed-preview/open",
        "/api/v1/docs",
    ):
        headers = (await client.get(path)).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'; script-src 'self'; style-src 'self';" in policy
        assert "unsafe" not in policy
        assert policy.endswith("frame-ancestors 'self'")
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "camera=()" in headers["Permissions-Policy"]
        assert headers["Server"] == "camera-gateway"


@pytest.mark.parametrize(
    ("site", "ancestors"),
    [
        (site_of("s"), "*"),
        (site_of("s", Access.TICKET), "'self'"),
        (site_of("s", Access.TICKET, origins=("https://a.b",)), "'self' https://a.b"),
        (
            site_of("s", origins=("https://a.b:8443/", "http://[::1]:80")),
            "'self' https://a.b:8443 http://[::1]:80",
        ),
        (site_of("s", origins=("https://a.b; script-src *", "null", "https://x y")), "'self'"),
        (None, "'self'"),
    ],
)
async def test_who_may_frame_a_sites_page(site: object, ancestors: str) -> None:
    assert frame_ancestors(site) == ancestors  # type: ignore[arg-type]  # parametrized


async def test_the_watch_page_is_framed_by_whom_the_site_allows(
    client: Client, stage: Stage
) -> None:
    stage.add(site_of("partner", origins=("https://uk.example",)))
    policy = (await client.get("/watch/partner")).headers["Content-Security-Policy"]
    assert policy.endswith("frame-ancestors 'self' https://uk.example")


async def test_the_gateway_works_without_its_pages(
    stage: Stage, aiohttp_client: AiohttpClient, tmp_path: Path
) -> None:
    stage.web_dir = tmp_path / "nowhere"
    client = await aiohttp_client(stage.app())
    assert (await client.get("/")).status == 404
    assert (await client.get("/healthz")).status == 200


async def test_a_file_that_is_too_large_is_not_served(client: Client, stage: Stage) -> None:
    with (stage.web_dir / "big.js").open("wb") as file:
        os.truncate(file.fileno(), 5 * 1024 * 1024)
    assert (await client.get("/assets/big.js")).status == 404
