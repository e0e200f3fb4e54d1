"""The event stream: everything first, then what changes, for those who may see it, and an end."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import ClientSession, ClientTimeout, web
from aiohttp.test_utils import TestClient
from pytest_aiohttp import AiohttpClient

from gateway.api import keys, tickets
from gateway.model.remark import Remark
from gateway.model.site import Access, Site
from gateway.model.status import CameraState, SiteStatus
from gateway.model.text import LocalText
from tests.rooms.api.stage import (
    STAFF,
    TICKET_SECRET,
    Stage,
    events_of,
    served,
    site_of,
    status_of,
)
from tests.waiting import until

Client = TestClient[web.Request, web.Application]


async def take(events: AsyncIterator[tuple[str, Any]], count: int) -> list[tuple[str, Any]]:
    async with asyncio.timeout(5):
        return [await anext(events) for _ in range(count)]


def named(events: list[tuple[str, Any]]) -> list[tuple[str, str]]:
    return [(kind, data.get("site", data.get("id"))) for kind, data in events]


def with_camera(status: SiteStatus, number: int, **changes: Any) -> SiteStatus:
    cameras = list(status.cameras)
    cameras[number] = replace(cameras[number], **changes)
    return replace(status, cameras=tuple(cameras))


def after_step(site: Site, said: str) -> SiteStatus:
    return replace(status_of(site), last_step=Remark("", said))


async def test_everything_first_then_the_changes(client: Client, stage: Stage) -> None:
    async with client.get("/api/v1/events", headers=STAFF) as response:
        assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        assert response.headers["Cache-Control"] == "no-store"
        assert await response.content.readline() == b"retry: 2000\n"
        async with aclosing(events_of(response)) as events:
            first = await take(events, 9)
            assert named(first) == [
                (kind, site)
                for site in ("office", "open", "tickets")
                for kind in ("site", "camera", "camera")
            ]
            listed = await (await client.get("/api/v1/sites", headers=STAFF)).json()
            assert [data for kind, data in first if kind == "site"] == listed["sites"]
            shown = await (await client.get("/api/v1/sites/open")).json()
            assert first[4][1] == shown["cameras"][0] | {"site": "open"}

            status = status_of(stage.sites["open"])
            status = with_camera(status, 1, state=CameraState.SILENT, reason="since noon")
            stage.board.publish(status)
            changed = dict(await take(events, 2))
            assert changed["site"]["cameras"] == {"total": 2, "live": 1}
            assert changed["camera"]["reason"] == "since noon"

            stage.board.forget("office")
            assert await take(events, 1) == [("gone", {"site": "office"})]


async def test_a_cameras_address_is_told_to_staff_only(client: Client, stage: Stage) -> None:
    reason = "the camera at 10.0.0.2 refuses this user and password"
    silent = with_camera(status_of(stage.sites["open"]), 1, reason=reason, hint="see 10.0.0.2")
    async with (
        client.get("/api/v1/events?site=open") as response,
        aclosing(events_of(response)) as events,
    ):
        await take(events, 3)
        stage.board.publish(silent)
        told = await take(events, 1)
    async with client.get("/api/v1/sites/open") as response:
        told.append(("shown", await response.json()))
    assert "10.0.0.2" not in json.dumps(told)
    async with client.get("/api/v1/sites/open", headers=STAFF) as response:
        assert (await response.json())["cameras"][1]["reason"] == reason


async def test_one_site_only(client: Client, stage: Stage) -> None:
    stage.add(site_of("other"))
    async with client.get("/api/v1/events?site=open") as response:
        events = events_of(response)
        assert [kind for kind, _ in await take(events, 3)] == ["site", "camera", "camera"]
        for site in ("other", "open"):
            stage.board.publish(with_camera(status_of(stage.sites[site]), 0, viewers=7, width=1))
        assert named(await take(events, 1)) == [("camera", "open")]


async def test_hidden_sites_are_not_told(client: Client, stage: Stage) -> None:
    token = tickets.mint(
        TICKET_SECRET, sites=["tickets"], cameras=["yard"], valid_s=60, now=datetime.now(UTC)
    )
    headers = {"Authorization": f"Bearer {token}"}
    async with client.get("/api/v1/events", headers=headers) as response:
        events = events_of(response)
        first = await take(events, 5)
        assert named(first)[3:] == [("site", "tickets"), ("camera", "tickets")]
        assert first[3][1]["cameras"]["total"] == 1
        stage.board.publish(after_step(stage.sites["office"], "secret"))
        stage.board.publish(with_camera(status_of(stage.sites["tickets"]), 0, viewers=3))
        stage.board.forget("office")
        stage.board.publish(with_camera(status_of(stage.sites["tickets"]), 1, viewers=4))
        ((kind, camera),) = await take(events, 1)
        assert (kind, camera["id"], camera["viewers"]) == ("camera", "yard", 4)


async def test_a_site_that_opens_and_closes_comes_and_goes(client: Client, stage: Stage) -> None:
    async with client.get("/api/v1/events") as response:
        events = events_of(response)
        await take(events, 3)
        stage.sites["office"] = site_of("office")
        stage.board.publish(after_step(stage.sites["office"], "opened"))
        assert named(await take(events, 3))[0] == ("site", "office")
        stage.sites["office"] = site_of("office", Access.STAFF)
        stage.board.publish(after_step(stage.sites["office"], "closed"))
        assert named(await take(events, 1)) == [("gone", "office")]


async def test_a_name_cannot_forge_an_event(client: Client, stage: Stage) -> None:
    evil = LocalText.of("x\n\nevent: gone\r\ndata: {}\u2028")
    stage.board.publish(replace(status_of(stage.sites["open"]), name=evil))
    async with client.get("/api/v1/events") as response:
        ((kind, site),) = await take(events_of(response), 1)
    assert (kind, site["name"]) == ("site", evil.as_json())


async def test_silence_has_a_heartbeat(stage: Stage, aiohttp_client: AiohttpClient) -> None:
    stage.limits = replace(stage.limits, heartbeat_s=0.05)
    client = await aiohttp_client(stage.app())
    async with client.get("/api/v1/events") as response:
        events = events_of(response)
        await take(events, 3)
        assert [kind for kind, _ in await take(events, 2)] == ["", ""]
        stage.board.forget("open")
        kinds = [kind for kind, _ in await take(events, 2)]
        assert "gone" in kinds


async def test_a_stream_ends_with_its_ticket(stage: Stage, aiohttp_client: AiohttpClient) -> None:
    stage.limits = replace(stage.limits, heartbeat_s=0.05)
    client = await aiohttp_client(stage.app())
    expires = datetime.now(UTC).timestamp() - tickets.LEEWAY_S + 0.3
    token = tickets.jwt.encode(
        {"sites": ["tickets"], "exp": expires}, TICKET_SECRET.reveal(), algorithm="HS256"
    )
    async with (
        client.get("/api/v1/events", headers={"Authorization": f"Bearer {token}"}) as response,
        asyncio.timeout(5),
    ):
        assert response.status == 200
        await response.read()


async def test_a_subscriber_who_leaves_is_forgotten(stage: Stage) -> None:
    stage.limits = replace(stage.limits, heartbeat_s=0.05)
    app = stage.app()
    async with served(app) as (_, port), ClientSession() as session:
        response = await session.get(f"http://127.0.0.1:{port}/api/v1/events")
        await response.content.readline()
        assert len(app[keys.STREAMS]) == 1
        response.close()
        await until(lambda: len(app[keys.STREAMS]) == 0)


@pytest.mark.parametrize("reads", [True, False])
async def test_shutdown_ends_every_stream(stage: Stage, *, reads: bool) -> None:
    app = stage.app()
    writers = []
    async with served(app) as (server, port):
        for _ in range(20):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
            writer.write(b"GET /api/v1/events HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b"200" in await reader.readline()
            writers.append(writer)
        if not reads:
            writers[0].transport.pause_reading()
            await until(lambda: blocked(stage, server))
    assert len(app[keys.STREAMS]) == 0
    for writer in writers:
        writer.transport.abort()


def blocked(stage: Stage, server: web.Server) -> bool:
    """Publish until some client's events do not fit into its socket any more."""
    for _ in range(20):
        state = after_step(stage.sites["open"], str(id(object())))
        stage.board.publish(with_camera(state, 0, video_codec="x" * 100_000, viewers=len(state.id)))
        stage.board.publish(with_camera(state, 0, video_codec="y" * 100_000))
    return any(
        one.transport is not None and one.transport.get_write_buffer_size() > 100_000  # type: ignore[attr-defined]  # a socket's transport
        for one in server.connections
    )


async def test_a_client_that_does_not_read_is_cut_off_and_delays_nobody(stage: Stage) -> None:
    stage.limits = replace(stage.limits, write_s=0.3)
    app = stage.app()
    async with served(app) as (server, port), ClientSession() as session:
        _, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        writer.write(b"GET /api/v1/events HTTP/1.1\r\nHost: x\r\n\r\n")
        writer.transport.pause_reading()
        await until(lambda: len(app[keys.STREAMS]) == 1)
        await until(lambda: blocked(stage, server))
        response = await session.get(f"http://127.0.0.1:{port}/api/v1/events")
        assert len(await take(events_of(response), 3)) == 3
        await until(lambda: len(app[keys.STREAMS]) == 1)
        response.close()
        writer.transport.abort()


@pytest.mark.slow
async def test_a_thousand_subscribers(stage: Stage) -> None:
    """Each gets each change, the next one is told to wait, and nothing is left over."""
    stage.limits = replace(stage.limits, streams_total=1000)
    app = stage.app()
    heard = 0

    async def follow(session: ClientSession, url: str) -> None:
        nonlocal heard
        async with session.get(url) as response:
            async for raw in response.content:
                if raw.startswith(b"data:") and json.loads(raw[5:]).get("video_codec") == "news":
                    heard += 1
                    return

    timeout = ClientTimeout(total=None)
    async with served(app) as (_, port), ClientSession(timeout=timeout) as session:
        session.connector._limit = 0  # type: ignore[union-attr]  # the default keeps to 100
        url = f"http://127.0.0.1:{port}/api/v1/events"
        async with asyncio.TaskGroup() as group:
            for _ in range(1000):
                group.create_task(follow(session, url))
            await until(lambda: len(app[keys.STREAMS]) == 1000, within=30)
            refused = await session.get(url)
            assert (refused.status, refused.headers["Retry-After"]) == (503, "5")
            stage.board.publish(with_camera(status_of(stage.sites["open"]), 0, video_codec="news"))
        assert heard == 1000
