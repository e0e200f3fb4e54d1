"""What an edit would interrupt, said before it is written."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from gateway.control.desired import desired
from gateway.control.facts import PLAYING, Facts, ServerFacts
from gateway.control.foresight import Foresight, foresee
from gateway.model.company import Settings
from gateway.model.plan import Plan, Step, StepKind
from gateway.model.remark import remark
from gateway.model.server import (
    CaptureObserved,
    Role,
    ServerObserved,
    ServerSpec,
    ServerState,
    StreamObserved,
)
from gateway.model.site import MediaServerSettings, Pull, Site
from tests.rooms.api.stage import SINCE
from tests.rooms.control.world import camera, site

HOUSE = site("house", camera("door", sub=True), camera("yard"))


def fingerprint(spec: ServerSpec) -> str:
    return f"{spec.id} {spec.address}"


def viewer(stream: str, session: str) -> StreamObserved:
    return StreamObserved(stream, session, published=False, status=PLAYING)


def facts(
    now: Site = HOUSE, viewers: tuple[StreamObserved, ...] = (), plan: Plan | None = None
) -> Facts:
    """Return a site whose media server runs and pulls just what its file says."""
    wanted = desired(now, Settings(), {f"{now.id}-{one.id}" for one in now.cameras})
    (spec,) = wanted.servers
    seen = ServerObserved(
        now.id, now.id, Role.ORIGIN, ServerState.RUNNING, fingerprint(spec), SINCE
    )
    captures = tuple(CaptureObserved(one.uri, one.stream, PLAYING) for one in wanted.captures)
    server = ServerFacts(seen, asked=True, captures=captures, streams=viewers)
    return Facts(now.id, (server,), plan=plan or Plan(now.id))


def ahead(draft: Site | None, known: Facts) -> Foresight:
    return foresee(draft, Settings(), known, fingerprint=fingerprint)


def kinds(foresight: Foresight) -> list[tuple[str, str]]:
    return [(str(one.step.kind), one.camera) for one in foresight.steps]


WATCHED = (
    viewer("house-door", "a"),
    viewer("house-door-sub", "b"),
    viewer("house-yard", "c"),
    StreamObserved("house-door", "in", published=True, status="PUBLISHING"),
)


@pytest.mark.parametrize(
    ("change", "steps", "viewers"),
    [
        (lambda it: it, [], 0),
        (lambda it: replace(it, enabled=False), [("stop", "")], 3),
        (lambda _: None, [("remove", "")], 3),
        (lambda it: replace(it, cameras=it.cameras[1:]), [("drop", "door")] * 2, 2),
        (lambda it: replace(it, cameras=it.cameras[:1]), [("drop", "yard")], 1),
        (
            lambda it: replace(it, media_server=MediaServerSettings(address="10.0.0.7")),
            [("replace", "")],
            3,
        ),
        (
            lambda it: replace(it, cameras=(*it.cameras, camera("roof"))),
            [("pull", "roof")],
            0,
        ),
    ],
    ids=["nothing", "off", "removed", "a camera less", "another less", "replaced", "one more"],
)
def test_who_is_cut_off(
    change: Callable[[Site], Site | None], steps: list[tuple[str, str]], viewers: int
) -> None:
    foresight = ahead(change(HOUSE), facts(viewers=WATCHED))
    assert kinds(foresight) == steps
    assert foresight.viewers == viewers


def test_nobody_is_counted_twice() -> None:
    foresight = ahead(site("house"), facts(viewers=WATCHED))
    assert [one.viewers for one in foresight.steps] == [1, 1, 1]
    assert foresight.viewers == 3


def test_what_comes_anyway_is_no_consequence() -> None:
    coming = Step(StepKind.PULL, "house", "house-roof", remark("not_pulled", "no roof yet"))
    known = facts(plan=Plan("house", (coming,)))
    assert kinds(ahead(replace(HOUSE, cameras=(*HOUSE.cameras, camera("roof"))), known)) == []


def test_a_camera_that_is_watched_on_demand_stays_so() -> None:
    house = site("house", camera("door", pull=Pull.ON_DEMAND))
    watched = facts(house, (viewer("house-door", "a"),))
    assert kinds(ahead(house, watched)) == []


def test_a_site_that_was_never_seen_is_made() -> None:
    assert kinds(ahead(HOUSE, Facts("house"))) == [("create", "")]
