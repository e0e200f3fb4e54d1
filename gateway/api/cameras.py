"""Registration of cameras by a site's staff: add, change, replace, remove, and the record of it."""

from collections.abc import Callable
from typing import Any, Final

from aiohttp import web

from gateway.api.building_views import ahead_view, edit_view
from gateway.api.fieldwork import (
    bad,
    body_of,
    checked,
    entered,
    name_of,
    number_of,
    only_preview,
    switch_of,
    text_of,
)
from gateway.api.principal import Principal
from gateway.api.sites import as_json
from gateway.api.survey_views import acceptance_view
from gateway.control.drafts import addresses_of, credential_key
from gateway.control.fieldwork import Fieldwork
from gateway.control.ports import SiteEdit, SiteEditor
from gateway.control.registration import Newcomer, Registered, as_written
from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.site import Site
from gateway.model.survey import Sighting

_CAMERAS: Final = "/api/v1/sites/{site}/cameras"
_ONE: Final = _CAMERAS + "/{camera}"
_DEVICE: Final = frozenset({"onvif", "rtsp", "rtsp_sub", "credential", "pull"})
_PLAIN: Final = frozenset({"onvif", "rtsp", "rtsp_sub", "pull"})
_HOW: Final = frozenset({"survey", "sighting", "who", "version", "wait_s"})
_RECORD_POLICY: Final = (
    "default-src 'none'; img-src data:; style-src {style}; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_WAIT_S: Final = 15.0
_MOST_WAIT_S: Final = 60.0


def routes() -> list[web.RouteDef]:
    """Return the routes."""
    return [
        web.post(_CAMERAS, add),
        web.patch(_ONE, change),
        web.post(_ONE + "/replace", replace),
        web.delete(_ONE, remove),
        web.get(_ONE + "/record", record),
    ]


async def add(request: web.Request) -> web.Response:
    """``POST .../cameras``: register a camera, given by its keys or by a survey's sighting."""
    fieldwork, site_id, principal = entered(request)
    body = await body_of(request, {"id", "name", "enabled"} | _DEVICE | _HOW)
    camera_id = text_of(body, "id", most=64)
    if not camera_id:
        raise bad("The camera has no id.", 'Send {"id": "entrance-3", ...}.')
    fields: dict[str, Any] = {"id": camera_id, "name": name_of(body, "Подъезд 3")}
    if body.get("enabled") is False:
        fields["enabled"] = False
    newcomer = _newcomer(fieldwork, site_id, body, fields, by=principal)
    done = await checked(fieldwork.registrations.add(site_id, newcomer, wait_s=_wait(body)))
    response = _registered(site_id, done)
    response.set_status(201)
    response.headers["Location"] = f"/api/v1/sites/{site_id}/cameras/{done.camera}/record"
    return response


async def replace(request: web.Request) -> web.Response:
    """``POST .../cameras/{camera}/replace[?preview=1]``: another device in its place."""
    fieldwork, site_id, principal = entered(request)
    body = await body_of(request, _DEVICE | _HOW)
    newcomer = _newcomer(fieldwork, site_id, body, {}, by=principal)
    camera_id = request.match_info["camera"]
    if only_preview(request):
        return await _ahead(
            fieldwork,
            lambda files: files.replace_camera(
                site_id, camera_id, newcomer.fields, version=newcomer.version
            ),
        )
    work = fieldwork.registrations.replace(site_id, camera_id, newcomer, wait_s=_wait(body))
    return _registered(site_id, await checked(work))


async def change(request: web.Request) -> web.Response:
    """``PATCH .../cameras/{camera}[?preview=1]``: ``name``, ``enabled``, ``pull``, an address."""
    fieldwork, site_id, _ = entered(request)
    body = await body_of(request, {"name", "enabled", "version"} | _DEVICE)
    fields: dict[str, Any] = {}
    if "name" in body:
        fields["name"] = name_of(body, "Подъезд 3")
    if "enabled" in body:
        fields["enabled"] = switch_of(body, "enabled")
    fields |= _device(body)
    if not fields:
        raise bad("There is nothing to change.", "Send for example a name.")
    camera_id, version = request.match_info["camera"], text_of(body, "version")
    if only_preview(request):
        return await _ahead(
            fieldwork,
            lambda files: files.change_camera(
                site_id, camera_id, as_written(fields), version=version
            ),
        )
    work = fieldwork.registrations.change(site_id, camera_id, fields, version=version)
    return as_json(edit_view(await checked(work)))


async def remove(request: web.Request) -> web.Response:
    """``DELETE .../cameras/{camera}[?version=V&preview=1]``."""
    fieldwork, site_id, _ = entered(request)
    camera_id, version = request.match_info["camera"], request.query.get("version")
    if only_preview(request):
        return await _ahead(
            fieldwork, lambda files: files.remove_camera(site_id, camera_id, version=version)
        )
    work = fieldwork.registrations.remove(site_id, camera_id, version=version)
    return as_json(edit_view(await checked(work)))


async def record(request: web.Request) -> web.Response:
    """``GET .../record[?format=html&lang=ru&show=1]``: the latest acceptance record of a camera."""
    fieldwork, site_id, _ = entered(request)
    camera_id = request.match_info["camera"]
    kept = await fieldwork.records.acceptance(site_id, camera_id)
    if kept is None:
        raise GatewayError(
            ErrorKind.NOT_FOUND,
            "There is no acceptance record of this camera.",
            "It is written when a registered camera is live for the first time.",
        )
    if request.query.get("format") != "html":
        return as_json(acceptance_view(kept))
    spoken = request.query.get("lang", request.headers.get("Accept-Language", ""))
    language = "ru" if spoken.lower().startswith("ru") else "en"
    kind = "inline" if request.query.get("show") == "1" else "attachment"
    return web.Response(
        text=fieldwork.page(kept, language),
        content_type="text/html",
        headers={
            "Content-Disposition": f'{kind}; filename="{site_id}-{kept.camera}.html"',
            "Content-Security-Policy": _RECORD_POLICY.format(style=fieldwork.page_style),
        },
    )


async def _ahead(fieldwork: Fieldwork, edit: Callable[[SiteEditor], SiteEdit]) -> web.Response:
    return as_json(ahead_view(await checked(fieldwork.buildings.ahead(edit))))


def _newcomer(
    fieldwork: Fieldwork,
    site_id: str,
    body: dict[str, Any],
    fields: dict[str, Any],
    *,
    by: Principal,
) -> Newcomer:
    """Return who is to be registered; an administrator may do it in somebody's name."""
    sighting, site = _sighting(fieldwork, site_id, body)
    device = _device(body)
    if sighting is not None and site is not None:
        if not _PLAIN & device.keys() - {"pull"}:
            device |= addresses_of(sighting)
        if "credential" not in device:
            key = credential_key(site, sighting.credential)
            device |= {} if key is None else {"credential": key}
    if not device.keys() & {"onvif", "rtsp"}:
        raise bad(
            "The camera has no address.",
            "Send onvif or rtsp, or the survey and the number of a sighting that was probed.",
        )
    return Newcomer(
        fields | device,
        who=(text_of(body, "who", most=100) if by.staff else None) or by.name,
        sighting=sighting,
        survey=text_of(body, "survey", most=64) or "",
        version=text_of(body, "version"),
    )


def _sighting(
    fieldwork: Fieldwork, site_id: str, body: dict[str, Any]
) -> tuple[Sighting | None, Site | None]:
    survey_id = text_of(body, "survey", most=64)
    if survey_id is None:
        return None, None
    survey = fieldwork.surveys.get(site_id, survey_id)
    found = survey.sighting(int(number_of(body, "sighting", 0, least=0, most=1e6)))
    if found is None:
        raise GatewayError(
            ErrorKind.NOT_FOUND, "The survey has no such sighting.", "Look at the survey again."
        )
    return found, survey.order.site


def _device(body: dict[str, Any]) -> dict[str, Any]:
    keys: dict[str, Any] = {key: text_of(body, key, most=2048) for key in _PLAIN if key in body}
    if "credential" in body:
        credential = body["credential"]
        if not isinstance(credential, str | dict | None):
            raise bad(
                "credential must be a user of the site, or a user with a reference.",
                'Send "viewer" or {"username": "viewer", "password": {"env": "CAMERAS"}}.',
            )
        keys["credential"] = credential
    return keys


def _wait(body: dict[str, Any]) -> float:
    return number_of(body, "wait_s", _WAIT_S, least=0, most=_MOST_WAIT_S)


def _registered(site_id: str, done: Registered) -> web.Response:
    kept = f"/api/v1/sites/{site_id}/cameras/{done.camera}/record"
    return as_json(
        {
            "camera": done.camera,
            "diff": done.diff,
            "version": done.version,
            "live": done.live,
            "seconds": done.seconds,
            "reason": done.reason,
            "hint": done.hint,
            "code": done.code,
            "about": done.about,
            "record": kept if done.record is not None else None,
        }
    )
