"""Surveys of a site: start, look at, follow (SSE), cancel; for its staff only."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any, Final

from aiohttp import web

from gateway.api import keys
from gateway.api.events import sse
from gateway.api.fieldwork import bad, body_of, entered, number_of
from gateway.api.limits import client_of
from gateway.api.problems import STARTED
from gateway.api.sites import as_json
from gateway.api.streams import Stream
from gateway.api.survey_views import progress_view, sighting_view, status_view
from gateway.control.survey import DEADLINE_S
from gateway.control.survey_run import Survey
from gateway.kit.secret import redact
from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.survey import SurveyEvent, SurveyEventKind

_SURVEYS: Final = "/api/v1/sites/{site}/surveys"
_ONE: Final = _SURVEYS + "/{survey}"
_HEARTBEAT: Final = b": still here\n\n"
_KEYS: Final = frozenset({"targets", "deadline_s", "pictures"})


def routes() -> list[web.RouteDef]:
    """Return the routes."""
    return [
        web.post(_SURVEYS, start),
        web.get(_SURVEYS, show_last),
        web.get(_ONE, show),
        web.delete(_ONE, cancel),
        web.get(_ONE + "/events", follow, allow_head=False),
        web.get(_ONE + r"/pictures/{n:\d{1,6}}.jpg", picture),
    ]


async def start(request: web.Request) -> web.Response:
    """``POST .../surveys`` with ``{"targets"?: [...], "deadline_s"?: n, "pictures"?: bool}``."""
    fieldwork, site_id, _ = entered(request)
    body = await body_of(request, _KEYS)
    targets = body.get("targets") or []
    if not isinstance(targets, list) or not all(isinstance(one, str) for one in targets):
        raise bad("targets must be a list of addresses.", 'Send {"targets": ["10.12.0.21"]}.')
    survey = fieldwork.surveys.start(
        site_id,
        targets=targets,
        deadline_s=number_of(body, "deadline_s", DEADLINE_S, least=1, most=3600),
        pictures=body.get("pictures") is not False,
    )
    response = _whole(survey)
    response.set_status(201)
    response.headers["Location"] = f"/api/v1/sites/{site_id}/surveys/{survey.order.id}"
    return response


async def show_last(request: web.Request) -> web.Response:
    """``GET .../surveys``: the survey that runs or has run last, or null."""
    fieldwork, site_id, _ = entered(request)
    survey = fieldwork.surveys.last(site_id)
    shown = None if survey is None else status_view(survey.status(), survey.order.site)
    return as_json({"survey": shown})


async def show(request: web.Request) -> web.Response:
    """``GET .../surveys/{survey}``: all that is known now."""
    return _whole(_survey(request))


async def cancel(request: web.Request) -> web.Response:
    """``DELETE .../surveys/{survey}``: end it; what was seen stays."""
    fieldwork, site_id, _ = entered(request)
    survey = _survey(request)
    fieldwork.surveys.cancel(site_id, survey.order.id)
    return _whole(survey)


async def picture(request: web.Request) -> web.Response:
    """``GET .../surveys/{survey}/pictures/{n}.jpg``: what a camera shows."""
    fieldwork, _, _ = entered(request)
    survey = _survey(request)
    jpeg = await fieldwork.records.picture(survey.order.id, int(request.match_info["n"]))
    if jpeg is None:
        raise GatewayError(
            ErrorKind.NOT_FOUND, "There is no such picture.", "It comes when the camera is probed."
        )
    return web.Response(
        body=jpeg, content_type="image/jpeg", headers={"Cache-Control": "private, max-age=3600"}
    )


async def follow(request: web.Request) -> web.StreamResponse:
    """``GET .../surveys/{survey}/events``: every step; ends after the event ``finished``."""
    survey = _survey(request)
    response = web.StreamResponse(
        headers={
            "Content-Type": "text/event-stream; charset=utf-8",
            "X-Accel-Buffering": "no",  # nginx would hold the events back
        }
    )
    with (
        request.app[keys.STREAMS].join(client_of(request)) as stream,
        survey.book.feed.subscribe() as events,
        suppress(ConnectionError),  # the client left
    ):
        await response.prepare(request)
        request[STARTED] = True
        async for data in _told(survey, events, stream, request.app[keys.LIMITS].heartbeat_s):
            await stream.write(request, response, data)
        await response.write_eof()
    return response


async def _told(
    survey: Survey, events: AsyncIterator[SurveyEvent], stream: Stream, heartbeat_s: float
) -> AsyncIterator[bytes]:
    """Yield each event's bytes, and a comment line when nothing happens.

    The pending read is kept over heartbeats, because cancelling it could lose an event.
    """
    pending = asyncio.ensure_future(anext(events, None))
    try:
        while True:
            await asyncio.wait(
                (pending, stream.ended),
                timeout=heartbeat_s,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if stream.ended.done():
                return
            if not pending.done():
                yield _HEARTBEAT
                continue
            event = pending.result()
            if event is None:
                return
            yield sse(str(event.kind), _event_view(survey, event))
            pending = asyncio.ensure_future(anext(events, None))
    finally:
        pending.cancel()
        await asyncio.wait([pending])


def _event_view(survey: Survey, event: SurveyEvent) -> dict[str, Any]:
    body: dict[str, Any] = {"progress": progress_view(event.progress)}
    if event.kind is SurveyEventKind.FINISHED or event.sighting is None:
        return body | {
            "state": str(event.state),
            "reason": redact(event.reason),
            "code": event.code,
        }
    order = survey.order
    return body | {"sighting": sighting_view(event.sighting, order.site, order.id)}


def _survey(request: web.Request) -> Survey:
    fieldwork, site_id, _ = entered(request)
    return fieldwork.surveys.get(site_id, request.match_info["survey"])


def _whole(survey: Survey) -> web.Response:
    return as_json(status_view(survey.status(), survey.order.site))
