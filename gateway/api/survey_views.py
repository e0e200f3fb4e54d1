"""The JSON of surveys and acceptance records (pure). No credential is ever part of it."""

from typing import Any

from gateway.api.building_views import remark_view
from gateway.api.views import moment, reason_view
from gateway.control.drafts import addresses_of, credential_key
from gateway.kit.secret import redact
from gateway.model.probe import CameraVerdict, ProbeFailure, StreamFacts
from gateway.model.site import Site
from gateway.model.survey import Acceptance, Progress, Sighting, StreamLook, SurveyStatus


def status_view(status: SurveyStatus, site: Site) -> dict[str, Any]:
    """Return a whole survey."""
    return {
        "id": status.id,
        "site": status.site,
        "state": str(status.state),
        "reason": redact(status.reason),
        "code": status.code,
        "started": moment(status.started),
        "progress": progress_view(status.progress),
        "sightings": [sighting_view(one, site, status.id) for one in status.sightings],
    }


def progress_view(progress: Progress) -> dict[str, Any]:
    """Return the counts of a survey."""
    return {
        "found": progress.found,
        "interviewed": progress.interviewed,
        "probed": progress.probed,
        "pictures": progress.pictures,
        "failed": progress.failed,
        "left": progress.left,
        "searching": progress.searching,
        "seconds": round(progress.elapsed_s, 1),
    }


def sighting_view(one: Sighting, site: Site, survey: str) -> dict[str, Any]:
    """Return one camera as a survey sees it; ``draft`` is what a registration would write."""
    report = one.report
    picture = f"/api/v1/sites/{site.id}/surveys/{survey}/pictures/{one.n}.jpg"
    return {
        "n": one.n,
        "state": str(one.state),
        "address": one.address,
        "target": redact(one.target),
        "heard": list(one.heard),
        "label": one.label,
        "camera": one.camera or None,
        "moved_from": one.moved_from or None,
        "alarms": [redact(alarm) for alarm in one.alarms],
        "remarks": [remark_view(remark) for remark in one.remarks],
        "make": report.make if report else "",
        "model": report.model if report else "",
        "firmware": report.firmware if report else "",
        "serial": report.serial if report else "",
        "mac": (report.mac if report else None) or one.mac,
        "clock_off_s": report.skew_s if report else None,
        "channel": one.source.token if one.source else None,
        "credential": one.credential or None,
        "notes": list(report.notes) if report else [],
        "main": _look(one.main),
        "sub": _look(one.sub),
        "verdict": verdict_view(one.verdict),
        "failure": _failure(one.failure),
        "picture": picture if one.has_picture else None,
        "draft": addresses_of(one) | _credential(site, one),
    }


def verdict_view(verdict: CameraVerdict | None) -> dict[str, Any] | None:
    """Return whether and how residents see a camera, and what to change."""
    if verdict is None:
        return None
    return {
        "playable": str(verdict.playable),
        "wall": verdict.wall,
        "full": verdict.full,
        "reasons": [reason_view(one) for one in verdict.reasons],
    }


def acceptance_view(record: Acceptance) -> dict[str, Any]:
    """Return an acceptance record; its picture is in the HTML."""
    return {
        "number": record.number,
        "site": record.site,
        "site_name": record.site_name,
        "camera": record.camera,
        "camera_name": record.camera_name,
        "when": moment(record.when),
        "who": record.who,
        "action": record.action,
        "make": record.make,
        "model": record.model,
        "serial": record.serial,
        "firmware": record.firmware,
        "mac": record.mac,
        "address": redact(record.address),
        "facts": facts_view(record.facts),
        "verdict": verdict_view(record.verdict),
        "seconds": record.seconds,
    }


def facts_view(facts: StreamFacts) -> dict[str, Any]:
    """Return what was measured of a stream; null where it could not be told."""
    return {
        "codec": facts.codec,
        "profile": facts.profile,
        "width": facts.width,
        "height": facts.height,
        "fps": facts.fps,
        "bitrate": facts.bitrate,
        "gop_s": facts.gop_s,
        "gop_varies": facts.gop_varies,
        "b_frames": facts.b_frames,
        "audio": facts.audio,
    }


def _credential(site: Site, one: Sighting) -> dict[str, Any]:
    key = credential_key(site, one.credential)
    return {} if key is None else {"credential": key}


def _look(look: StreamLook | None) -> dict[str, Any] | None:
    if look is None:
        return None
    return {
        "rtsp": redact(look.rtsp),
        "seconds": look.took_s,
        "failure": _failure(look.failure),
        **facts_view(look.facts),
    }


def _failure(failure: ProbeFailure | None) -> dict[str, str] | None:
    if failure is None:
        return None
    return {"kind": failure.kind, "message": failure.message, "hint": failure.hint}
