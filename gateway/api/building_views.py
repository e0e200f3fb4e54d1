"""The JSON of buildings as their files say them, and of edits that are foreseen (pure)."""

from collections.abc import Iterable
from typing import Any

from gateway.control.buildings import Ahead
from gateway.control.drafts import credential_key
from gateway.control.foresight import Foreseen
from gateway.control.ports import SiteEdit
from gateway.kit.secret import redact
from gateway.model.company import Fleet, Problem
from gateway.model.remark import Remark
from gateway.model.site import Camera, Credential, Site


def edit_view(edit: SiteEdit) -> dict[str, Any]:
    """Return an edit that is written."""
    return {"diff": edit.diff, "version": edit.version, "plan": None}


def ahead_view(ahead: Ahead) -> dict[str, Any]:
    """Return an edit that is not written yet, with what it would lead to."""
    plan = {
        "viewers": ahead.foresight.viewers,
        "steps": [_step(one) for one in ahead.foresight.steps],
    }
    return {"diff": ahead.diff, "version": ahead.version, "plan": plan}


def problem_view(problem: Problem) -> dict[str, Any]:
    """Return a mistake of a file."""
    return {
        "file": problem.file,
        "line": problem.line,
        "key": problem.key,
        "message": problem.message,
        "severity": str(problem.severity),
        "code": problem.code,
        "values": dict(problem.values),
    }


def remark_view(said: Remark) -> dict[str, Any]:
    """Return a sentence for staff, with its code and what it is made of."""
    values = {name: redact(value) for name, value in said.values}
    return {"code": said.code, "text": redact(said.text), "values": values}


def settings_view(site: Site, version: str) -> dict[str, Any]:
    """Return a building as its file says it; of users their names and references alone."""
    return {
        "id": site.id,
        "name": site.name.as_json(),
        "enabled": site.enabled,
        "access": str(site.viewing.access),
        "address": site.media_server.address,
        "interface": site.discovery.interface,
        "subnets": list(site.discovery.subnets),
        "users": [_user(site, one) for one in site.discovery.credentials],
        "cameras": [_camera(one) for one in site.cameras],
        "version": version,
    }


def users_view(fleet: Fleet) -> list[dict[str, Any]]:
    """Return each user of cameras that some building knows, with the buildings' names."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for site in fleet.sites.values():
        for one in site.discovery.credentials:
            key = (one.username, one.reference)
            found.setdefault(key, _reference(one) | {"sites": []})["sites"].append(site.id)
    return list(found.values())


def taken_addresses(sites: Iterable[Site]) -> set[str]:
    """Return the addresses of the buildings' media servers."""
    return {site.media_server.address for site in sites if site.media_server.address}


def _step(foreseen: Foreseen) -> dict[str, Any]:
    return {
        "kind": str(foreseen.step.kind),
        "target": foreseen.step.target,
        "camera": foreseen.camera or None,
        "reason": redact(foreseen.step.reason.text),
        "viewers": foreseen.viewers,
    }


def _camera(camera: Camera) -> dict[str, Any]:
    return {
        "id": camera.id,
        "name": camera.name.as_json(),
        "enabled": camera.enabled,
        "onvif": None if camera.onvif is None else redact(camera.onvif),
        "rtsp": None if camera.rtsp is None else redact(camera.rtsp),
        "user": None if camera.credential is None else _reference(camera.credential),
    }


def _user(site: Site, credential: Credential) -> dict[str, Any]:
    """Return a user of the building; ``key`` is what a camera's ``credential`` is then."""
    return _reference(credential) | {"key": credential_key(site, credential.reference)}


def _reference(credential: Credential) -> dict[str, Any]:
    return {"username": credential.username, "reference": credential.reference}
