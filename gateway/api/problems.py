"""Every error's one shape: RFC 9457 problem JSON for programs, a small page for people."""

import html
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from gateway.model.errors import ErrorKind, GatewayError

STATUSES: Final[Mapping[ErrorKind, int]] = {
    ErrorKind.CONFIG_INVALID: 500,
    ErrorKind.CAMERA_UNREACHABLE: 503,
    ErrorKind.CAMERA_UNAUTHORIZED: 502,
    ErrorKind.CAMERA_BAD_ANSWER: 502,
    ErrorKind.CAMERA_NOT_FOUND: 404,
    ErrorKind.CAMERA_BUSY: 503,
    ErrorKind.CAMERA_TIMEOUT: 503,
    ErrorKind.CAMERA_NO_VIDEO: 503,
    ErrorKind.CAMERA_OFFLINE: 503,
    ErrorKind.ENGINE_UNAVAILABLE: 503,
    ErrorKind.CONTAINER_FAILED: 503,
    ErrorKind.SERVER_NOT_READY: 503,
    ErrorKind.SERVER_BAD_ANSWER: 502,
    ErrorKind.SERVER_FULL: 503,
    ErrorKind.OFFER_MALFORMED: 400,
    ErrorKind.OFFER_UNUSABLE: 422,
    ErrorKind.CODEC_UNSUPPORTED: 406,
    ErrorKind.PRIVACY: 503,  # it passes by itself, and players try again
    ErrorKind.FORBIDDEN: 403,
    ErrorKind.UNAUTHORIZED: 401,
    ErrorKind.NOT_FOUND: 404,
    ErrorKind.CONFLICT: 409,
    ErrorKind.BAD_REQUEST: 400,
    ErrorKind.INTERNAL: 500,
}
"""The status of each kind; a test holds it complete."""

RETRY_AFTER_S: Final[Mapping[ErrorKind, int]] = {
    ErrorKind.SERVER_FULL: 30,
    ErrorKind.PRIVACY: 60,
}
"""Seconds before another try makes sense; other 503 answers say 5."""

STARTED: Final = web.RequestKey[bool]("started")
"""True on a request whose answer has begun: it is too late for a problem."""

JSON_PATHS: Final = ("/api", "/whep", "/healthz", "/readyz", "/metrics")

_PAGES: Final = {
    "en": ("This page does not exist.", "Something went wrong.", "To all buildings"),
    "ru": ("Такой страницы нет.", "Что-то пошло не так.", "Список домов"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What an error answer says; ``reason`` refines the kind where programs need it.

    ``place`` counts from 1 in the line of those who wait, and ``queue`` is the token that keeps it.
    """

    status: int
    kind: str
    detail: str
    hint: str = ""
    reason: str = ""
    place: int | None = None
    queue: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


class HttpProblem(Exception):  # noqa: N818  # it is an answer, named like its media type
    """An error of HTTP itself (size, type, pace) for which the model has no kind."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


def too_many(detail: str, wait_s: float) -> HttpProblem:
    """Return the refusal of a client that asks too much (429)."""
    return HttpProblem(
        Problem(
            status=429,
            kind="too_many_requests",
            detail=detail,
            hint="Wait for the time that Retry-After names, then try again.",
            headers={"Retry-After": str(max(1, math.ceil(wait_s)))},
        )
    )


def full(ahead: int, token: str, wait_s: float) -> HttpProblem:
    """Return the refusal of a building that is full, to somebody who waits in its line (503)."""
    people = {0: "You are next.", 1: "1 person is ahead of you."}
    return HttpProblem(
        Problem(
            status=503,
            kind=ErrorKind.SERVER_FULL,
            detail="As many people are watching as the building's media servers carry. "
            + people.get(ahead, f"{ahead} people are ahead of you."),
            hint="Ask again with ?queue= and the token, after the time that Retry-After names.",
            place=ahead + 1,
            queue=token,
            headers={"Retry-After": str(max(1, math.ceil(wait_s)))},
        )
    )


def busy(detail: str) -> HttpProblem:
    """Return the refusal of a gateway that is full (503)."""
    return HttpProblem(
        Problem(
            status=503,
            kind="gateway_busy",
            detail=detail,
            hint="Wait for the time that Retry-After names, then try again.",
            headers={"Retry-After": "5"},
        )
    )


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every error of a handler into its answer; what nobody expected is logged once."""
    try:
        return await handler(request)
    except GatewayError as error:
        return _answer(request, _of_gateway_error(error))
    except HttpProblem as error:
        return _answer(request, error.problem)
    except web.HTTPException as error:
        if error.status < HTTPStatus.BAD_REQUEST:
            raise
        return _answer(request, _of_http_exception(error))
    except Exception:  # noqa: BLE001  # the last line of defence; logged, never told
        if request.transport is not None and not request.transport.is_closing():
            _log_unexpected(request)
            if request.get(STARTED):
                request.transport.abort()
        return _answer(
            request,
            Problem(
                status=500,
                kind=ErrorKind.INTERNAL,
                detail="The gateway made a mistake.",
                hint="Try again; if it stays, the gateway's log says more.",
            ),
        )


def _log_unexpected(request: web.Request) -> None:
    structlog.get_logger("api").exception(
        "a request failed by an error that nobody expected",
        method=request.method,
        path=request.path[:200],
    )


def _of_gateway_error(error: GatewayError) -> Problem:
    status = STATUSES.get(error.kind, 500)
    headers: dict[str, str] = {}
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = str(RETRY_AFTER_S.get(error.kind, 5))
    reason = error.reason
    if status == HTTPStatus.UNAUTHORIZED:
        challenge = 'Bearer realm="camera-gateway"'  # RFC 6750 section 3
        headers["WWW-Authenticate"] = challenge + (', error="invalid_token"' if reason else "")
    return Problem(
        status=status,
        kind=error.kind,
        detail=error.message,
        hint=error.hint,
        reason=reason,
        headers=headers,
    )


def _of_http_exception(error: web.HTTPException) -> Problem:
    if isinstance(error, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(error.allowed_methods))
        return Problem(
            status=405,
            kind="method_not_allowed",
            detail=f"This address does not take {error.method[:20]}.",
            hint=f"It takes {allowed}.",
            headers={"Allow": allowed},
        )
    if isinstance(error, web.HTTPNotFound):
        return Problem(status=404, kind=ErrorKind.NOT_FOUND, detail="There is nothing here.")
    return Problem(status=error.status, kind="http_error", detail=HTTPStatus(error.status).phrase)


def _answer(request: web.Request, problem: Problem) -> web.Response:
    if request.path.startswith(JSON_PATHS):
        return _as_json(problem)
    return _as_page(request, problem)


def _as_json(problem: Problem) -> web.Response:
    body = {
        "type": "about:blank",  # RFC 9457 section 4.2.1: the status says it; `kind` refines it
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
        "kind": str(problem.kind),
        "hint": problem.hint,
    }
    if problem.reason:
        body["reason"] = problem.reason
    if problem.place is not None:
        body |= {"place": problem.place, "queue": problem.queue}
    return web.Response(
        status=problem.status,
        body=json.dumps(body, ensure_ascii=False).encode(),
        content_type="application/problem+json",
        headers=problem.headers,
    )


def _as_page(request: web.Request, problem: Problem) -> web.Response:
    language = "ru" if request.headers.get("Accept-Language", "").lower().startswith("ru") else "en"
    missing, broken, back = _PAGES[language]
    words = missing if problem.status == HTTPStatus.NOT_FOUND else broken
    text = (
        f'<!doctype html><html lang="{language}"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{problem.status}</title><h1>{words}</h1>"
        f"<p>{html.escape(HTTPStatus(problem.status).phrase)}</p>"
        f'<p><a href="/">{back}</a></p></html>'
    )
    return web.Response(
        status=problem.status,
        text=text,
        content_type="text/html",
        headers={**problem.headers, "Vary": "Accept-Language"},
    )
