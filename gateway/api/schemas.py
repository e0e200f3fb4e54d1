"""The shapes of the API's JSON, as JSON Schema (draft 2020-12) for the OpenAPI document.

Objects are closed: a key that an answer has and its schema has not fails the tests, so this page
cannot fall behind.
"""

from collections.abc import Mapping
from typing import Any, Final

from gateway.api.principal import Role
from gateway.api.seats import End
from gateway.model.access import Way
from gateway.model.company import Severity
from gateway.model.plan import StepKind
from gateway.model.probe import Playable
from gateway.model.site import Access
from gateway.model.status import CameraState, SiteState

Schema = Mapping[str, Any]

TEXT: Final[Schema] = {"type": "string"}
WHOLE: Final[Schema] = {"type": "integer"}
NUMBER: Final[Schema] = {"type": "number"}
FLAG: Final[Schema] = {"type": "boolean"}
MOMENT: Final[Schema] = {"type": "string", "format": "date-time"}


def one_of(*words: str) -> Schema:
    """Return the schema of one of some words."""
    return {"type": "string", "enum": list(words)}


def or_null(schema: Schema) -> Schema:
    """Return the schema of a value that may be null."""
    return {"anyOf": [schema, {"type": "null"}]}


def listed(schema: Schema) -> Schema:
    """Return the schema of a list."""
    return {"type": "array", "items": schema}


def by_name(schema: Schema) -> Schema:
    """Return the schema of a mapping of names to values."""
    return {"type": "object", "additionalProperties": schema}


def closed(optional: Mapping[str, Schema] | None = None, **keys: Schema) -> Schema:
    """Return the schema of an object with just these keys."""
    return {
        "type": "object",
        "required": list(keys),
        "properties": {**keys, **(optional or {})},
        "additionalProperties": False,
    }


def named(name: str) -> Schema:
    """Return a reference to one of :data:`SCHEMAS`."""
    return {"$ref": f"#/components/schemas/{name}"}


_SUMMARY: Final = {
    "id": TEXT,
    "name": by_name(TEXT),
    "state": one_of(*SiteState),
    "since": MOMENT,
    "access": one_of(*Access),
}
_COUNTS: Final = dict.fromkeys(
    ("found", "interviewed", "probed", "pictures", "failed", "left"), WHOLE
)
_FACTS: Final[dict[str, Schema]] = {
    "codec": or_null(TEXT),
    "profile": or_null(TEXT),
    "width": or_null(WHOLE),
    "height": or_null(WHOLE),
    "fps": or_null(NUMBER),
    "bitrate": or_null(NUMBER),
    "gop_s": or_null(NUMBER),
    "gop_varies": or_null(FLAG),
    "b_frames": or_null(FLAG),
    "audio": or_null(TEXT),
}
_FAILURE: Final = or_null(closed(kind=TEXT, message=TEXT, hint=TEXT))
_LOOK: Final = or_null(closed(rtsp=TEXT, seconds=or_null(NUMBER), failure=_FAILURE, **_FACTS))

_STEP: Final = closed(
    kind=one_of(*StepKind), target=TEXT, camera=or_null(TEXT), reason=TEXT, viewers=WHOLE
)
_REASON: Final = closed(code=TEXT, text=TEXT, setting=TEXT, stream=TEXT, value=TEXT, wanted=TEXT)

SCHEMAS: Final[Mapping[str, Schema]] = {
    "Problem": closed(
        {"reason": TEXT, "place": WHOLE, "queue": TEXT},
        type=TEXT,
        title=TEXT,
        status=WHOLE,
        detail=TEXT,
        kind=TEXT,
        hint=TEXT,
    ),
    "SiteSummary": closed(**_SUMMARY, cameras=closed(total=WHOLE, live=WHOLE)),
    "Camera": closed(
        {"address": or_null(TEXT)},
        id=TEXT,
        name=by_name(TEXT),
        state=one_of(*CameraState),
        since=MOMENT,
        reason=TEXT,
        hint=TEXT,
        code=TEXT,
        about=TEXT,
        video_codec=or_null(TEXT),
        width=WHOLE,
        height=WHOLE,
        viewers=WHOLE,
        last_live=or_null(MOMENT),
        has_sub=FLAG,
        checked=or_null(
            closed(
                playable=one_of(*Playable),
                sentence=TEXT,
                setting=TEXT,
                when=MOMENT,
                reasons=listed(_REASON),
            )
        ),
        private=FLAG,
        poster=or_null(TEXT),
    ),
    "Site": closed(
        {
            "servers": listed(
                closed(
                    id=TEXT,
                    role=TEXT,
                    state=TEXT,
                    since=MOMENT,
                    detail=TEXT,
                    viewers=WHOLE,
                    cpu=or_null(NUMBER),
                    draining=FLAG,
                )
            ),
            "problems": listed(named("FileProblem")),
            "last_step": TEXT,
            "step": or_null(named("Remark")),
            "scaling": TEXT,
            "growth": or_null(named("Remark")),
        },
        **_SUMMARY,
        demo=FLAG,
        cameras=listed(named("Camera")),
    ),
    "Embed": closed(
        site=TEXT,
        name=by_name(TEXT),
        public_url=or_null(TEXT),
        access=one_of(*Access),
        allowed_origins=listed(TEXT),
        tickets=FLAG,
        cameras=listed(closed(id=TEXT, name=by_name(TEXT))),
    ),
    "Session": closed(
        name=or_null(TEXT),
        role=one_of(*Role),
        sites=listed(TEXT),
        csrf_token=or_null(TEXT),
        csrf_header=TEXT,
        sign_in=FLAG,
    ),
    "Credentials": closed(name=TEXT, password=TEXT),
    "Revocation": closed(site=or_null(TEXT), subject=or_null(TEXT), since=MOMENT),
    "Viewing": closed(
        id=WHOLE,
        site=TEXT,
        camera=TEXT,
        who=TEXT,
        way=one_of(*Way),
        address=TEXT,
        website=TEXT,
        **{"from": MOMENT, "to": or_null(MOMENT)},
        reason=or_null(one_of(*End)),
    ),
    "Span": closed(
        camera=TEXT,
        state=one_of(*CameraState),
        reason=TEXT,
        **{"from": MOMENT, "to": or_null(MOMENT)},
    ),
    "Availability": closed(
        camera=TEXT,
        month=TEXT,
        availability=or_null(NUMBER),
        available_s=WHOLE,
        watched_s=WHOLE,
        outages=WHOLE,
    ),
    "Play": closed(
        state=one_of("running", "ended"),
        until=or_null(MOMENT),
        reason=or_null(one_of(*End)),
        move=FLAG,
        ask_after=or_null(NUMBER),
    ),
    "Health": closed(status=one_of("ok", "stalled"), stalled=WHOLE, loops=by_name(NUMBER)),
    "Readiness": closed(status=one_of("starting", "ready"), reason=TEXT),
    "Plug": closed(id=TEXT, plugged=FLAG),
    "Verdict": closed(
        playable=TEXT,
        wall=TEXT,
        full=TEXT,
        reasons=listed(_REASON),
    ),
    "Sighting": closed(
        n=WHOLE,
        state=TEXT,
        address=TEXT,
        target=TEXT,
        heard=listed(TEXT),
        label=TEXT,
        camera=or_null(TEXT),
        moved_from=or_null(TEXT),
        alarms=listed(TEXT),
        remarks=listed(named("Remark")),
        make=or_null(TEXT),
        model=or_null(TEXT),
        firmware=or_null(TEXT),
        serial=or_null(TEXT),
        mac=or_null(TEXT),
        clock_off_s=or_null(NUMBER),
        channel=or_null(TEXT),
        credential=or_null(TEXT),
        notes=listed(TEXT),
        main=_LOOK,
        sub=_LOOK,
        verdict=or_null(named("Verdict")),
        failure=_FAILURE,
        picture=or_null(TEXT),
        draft={"type": "object"},
    ),
    "Survey": closed(
        id=TEXT,
        site=TEXT,
        state=TEXT,
        reason=TEXT,
        code=TEXT,
        started=MOMENT,
        progress=closed(**_COUNTS, searching=FLAG, seconds=NUMBER),
        sightings=listed(named("Sighting")),
    ),
    "Plan": closed(viewers=WHOLE, steps=listed(_STEP)),
    "Edit": closed(diff=TEXT, version=TEXT, plan=or_null(named("Plan"))),
    "FileProblem": closed(
        file=TEXT,
        line=WHOLE,
        key=TEXT,
        message=TEXT,
        severity=one_of(*Severity),
        code=TEXT,
        values=by_name(TEXT),
    ),
    "Remark": closed(code=TEXT, text=TEXT, values=by_name(TEXT)),
    "CameraUser": closed(username=TEXT, reference=TEXT),
    "NewSite": closed(
        own_address=FLAG,
        address=or_null(TEXT),
        interfaces=listed(TEXT),
        users=listed(closed(username=TEXT, reference=TEXT, sites=listed(TEXT))),
    ),
    "SiteSettings": closed(
        id=TEXT,
        name=by_name(TEXT),
        enabled=FLAG,
        access=one_of(*Access),
        address=or_null(TEXT),
        interface=or_null(TEXT),
        subnets=listed(TEXT),
        users=listed(closed(username=TEXT, reference=TEXT, key={})),
        cameras=listed(
            closed(
                id=TEXT,
                name=by_name(TEXT),
                enabled=FLAG,
                onvif=or_null(TEXT),
                rtsp=or_null(TEXT),
                user=or_null(named("CameraUser")),
            )
        ),
        version=TEXT,
    ),
    "Registered": closed(
        camera=TEXT,
        diff=TEXT,
        version=TEXT,
        live=FLAG,
        seconds=or_null(NUMBER),
        reason=TEXT,
        hint=TEXT,
        code=TEXT,
        about=TEXT,
        record=or_null(TEXT),
    ),
    "Acceptance": closed(
        number=WHOLE,
        site=TEXT,
        site_name={},
        camera=TEXT,
        camera_name={},
        when=MOMENT,
        who=TEXT,
        action=TEXT,
        make=or_null(TEXT),
        model=or_null(TEXT),
        serial=or_null(TEXT),
        firmware=or_null(TEXT),
        mac=or_null(TEXT),
        address=TEXT,
        facts=closed(**_FACTS),
        verdict=or_null(named("Verdict")),
        seconds=or_null(NUMBER),
    ),
}
