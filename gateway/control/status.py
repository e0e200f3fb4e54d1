"""What people are told of a site, derived from what its last cycle saw. Pure.

The state of a camera follows from two observations alone, its pull and its stream; the status
before it only says since when, and whether a camera that sends nothing has ever been live.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from gateway.control import causes
from gateway.control.causes import Cause
from gateway.control.desired import Desired, streams_of
from gateway.control.facts import PLAYING, Facts, ServerFacts
from gateway.control.notes import Notes
from gateway.kit.secret import redact
from gateway.model.company import Problem
from gateway.model.device import DeviceFailureKind
from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.server import CaptureObserved, ServerState
from gateway.model.site import Camera, Site
from gateway.model.status import (
    CameraState,
    CameraStatus,
    ServerStatus,
    SiteState,
    SiteStatus,
)

PATIENCE: Final = timedelta(seconds=15)
"""How long a first connection may take before the camera counts as silent."""

_FAILED_KINDS: Final = frozenset(
    {
        ErrorKind.CAMERA_UNAUTHORIZED,
        ErrorKind.CAMERA_NOT_FOUND,
        ErrorKind.CAMERA_BAD_ANSWER,
        ErrorKind.CAMERA_NO_VIDEO,
        ErrorKind.CODEC_UNSUPPORTED,
        ErrorKind.BAD_REQUEST,
    }
)


_ABSENT: Final = frozenset({DeviceFailureKind.UNREACHABLE, DeviceFailureKind.TOO_SLOW})


@dataclass(frozen=True, slots=True)
class Scene:
    """All that a status is derived from."""

    site: Site
    wanted: Desired
    facts: Facts
    now: datetime
    problems: tuple[Problem, ...] = ()
    notes: Notes = field(default_factory=Notes)


@dataclass(frozen=True, slots=True)
class _Verdict:
    state: CameraState
    cause: Cause = causes.NOTHING


def site_status(scene: Scene, before: SiteStatus | None) -> SiteStatus:
    """Return a building's status."""
    cameras = tuple(
        camera_status(scene, camera, before.camera(camera.id) if before else None)
        for camera in scene.site.cameras
    )
    state = _site_state(scene, cameras)
    since = before.since if before is not None and before.state is state else scene.now
    remarks = [one for camera in cameras for one in scene.notes.problems(scene.site.id, camera.id)]
    return SiteStatus(
        id=scene.site.id,
        name=scene.site.name,
        state=state,
        since=since,
        cameras=cameras,
        servers=_servers(scene),
        problems=(*scene.problems, *remarks),
        last_step=scene.facts.last_step,
        scaling=scene.facts.size.said,
    )


def lasts(status: SiteStatus) -> bool:
    """Tell whether a status stays as it is for as long as nothing else is seen."""
    return all(camera.state is not CameraState.CONNECTING for camera in status.cameras)


def camera_status(scene: Scene, camera: Camera, before: CameraStatus | None) -> CameraStatus:
    """Return one camera's status."""
    verdict = _verdict(scene, camera, before)
    same = before is not None and before.state is verdict.state
    since = before.since if before is not None and same else scene.now
    origin = scene.facts.origin()
    status = CameraStatus(
        id=camera.id,
        name=camera.name,
        state=verdict.state,
        since=since,
        reason=redact(verdict.cause.text),
        hint=redact(verdict.cause.hint),
        code=verdict.cause.code,
        about=verdict.cause.about,
        last_live=_last_live(verdict.state, before, scene.now),
        has_sub=camera.rtsp_sub is not None,
        checked=scene.notes.of(scene.site.id, camera.id).checked,
    )
    if origin is None:
        return status
    names = streams_of(scene.site.id, camera)
    ingest = next((one for one in map(origin.ingest, names) if one is not None), None)
    viewers = sum(server.viewers(name) for server in scene.facts.servers for name in names)
    status = replace(status, viewers=viewers)
    if ingest is None or verdict.state is not CameraState.LIVE:
        return status
    return replace(status, video_codec=ingest.video_codec, width=ingest.width, height=ingest.height)


def _verdict(scene: Scene, camera: Camera, before: CameraStatus | None) -> _Verdict:
    if not scene.site.enabled:
        return _Verdict(CameraState.DISABLED, causes.BUILDING_OFF)
    if not camera.enabled:
        return _Verdict(CameraState.DISABLED, causes.CAMERA_OFF)
    if camera.rtsp is None:
        return _untold(scene, camera)
    names = streams_of(scene.site.id, camera)
    pulled = {capture.stream for capture in scene.wanted.captures}
    stream = next((name for name in names if name in pulled), None)
    if stream is None:
        return _not_pulled(scene, names[0])
    origin = scene.facts.origin()
    if origin is None or not origin.asked:
        return _server_trouble(scene.facts, origin)
    return _pulled(scene, origin, stream, before)


def _untold(scene: Scene, camera: Camera) -> _Verdict:
    """Say why a camera that is known by ONVIF alone does not tell where its video is."""
    trouble = scene.notes.of(scene.site.id, camera.id).trouble
    if trouble is None:
        return _Verdict(CameraState.WAITING, causes.BEING_ASKED)
    state = CameraState.SILENT if trouble.kind in _ABSENT else CameraState.FAILED
    return _Verdict(state, causes.of_trouble(trouble))


def _not_pulled(scene: Scene, stream: str) -> _Verdict:
    for shadowed, other in scene.wanted.shadowed:
        if shadowed == stream:
            name = other.removeprefix(f"{scene.site.id}-")
            return _Verdict(CameraState.FAILED, causes.same_address(name))
    return _Verdict(CameraState.IDLE)


def _pulled(
    scene: Scene, origin: ServerFacts, stream: str, before: CameraStatus | None
) -> _Verdict:
    capture = origin.capture(stream)
    if capture is not None and capture.status == PLAYING and origin.sends(stream):
        return _Verdict(CameraState.LIVE)
    trouble = scene.facts.troubles.get(stream)
    if trouble is not None and (capture is None or capture.status != PLAYING):
        cause = causes.of_trouble(trouble)
        if trouble.kind in _FAILED_KINDS:
            return _Verdict(CameraState.FAILED, cause)
        return _quiet(scene, before, cause)
    if capture is not None and (capture.info or "") in causes.DEFINITE:
        cause = causes.DEFINITE[capture.info or ""]
        return _Verdict(CameraState.FAILED, _as_told(capture, cause))
    return _quiet(scene, before, _passing(capture))


def _passing(capture: CaptureObserved | None) -> Cause:
    if capture is None:
        return causes.NOTHING
    known = causes.PASSING.get(capture.reason) or causes.PASSING.get(capture.info or "")
    if capture.reason in causes.PASSING:
        return known or causes.NOTHING
    return _as_told(capture, known or Cause(hint=causes.LOOK_AT_CAMERA if capture.reason else ""))


def _as_told(capture: CaptureObserved, cause: Cause) -> Cause:
    """Return a cause in the media server's own words, where it has some."""
    return replace(cause, code=capture.kind or cause.code, text=capture.reason or cause.text)


def _quiet(scene: Scene, before: CameraStatus | None, cause: Cause) -> _Verdict:
    """Tell a camera that has gone silent from one that is only about to come."""
    silent = cause if cause.text else causes.SENDS_NOTHING
    silent = replace(silent, hint=cause.hint or causes.LOOK_AT_CAMERA)
    if before is not None and before.state in (CameraState.LIVE, CameraState.SILENT):
        if not cause.text and before.reason:
            silent = replace(silent, code=before.code, text=before.reason)
        return _Verdict(CameraState.SILENT, silent)
    if (
        before is not None
        and before.state is CameraState.CONNECTING
        and scene.now - before.since >= PATIENCE
    ):
        return _Verdict(CameraState.SILENT, silent)
    return _Verdict(CameraState.CONNECTING, cause)


def _server_trouble(facts: Facts, origin: ServerFacts | None) -> _Verdict:
    trouble = server_trouble(facts, origin)
    if trouble is not None:
        return _Verdict(CameraState.WAITING, causes.of_trouble(trouble))
    if origin is None:
        return _Verdict(CameraState.WAITING, causes.SERVER_COMES)
    if origin.observed.state is ServerState.STOPPED:
        return _Verdict(CameraState.WAITING, causes.SERVER_STOPPED)
    return _Verdict(CameraState.WAITING, causes.SERVER_STARTS)


def server_trouble(facts: Facts, server: ServerFacts | None) -> GatewayError | None:
    """Return why a media server cannot be used, if something is wrong with it."""
    if server is not None and server.error is not None:
        return server.error
    name = facts.site if server is None else server.observed.id
    return facts.troubles.get(name)


def _last_live(state: CameraState, before: CameraStatus | None, now: datetime) -> datetime | None:
    if before is None:
        return now if state is CameraState.LIVE else None
    if before.state is CameraState.LIVE and state is not CameraState.LIVE:
        return now
    if before.state is not CameraState.LIVE and state is CameraState.LIVE:
        return now
    return before.last_live


def _site_state(scene: Scene, cameras: Sequence[CameraStatus]) -> SiteState:
    if not scene.site.enabled:
        return SiteState.DISABLED
    origin = scene.facts.origin()
    if origin is None or not origin.asked:
        return SiteState.DOWN if server_trouble(scene.facts, origin) else SiteState.STARTING
    states = [camera.state for camera in cameras if camera.state is not CameraState.DISABLED]
    good = (CameraState.LIVE, CameraState.IDLE)
    if all(state in good for state in states):
        return SiteState.OK
    if any(state in good for state in states):
        return SiteState.DEGRADED
    waiting = (CameraState.CONNECTING, CameraState.WAITING)
    return SiteState.STARTING if all(state in waiting for state in states) else SiteState.DOWN


def _servers(scene: Scene) -> tuple[ServerStatus, ...]:
    shown, size = [], scene.facts.size
    for server in scene.facts.servers:
        observed = server.observed
        load = size.loads.get(observed.id)
        trouble = server_trouble(scene.facts, server)
        state = str(observed.state)
        if observed.state is ServerState.RUNNING and not server.asked:
            state = "starting" if trouble is None else "failing"
        detail = "\n".join(filter(None, [str(trouble) if trouble else "", observed.detail]))
        shown.append(
            ServerStatus(
                id=observed.id,
                role=observed.role,
                state=state,
                since=observed.since,
                detail=redact(detail),
                viewers=server.viewers(),
                cpu=None if load is None or load.cpu is None else round(load.cpu * 20) / 20,
                draining=observed.id in size.draining,
            )
        )
    return tuple(shown)
