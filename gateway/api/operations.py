"""What every route takes and answers, for the OpenAPI document.

The summary is the first line of the handler's own documentation. A test holds this table to the
routes, and holds every answer of the tests to this table.
"""

from collections.abc import Mapping
from typing import Final

from gateway.api.building_operations import BUILDINGS, PREVIEW
from gateway.api.operation import JSON, Operation, in_json
from gateway.api.schemas import (
    FLAG,
    MOMENT,
    NUMBER,
    TEXT,
    WHOLE,
    Schema,
    by_name,
    closed,
    listed,
    named,
    one_of,
    or_null,
)

_SDP: Final = "application/sdp"
_SSE: Final = "text/event-stream"
_JPEG: Final = "image/jpeg"
_PAGE: Final = Operation(who="anyone", answers={200: ("text/html", None), 304: ("", None)})
_SITE: Final = "/api/v1/sites/{site}"
_CAMERA: Final = _SITE + "/cameras/{camera}"
_SURVEY: Final = _SITE + "/surveys/{survey}"
_SPAN: Final = {
    "site": TEXT,
    "camera": TEXT,
    "who": TEXT,
    "now": one_of("0", "1"),
    "from": MOMENT,
    "to": MOMENT,
}
_ANY: Final[Schema] = {"type": "object"}


_WATCHING: Final = {
    ("POST", "/whep/{site}/{camera}"): Operation(
        who="viewer",
        answers={201: (_SDP, None)},
        query={
            "low": one_of("0", "1"),
            "transport": one_of("udp", "tcp"),
            "queue": TEXT,
            "moves": TEXT,
        },
        body=(_SDP, None),
    ),
    ("DELETE", "/whep/{site}/{camera}/{play}"): Operation(who="anyone", answers={200: ("", None)}),
    ("PATCH", "/whep/{site}/{camera}/{play}"): Operation(who="anyone", answers={}),
    ("POST", _CAMERA + "/plays/{play}/beacon"): Operation(
        who="anyone", answers={204: ("", None)}, body=("text/plain", None)
    ),
    ("GET", _CAMERA + "/plays/{play}"): Operation(who="anyone", answers=in_json(named("Play"))),
    ("GET", "/api/v1/sites"): Operation(
        who="viewer", answers=in_json(closed(sites=listed(named("SiteSummary"))))
    ),
    ("GET", _SITE): Operation(who="viewer", answers=in_json(named("Site"))),
    ("GET", _CAMERA + "/poster.jpg"): Operation(
        who="viewer", answers={200: (_JPEG, None), 304: ("", None)}, query={"t": WHOLE}
    ),
    ("GET", _SITE + "/embed"): Operation(who="staff", answers=in_json(named("Embed"))),
    ("GET", "/api/v1/events"): Operation(
        who="viewer", answers={200: (_SSE, None)}, query={"site": TEXT}
    ),
}

_ADMINISTERING: Final = {
    ("GET", "/api/v1/session"): Operation(who="anyone", answers=in_json(named("Session"))),
    ("POST", "/api/v1/session"): Operation(
        who="anyone", answers=in_json(named("Session")), body=(JSON, named("Credentials"))
    ),
    ("DELETE", "/api/v1/session"): Operation(who="anyone", answers={204: ("", None)}),
    ("GET", "/api/v1/revocations"): Operation(
        who="administrator", answers=in_json(closed(revocations=listed(named("Revocation"))))
    ),
    ("POST", "/api/v1/revocations"): Operation(
        who="administrator",
        answers=in_json(named("Revocation"), 201),
        body=(JSON, closed({"site": TEXT, "subject": TEXT})),
    ),
    ("GET", "/api/v1/audit"): Operation(
        who="administrator",
        answers=in_json(closed(views=listed(named("Viewing")), next=or_null(WHOLE))),
        query={**_SPAN, "limit": WHOLE, "before": WHOLE},
    ),
    ("GET", "/api/v1/audit.csv"): Operation(
        who="administrator", answers={200: ("text/csv", None)}, query=_SPAN
    ),
}

_SURVEYING: Final = {
    ("POST", _SITE + "/surveys"): Operation(
        summary="Begin to look for the cameras of a site",
        who="staff",
        answers=in_json(named("Survey"), 201),
        body=(JSON, closed({"targets": listed(TEXT), "deadline_s": NUMBER, "pictures": FLAG})),
    ),
    ("GET", _SITE + "/surveys"): Operation(
        who="staff", answers=in_json(closed(survey=or_null(named("Survey"))))
    ),
    ("GET", _SURVEY): Operation(who="staff", answers=in_json(named("Survey"))),
    ("DELETE", _SURVEY): Operation(who="staff", answers=in_json(named("Survey"))),
    ("GET", _SURVEY + "/events"): Operation(who="staff", answers={200: (_SSE, None)}),
    ("GET", _SURVEY + "/pictures/{n}.jpg"): Operation(who="staff", answers={200: (_JPEG, None)}),
    ("POST", _SITE + "/cameras"): Operation(
        who="staff", answers=in_json(named("Registered"), 201), body=(JSON, _ANY)
    ),
    ("PATCH", _CAMERA): Operation(
        summary="Change a camera's name, address, pull or switch",
        who="staff",
        answers=in_json(named("Edit")),
        query=PREVIEW,
        body=(JSON, _ANY),
    ),
    ("DELETE", _CAMERA): Operation(
        summary="Remove a camera",
        who="staff",
        answers=in_json(named("Edit")),
        query={"version": TEXT, **PREVIEW},
    ),
    ("POST", _CAMERA + "/replace"): Operation(
        who="staff",
        answers=in_json({"anyOf": [named("Registered"), named("Edit")]}),
        query=PREVIEW,
        body=(JSON, _ANY),
    ),
    ("GET", _CAMERA + "/record"): Operation(
        who="staff",
        answers=in_json(named("Acceptance")),
        query={
            "format": one_of("json", "html"),
            "lang": one_of("ru", "en"),
            "show": one_of("0", "1"),
        },
    ),
}

_HISTORY: Final = {
    ("GET", _SITE + "/history"): Operation(
        who="staff",
        answers=in_json(closed(spans=listed(named("Span")))),
        query={"camera": TEXT, "from": MOMENT, "to": MOMENT, "limit": WHOLE},
    ),
    ("GET", _SITE + "/availability"): Operation(
        who="staff", answers=in_json(closed(months=listed(named("Availability"))))
    ),
    ("GET", _SITE + "/availability.csv"): Operation(who="staff", answers={200: ("text/csv", None)}),
}

_DEMO: Final = {
    ("GET", "/api/v1/demo/cameras"): Operation(
        who="anyone", answers=in_json(closed(cameras=by_name(FLAG)))
    ),
    ("POST", "/api/v1/demo/cameras/{camera}"): Operation(
        who="staff", answers=in_json(named("Plug")), body=(JSON, closed(plugged=FLAG))
    ),
}

_HEALTH: Final = {
    ("GET", "/healthz"): Operation(
        who="anyone", answers=in_json(named("Health")) | in_json(named("Health"), 503)
    ),
    ("GET", "/readyz"): Operation(
        who="anyone", answers=in_json(named("Readiness")) | in_json(named("Readiness"), 503)
    ),
    ("GET", "/metrics"): Operation(who="administrator", answers={200: ("text/plain", None)}),
    ("GET", "/api/v1/openapi.json"): Operation(who="anyone", answers=in_json(_ANY)),
}

_PAGES: Final = {
    ("GET", path): _PAGE
    for path in (
        "/",
        "/watch/{site}",
        "/embed/{site}",
        "/embed-preview/{site}",
        "/console",
        "/api/v1/docs",
    )
} | {
    ("GET", "/assets/{path}"): Operation(
        who="anyone", answers={200: ("*/*", None), 304: ("", None)}
    )
}

GROUPS: Final[Mapping[str, Mapping[tuple[str, str], Operation]]] = {
    "Watching": _WATCHING,
    "People and access": _ADMINISTERING,
    "Buildings": BUILDINGS,
    "Cameras and surveys": _SURVEYING,
    "History": _HISTORY,
    "Health": _HEALTH,
    "Demo": _DEMO,
    "Pages": _PAGES,
}
"""The operations as a reader looks for them: the document's tags."""

OPERATIONS: Final[Mapping[tuple[str, str], Operation]] = {
    key: operation for group in GROUPS.values() for key, operation in group.items()
}
