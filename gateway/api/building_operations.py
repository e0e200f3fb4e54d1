"""What the routes of buildings take and answer, for the OpenAPI document."""

from collections.abc import Mapping
from typing import Final

from gateway.api.operation import JSON, Operation, in_json
from gateway.api.schemas import FLAG, TEXT, by_name, closed, listed, named, one_of
from gateway.model.site import Access

PREVIEW: Final = {"preview": one_of("0", "1")}
"""Asks what an edit would do, without doing it."""

_SITES: Final = "/api/v1/sites"
_ONE: Final = _SITES + "/{site}"
_NAME: Final = {"anyOf": [TEXT, by_name(TEXT)]}

BUILDINGS: Final[Mapping[tuple[str, str], Operation]] = {
    ("GET", "/api/v1/problems"): Operation(
        who="administrator",
        answers=in_json(closed(problems=listed(named("FileProblem")), unreadable=listed(TEXT))),
    ),
    ("GET", "/api/v1/new-site"): Operation(who="administrator", answers=in_json(named("NewSite"))),
    ("POST", _SITES): Operation(
        who="administrator",
        summary="Make the file of a new building",
        answers=in_json(named("Edit"), 201) | in_json(named("Edit")),
        query=PREVIEW,
        body=(
            JSON,
            closed(
                {
                    "address": TEXT,
                    "interface": TEXT,
                    "subnets": listed(TEXT),
                    "users": listed(named("CameraUser")),
                    "access": one_of(*Access),
                },
                id=TEXT,
                name=_NAME,
            ),
        ),
    ),
    ("GET", _ONE + "/settings"): Operation(who="staff", answers=in_json(named("SiteSettings"))),
    ("PATCH", _ONE): Operation(
        who="administrator",
        summary="Rename a building, switch it on or off",
        answers=in_json(named("Edit")),
        query=PREVIEW,
        body=(JSON, closed({"name": _NAME, "enabled": FLAG, "version": TEXT})),
    ),
    ("DELETE", _ONE): Operation(
        who="administrator",
        summary="Take a building out of service; its file is kept under another name",
        answers=in_json(named("Edit")),
        query={"version": TEXT, **PREVIEW},
    ),
}
