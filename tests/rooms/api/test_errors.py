"""Every error of every door has the one shape, the right status and the headers that help."""

import asyncio
import gzip
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import jwt
import pytest
import structlog
from aiohttp.test_utils import TestClient
from pytest_aiohttp import AiohttpClient

from gateway.api import tickets
from gateway.api.problems import STATUSES
from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.site import Access
from tests.rooms.api.stage import (
    OFFER,
    SDP,
    TICKET_SECRET,
    Stage,
    Switch,
    problem_of,
    site_of,
)


def bearer(**claims: Any) -> dict[str, str]:
    """Return the header of a ticket."""
    token = tickets.mint(TICKET_SECRET, **({"valid_s": 60, "now": datetime.now(UTC)} | claims))
    return {"Authorization": f"Bearer {token}"}


def failing(kind: ErrorKind) -> Callable[[Stage], None]:
    """Make every play fail."""

    def arrange(stage: Stage) -> None:
        stage.cinema.error = GatewayError(kind, "It went wrong at the yard.", "Mend it.")

    return arrange


def demo(stage: Stage) -> None:
    stage.settings = replace(stage.settings, staff_token=None)
    stage.switch = Switch({"cam-1": True})


def strict(stage: Stage) -> None:
    stage.add(site_of("strict", origins=("https://uk.example",)))


def crowded(stage: Stage) -> None:
    stage.limits = replace(stage.limits, plays_total=0)


def greedy(stage: Stage) -> None:
    stage.limits = replace(stage.limits, plays_per_client=0, limit_loopback=True)


def hasty(stage: Stage) -> None:
    stage.limits = replace(stage.limits, burst=0, limit_loopback=True)


def full_of_streams(stage: Stage) -> None:
    stage.limits = replace(stage.limits, streams_total=0)


def greedy_for_streams(stage: Stage) -> None:
    stage.limits = replace(stage.limits, streams_per_client=0, limit_loopback=True)


def no_secrets(stage: Stage) -> None:
    stage.settings = replace(stage.settings, ticket_secret=None, staff_token=None)


def broken(stage: Stage) -> None:
    stage.cinema.error = RuntimeError("rtsp://root:hunter2@10.0.0.1/ broke")


@dataclass(frozen=True, slots=True)
class Case:
    """One request that must fail in one way."""

    status: int
    kind: str
    path: str
    method: str = "GET"
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    arrange: Callable[[Stage], None] | None = None
    has: tuple[str, ...] = ()


def post(status: int, kind: str, path: str = "/whep/open/yard", **more: Any) -> Case:
    """Return a case of a WHEP offer."""
    more = {"headers": SDP, "body": OFFER.encode()} | more
    return Case(status, kind, path, method="POST", **more)


CASES = {
    "unknown path": Case(404, "not_found", "/api/v1/nothing"),
    "unknown path of whep": Case(404, "not_found", "/whep"),
    "unknown method": Case(405, "method_not_allowed", "/api/v1/sites", "PROPFIND", has=("Allow",)),
    "delete of sites": Case(405, "method_not_allowed", "/api/v1/sites", "DELETE"),
    "head of events": Case(405, "method_not_allowed", "/api/v1/events", "POST"),
    "unknown site": Case(404, "not_found", "/api/v1/sites/nowhere"),
    "unseen ticket site": Case(404, "not_found", "/api/v1/sites/tickets"),
    "unseen staff site": Case(404, "not_found", "/api/v1/sites/office"),
    "ticket of another site": Case(
        404, "not_found", "/api/v1/sites/tickets", headers=bearer(sites=["open"])
    ),
    "staff site with a ticket": Case(
        404, "not_found", "/api/v1/sites/office", headers=bearer(sites=["office"])
    ),
    "events of an unseen site": Case(404, "not_found", "/api/v1/events?site=tickets"),
    "no picture": Case(404, "not_found", "/api/v1/sites/open/cameras/yard/poster.jpg"),
    "picture unseen": Case(404, "not_found", "/api/v1/sites/office/cameras/yard/poster.jpg"),
    "wrong token": Case(
        401,
        "unauthorized",
        "/api/v1/sites",
        headers={"Authorization": "Bearer nonsense"},
        has=("WWW-Authenticate",),
    ),
    "token where none is known": Case(
        401,
        "unauthorized",
        "/api/v1/sites",
        headers={"Authorization": "Bearer nonsense"},
        arrange=no_secrets,
    ),
    "too many streams": Case(
        503, "gateway_busy", "/api/v1/events", arrange=full_of_streams, has=("Retry-After",)
    ),
    "too many streams of one": Case(
        429,
        "too_many_requests",
        "/api/v1/events",
        arrange=greedy_for_streams,
        has=("Retry-After",),
    ),
    "no demo": Case(404, "not_found", "/api/v1/demo/cameras"),
    "demo's unknown camera": Case(
        404, "not_found", "/api/v1/demo/cameras/x", "POST", arrange=demo, body=b"{}"
    ),
    "demo's other type": Case(
        415, "unsupported_media_type", "/api/v1/demo/cameras/cam-1", "POST", b"{}", {}, demo
    ),
    "demo without sense": Case(
        400,
        "bad_request",
        "/api/v1/demo/cameras/cam-1",
        "POST",
        b'{"plugged": "yes"}',
        {"Content-Type": "application/json"},
        demo,
    ),
    "demo without JSON": Case(
        400,
        "bad_request",
        "/api/v1/demo/cameras/cam-1",
        "POST",
        b"[" * 1000,
        {"Content-Type": "application/json"},
        demo,
    ),
    "demo from another website": Case(
        403,
        "forbidden",
        "/api/v1/demo/cameras/cam-1",
        "POST",
        b'{"plugged": false}',
        {"Content-Type": "application/json", "Origin": "https://evil.example"},
        demo,
    ),
    "offer of a camera that is none": post(404, "not_found", "/whep/open/nothing"),
    "offer of a site that is none": post(404, "not_found", "/whep/nowhere/yard"),
    "offer without a ticket": post(
        401, "unauthorized", "/whep/tickets/yard", has=("WWW-Authenticate",)
    ),
    "offer to staff's camera": post(401, "unauthorized", "/whep/office/yard"),
    "offer with another camera's ticket": post(
        403,
        "forbidden",
        "/whep/tickets/yard",
        headers=SDP | bearer(sites=["tickets"], cameras=["entrance-1"]),
    ),
    "offer with another site's ticket": post(
        403, "forbidden", "/whep/tickets/yard", headers=SDP | bearer(sites=["open"])
    ),
    "offer from a foreign website": post(
        403,
        "forbidden",
        "/whep/strict/yard",
        headers=SDP | {"Origin": "https://evil.example"},
        arrange=strict,
    ),
    "offer from a sandbox": post(
        403, "forbidden", "/whep/strict/yard", headers=SDP | {"Origin": "null"}, arrange=strict
    ),
    "offer to a ticket site from a foreign website": post(
        403,
        "forbidden",
        "/whep/tickets/yard",
        headers=SDP | bearer(sites=["tickets"]) | {"Origin": "https://evil.example"},
    ),
    "offer as JSON": post(
        415,
        "unsupported_media_type",
        headers={"Content-Type": "application/json"},
        has=("Accept-Post",),
    ),
    "offer of no type": post(415, "unsupported_media_type", headers={}),
    "offer in gzip": post(
        415,
        "unsupported_media_type",
        headers=SDP | {"Content-Encoding": "gzip"},
        body=gzip.compress(b"v=0" * 99),
    ),
    "offer too large": post(413, "too_large", body=b"v=0\r\n" + b"a=x\r\n" * 14_000),
    "offer of nothing": post(400, "offer_malformed", body=b""),
    "offer that is no SDP": post(400, "offer_malformed", body=b'{"sdp": "v=0"}'),
    "offer in bad UTF-8": post(400, "offer_malformed", body=b"v=0\r\ns=\xff\xfe\r\n"),
    "offer with a zero byte": post(400, "offer_malformed", body=b"v=0\r\ns=\0\r\n"),
    "offer with a strange wish": post(400, "bad_request", "/whep/open/yard?low=maybe"),
    "offer in a hurry": post(429, "too_many_requests", arrange=hasty, has=("Retry-After",)),
    "offer of the greedy": post(429, "too_many_requests", arrange=greedy, has=("Retry-After",)),
    "offer to a full gateway": post(503, "gateway_busy", arrange=crowded, has=("Retry-After",)),
    "mistake of ours": post(500, "internal", arrange=broken),
    "whep by GET": Case(405, "method_not_allowed", "/whep/open/yard"),
    "whep by PUT": Case(405, "method_not_allowed", "/whep/open/yard", "PUT"),
    "whep by PATCH": Case(405, "method_not_allowed", "/whep/open/yard/play-1", "PATCH"),
    "play that is none": Case(404, "not_found", "/whep/open/yard/play-9", "DELETE"),
    "play of a strange name": Case(404, "not_found", "/whep/open/yard/%00%0d%0a", "DELETE"),
} | {
    f"control says {kind}": post(
        status,
        kind,
        arrange=failing(kind),
        has=("Retry-After",) if status == HTTPStatus.SERVICE_UNAVAILABLE else (),
    )
    for kind, status in STATUSES.items()
}


@pytest.mark.parametrize("name", CASES)
async def test_every_error_has_the_one_shape(
    name: str, stage: Stage, aiohttp_client: AiohttpClient
) -> None:
    case = CASES[name]
    if case.arrange is not None:
        case.arrange(stage)
    client = await aiohttp_client(stage.app())
    with structlog.testing.capture_logs() as logs:
        response = await client.request(
            case.method,
            case.path,
            data=case.body,
            headers=case.headers,
            skip_auto_headers=["Content-Type"],
        )
        problem = await problem_of(response)
    assert (response.status, problem["kind"]) == (case.status, case.kind)
    assert all(header in response.headers for header in case.has)
    assert "hunter2" not in str(problem)
    assert len(logs) == (1 if name == "mistake of ours" else 0)
    await response.release()


def test_every_kind_has_a_status() -> None:
    assert set(STATUSES) == set(ErrorKind)


async def test_a_play_that_control_never_answers_is_given_up(
    stage: Stage, aiohttp_client: AiohttpClient
) -> None:
    stage.limits = replace(stage.limits, play_s=0.05)
    stage.cinema.gate = asyncio.Event()
    client = await aiohttp_client(stage.app())
    response = await client.post("/whep/open/yard", data=OFFER, headers=SDP)
    assert (await problem_of(response))["kind"] == "server_not_ready"


@pytest.mark.parametrize(
    ("language", "words"), [("ru-RU,ru;q=0.9", "Такой страницы нет"), ("de", "does not exist")]
)
async def test_people_get_a_page(client: TestClient[Any, Any], language: str, words: str) -> None:
    response = await client.get("/nothing", headers={"Accept-Language": language})
    assert response.status == 404
    assert response.content_type == "text/html"
    assert words in await response.text()


async def test_a_secret_that_is_too_short_is_the_companys_mistake(
    stage: Stage, aiohttp_client: AiohttpClient
) -> None:
    stage.settings = replace(stage.settings, ticket_secret=type(TICKET_SECRET)("short"))
    stage.add(site_of("other", Access.TICKET))
    client = await aiohttp_client(stage.app())
    token = jwt.encode({"sites": ["other"]}, TICKET_SECRET.reveal(), algorithm="HS256")
    response = await client.get("/api/v1/sites", headers={"Authorization": f"Bearer {token}"})
    assert (await problem_of(response))["kind"] == "config_invalid"
