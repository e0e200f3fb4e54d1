"""Statuses: what people are told in each situation, and since when."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.control.desired import desired
from gateway.control.facts import Facts, ServerFacts
from gateway.control.notes import Notes
from gateway.control.status import PATIENCE, Scene, camera_status, site_status
from gateway.kit.secret import Secret
from gateway.model.company import Problem, Settings, Severity
from gateway.model.device import DeviceFailure, DeviceFailureKind
from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.probe import Playable
from gateway.model.remark import NOTHING, remark
from gateway.model.server import (
    CaptureObserved,
    Role,
    ServerObserved,
    ServerState,
    StreamObserved,
)
from gateway.model.site import Camera, Pull, Site
from gateway.model.status import CameraState, CameraStatus, Checked, SiteState
from tests.rooms.control.world import NAME, camera, failure, site

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
EARLIER = NOW - timedelta(minutes=5)


def server(state: ServerState = ServerState.RUNNING, detail: str = "") -> ServerObserved:
    return ServerObserved("s", "s", Role.ORIGIN, state, "f", EARLIER, detail=detail)


def capture(status: str, info: str = "", reason: str = "") -> CaptureObserved:
    return CaptureObserved(Secret("rtsp://10.0.0.1/a"), "s-a", status, info or None, reason)


LIVE = StreamObserved("s-a", "in", True, "PUBLISHING", None, "H264", 1280, 720)  # noqa: FBT003  # published
VIEWER = StreamObserved("s-a", "v", False, "PLAYING")  # noqa: FBT003  # not published


def asked(*captures: CaptureObserved, streams: tuple[StreamObserved, ...] = ()) -> Facts:
    return Facts("s", (ServerFacts(server(), asked=True, captures=captures, streams=streams),))


def scene(facts: Facts, one: Site | None = None, *, now: datetime = NOW) -> Scene:
    one = one or site("s", camera("a"))
    return Scene(one, desired(one, Settings(), ()), facts, now)


def was(state: CameraState, since: datetime = EARLIER) -> CameraStatus:
    return CameraStatus("a", NAME, state, since)


def look(facts: Facts, before: CameraStatus | None = None) -> CameraStatus:
    return camera_status(scene(facts), camera("a"), before)


@pytest.mark.parametrize(
    ("facts", "before", "state", "reason"),
    [
        (Facts("s"), None, "waiting", "media server is being made"),
        (Facts("s", (ServerFacts(server(ServerState.STARTING)),)), None, "waiting", "is starting"),
        (Facts("s", (ServerFacts(server(ServerState.STOPPED)),)), None, "waiting", "has stopped"),
        (Facts("s", (ServerFacts(server(), error=failure()),)), None, "waiting", "it is broken"),
        (Facts("s", troubles={"s": failure()}), None, "waiting", "it is broken"),
        (asked(), None, "connecting", ""),
        (asked(capture("PENDING")), None, "connecting", ""),
        (asked(capture("PLAYING")), None, "connecting", ""),
        (asked(capture("PLAYING"), streams=(LIVE,)), None, "live", ""),
        (asked(capture("PENDING"), streams=(LIVE,)), None, "connecting", ""),
        (
            asked(capture("FAILED", "Failed to connect to rtsp stream")),
            was(CameraState.CONNECTING, NOW - PATIENCE),
            "silent",
            "cannot be reached",
        ),
        (
            asked(capture("FAILED", "Failed by RTP activity")),
            was(CameraState.LIVE),
            "silent",
            "stopped sending",
        ),
        (asked(), was(CameraState.LIVE), "silent", "sends nothing"),
        (asked(), was(CameraState.WAITING), "connecting", ""),
        (asked(capture("FAILED", "Rtsp stream not found")), None, "failed", "no stream"),
        (asked(capture("FAILED", "No common codecs")), None, "failed", "browsers cannot play"),
        (
            asked(capture("FAILED", "No common codecs", "it sends MJPEG")),
            was(CameraState.LIVE),
            "failed",
            "it sends MJPEG",
        ),
    ],
)
def test_each_situation_has_its_state_and_words(
    facts: Facts, before: CameraStatus | None, state: str, reason: str
) -> None:
    status = look(facts, before)
    assert status.state == state
    assert reason in status.reason


def test_a_live_camera_shows_what_plays_and_who_watches() -> None:
    status = look(asked(capture("PLAYING"), streams=(LIVE, VIEWER)))
    assert (status.video_codec, status.width, status.height, status.viewers) == (
        "H264",
        1280,
        720,
        1,
    )


def test_since_and_last_live_follow_the_changes() -> None:
    live = look(asked(capture("PLAYING"), streams=(LIVE,)), was(CameraState.CONNECTING))
    assert (live.since, live.last_live) == (NOW, NOW)
    later = NOW + timedelta(minutes=1)
    still = camera_status(
        scene(asked(capture("PLAYING"), streams=(LIVE,)), now=later), camera("a"), live
    )
    assert still == live, "nothing is told while nothing changes"
    silent = camera_status(scene(asked(), now=later), camera("a"), live)
    assert (silent.state, silent.since, silent.last_live) == ("silent", later, later)
    again = camera_status(scene(asked(), now=later + timedelta(hours=1)), camera("a"), silent)
    assert again == silent


def test_a_refused_pull_is_shown_as_what_it_is() -> None:
    no = GatewayError(ErrorKind.CAMERA_UNAUTHORIZED, "The password is wrong.", "correct it")
    status = look(replace(asked(), troubles={"s-a": no}))
    assert (status.state, status.reason, status.hint) == (
        "failed",
        "The password is wrong.",
        "correct it",
    )


def test_no_password_reaches_the_board() -> None:
    leaky = failure("cannot open rtsp://u:secret@10.0.0.1/a")
    facts = Facts("s", (ServerFacts(server(detail="rtsp://u:secret@10.0.0.1/a"), error=leaky),))
    assert "secret" not in repr(site_status(scene(facts), None))


@pytest.mark.parametrize(
    ("one", "state"),
    [
        (site("s", camera("a"), enabled=False), "disabled"),
        (site("s", replace(camera("a"), enabled=False)), "disabled"),
        (site("s", Camera("a", NAME, onvif="10.0.0.1")), "waiting"),
        (site("s", camera("a", pull=Pull.ON_DEMAND)), "idle"),
        (site("s", replace(camera("z"), rtsp="rtsp://10.0.0.1/a"), camera("a")), "failed"),
    ],
)
def test_what_the_file_says_comes_first(one: Site, state: str) -> None:
    found = one.camera("a")
    assert found is not None
    assert camera_status(scene(asked(), one), found, None).state == state


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        (asked(capture("PLAYING"), streams=(LIVE,)), SiteState.DEGRADED),
        (asked(), SiteState.STARTING),
        (asked(capture("FAILED", "Bad URI")), SiteState.DOWN),
        (Facts("s"), SiteState.STARTING),
        (Facts("s", troubles={"s": failure()}), SiteState.DOWN),
    ],
)
def test_a_building_at_one_glance(facts: Facts, state: SiteState) -> None:
    assert site_status(scene(facts, site("s", camera("a"), camera("b"))), None).state is state


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        (DeviceFailureKind.WRONG_PASSWORD, CameraState.FAILED),
        (DeviceFailureKind.NO_ONVIF, CameraState.FAILED),
        (DeviceFailureKind.CLOCK_OFF, CameraState.FAILED),
        (DeviceFailureKind.UNREACHABLE, CameraState.SILENT),
        (DeviceFailureKind.TOO_SLOW, CameraState.SILENT),
    ],
)
def test_a_camera_that_does_not_tell_its_streams_says_why(
    kind: DeviceFailureKind, state: CameraState
) -> None:
    one = site("s", replace(camera("a"), rtsp=None, onvif="10.0.0.1"))
    asking = scene(asked(), one)
    assert camera_status(asking, one.cameras[0], None).state is CameraState.WAITING
    asking.notes.trouble("s", "a", DeviceFailure(kind, "it does not talk", "mend it"))
    told = camera_status(asking, one.cameras[0], None)
    assert (told.state, told.reason, told.hint) == (state, "it does not talk", "mend it")
    asking.notes.trouble("s", "a", None)
    assert camera_status(asking, one.cameras[0], None).state is CameraState.WAITING


def test_remarks_and_the_last_look_stand_on_the_board_until_taken_back() -> None:
    notes = Notes()
    seen = Checked(Playable.NOWHERE, "does not play in a browser: it is MJPEG", "set H.264", NOW)
    notes.checked("s", "a", seen)
    notes.remark("s", "a", "verdict", remark("worse_nowhere", "it has got worse", camera="a"))
    notes.remark("s", "a", "place", remark("moved", "it has moved", address="10.0.0.5"))
    notes.remark("s", "a", "place", remark("moved", "it has moved again", address="10.0.0.6"))
    notes.remark("s", "elsewhere", "place", remark("moved", "no camera of this site"))
    told = site_status(replace(scene(asked()), notes=notes), None)
    assert told.cameras[0].checked == seen
    assert told.problems == (
        Problem("s.yaml", 0, "a", "it has got worse", Severity.WARNING,
                "worse_nowhere", (("camera", "a"),)),
        Problem("s.yaml", 0, "a", "it has moved again", Severity.WARNING,
                "moved", (("address", "10.0.0.6"),)),
    )  # fmt: skip
    notes.remark("s", "a", "place", NOTHING)
    notes.remark("s", "a", "verdict", NOTHING)
    assert site_status(replace(scene(asked()), notes=notes), None).problems == ()
