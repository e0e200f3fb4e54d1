"""The JSON of sites and cameras, made of the board's status (pure)."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from gateway.api.building_views import problem_view, remark_view
from gateway.api.ports import Poster
from gateway.api.principal import Principal
from gateway.kit.secret import redact
from gateway.model.probe import Reason
from gateway.model.site import Site
from gateway.model.status import CameraState, CameraStatus, Checked, SiteStatus


def moment(value: datetime) -> str:
    """Return a time as RFC 3339 in UTC with whole seconds."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def timestamp(value: float) -> str:
    """Return a Unix time as RFC 3339 in UTC with whole seconds."""
    return moment(datetime.fromtimestamp(value, UTC))


def seen_part(status: SiteStatus, site: Site, visitor: Principal) -> SiteStatus:
    """Return the status with only the cameras that the visitor may see."""
    cameras = tuple(
        seen_camera(site, item, visitor)
        for item in status.cameras
        if visitor.sees_camera(site, item.id)
    )
    return replace(status, cameras=cameras)


def seen_camera(site: Site, camera: CameraStatus, visitor: Principal) -> CameraStatus:
    """Return what the visitor may know of a camera that they see.

    Reasons are written for those who can mend something; they name the camera's address.
    """
    return camera if visitor.works_at(site.id) else _silenced(camera)


def _silenced(camera: CameraStatus) -> CameraStatus:
    return replace(camera, reason="", hint="", code="", about="", checked=None)


def summary(status: SiteStatus, site: Site) -> dict[str, Any]:
    """Return a site at one glance, as in ``/api/v1/sites`` and the event ``site``."""
    live = sum(camera.state is CameraState.LIVE for camera in status.cameras)
    return {
        "id": status.id,
        "name": status.name.as_json(),
        "state": str(status.state),
        "since": moment(status.since),
        "access": str(site.viewing.access),
        "cameras": {"total": len(status.cameras), "live": live},
    }


def poster_address(site: Site, camera_id: str, poster: Poster | None, now: datetime) -> str | None:
    """Return an address that changes with the picture.

    In privacy hours there is none, nor one of a picture that was taken in them.
    """
    if poster is None or site.is_private(camera_id, now):
        return None
    if site.is_private(camera_id, poster.taken):
        return None
    taken = int(poster.taken.timestamp())
    return f"/api/v1/sites/{site.id}/cameras/{camera_id}/poster.jpg?t={taken}"


def camera_view(
    site: Site, camera: CameraStatus, poster: Poster | None, now: datetime
) -> dict[str, Any]:
    """Return one camera."""
    private = site.is_private(camera.id, now)
    return {
        "id": camera.id,
        "name": camera.name.as_json(),
        "state": str(camera.state),
        "since": moment(camera.since),
        "reason": camera.reason,
        "hint": camera.hint,
        "code": camera.code,
        "about": camera.about,
        "video_codec": camera.video_codec,
        "width": camera.width,
        "height": camera.height,
        "viewers": camera.viewers,
        "last_live": None if camera.last_live is None else moment(camera.last_live),
        "has_sub": camera.has_sub,
        "checked": _checked(camera.checked),
        "private": private,
        "poster": poster_address(site, camera.id, poster, now),
    }


def _checked(seen: Checked | None) -> dict[str, Any] | None:
    if seen is None:
        return None
    return {
        "playable": str(seen.playable),
        "sentence": seen.sentence,
        "setting": seen.setting,
        "when": moment(seen.when),
        "reasons": [reason_view(one) for one in seen.reasons],
    }


def reason_view(reason: Reason) -> dict[str, str]:
    """Return one thing to know of a camera's video, and which setting to change."""
    return {
        "code": reason.code,
        "text": reason.text,
        "setting": reason.setting,
        "stream": reason.stream,
        "value": reason.value,
        "wanted": reason.wanted,
    }


def staff_view(status: SiteStatus) -> dict[str, Any]:
    """Return what only staff sees of a site: its servers, its files' mistakes, the last step."""
    return {
        "servers": [
            {
                "id": server.id,
                "role": str(server.role),
                "state": server.state,
                "since": moment(server.since),
                "detail": server.detail,
                "viewers": server.viewers,
                "cpu": server.cpu,
                "draining": server.draining,
            }
            for server in status.servers
        ],
        "problems": [problem_view(problem) for problem in status.problems],
        "last_step": redact(status.last_step.text),
        "step": remark_view(status.last_step) if status.last_step else None,
        "scaling": redact(status.scaling.text),
        "growth": remark_view(status.scaling) if status.scaling else None,
    }
