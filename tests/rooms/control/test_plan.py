"""The plan: a table of situations, and its two laws."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.control.desired import Desired, WantedCapture
from gateway.control.plan import make_plan
from gateway.kit.secret import Secret
from gateway.model.plan import Plan, StepKind
from gateway.model.remark import Remark
from gateway.model.server import (
    CaptureObserved,
    Role,
    ServerObserved,
    ServerSpec,
    ServerState,
)

SINCE = datetime(2026, 1, 1, tzinfo=UTC)


def fingerprint(spec: ServerSpec) -> str:
    return f"{spec.max_viewers}"


def server(
    name: str = "s",
    *,
    site: str = "s",
    state: ServerState = ServerState.RUNNING,
    made_of: str = "500",
    detail: str = "",
) -> ServerObserved:
    return ServerObserved(name, site, Role.ORIGIN, state, made_of, SINCE, detail=detail)


def wanted(*cameras: str, parked: bool = False) -> Desired:
    captures = tuple(
        WantedCapture(camera, f"s-{camera}", Secret(f"rtsp://u:p@{camera}/")) for camera in cameras
    )
    if parked:
        return Desired("s", parked=True)
    return Desired("s", (ServerSpec("s", "s"),), captures)


def pulled(camera: str, *, uri: str | None = None, stream: str | None = None) -> CaptureObserved:
    return CaptureObserved(
        Secret(uri or f"rtsp://u:p@{camera}/"), stream or f"s-{camera}", "PLAYING"
    )


def steps(
    want: Desired, servers: list[ServerObserved], captures: dict[str, list[CaptureObserved]]
) -> list[str]:
    plan = make_plan(want, servers, captures, fingerprint=fingerprint)
    return [f"{step.kind} {step.target}" for step in plan.steps]


@pytest.mark.parametrize(
    ("want", "servers", "captures", "expected"),
    [
        (wanted("a"), [], {}, ["create s"]),
        (wanted("a"), [server(made_of="1")], {"s": []}, ["replace s"]),
        (wanted("a"), [server(state=ServerState.STOPPED)], {}, ["start s"]),
        (wanted("a"), [server(state=ServerState.STARTING)], {}, []),
        (wanted("a"), [server()], {}, []),
        (wanted("a", "b"), [server()], {"s": [pulled("b")]}, ["pull s-a"]),
        (wanted("a"), [server()], {"s": [pulled("a")]}, []),
        (wanted("a"), [server()], {"s": [pulled("a"), pulled("b")]}, ["drop s-b"]),
        (
            wanted("a"),
            [server()],
            {"s": [pulled("a", uri="rtsp://u:old@a/")]},
            ["drop s-a", "pull s-a"],
        ),
        (
            wanted("a"),
            [server()],
            {"s": [pulled("a", stream="s-b")]},
            ["drop s-b", "pull s-a"],
        ),
        (wanted("a"), [server()], {"s": [pulled("a"), pulled("x", stream="mine")]}, []),
        (wanted(parked=True), [server()], {"s": [pulled("a")]}, ["stop s"]),
        (wanted(parked=True), [server(state=ServerState.STOPPED)], {}, []),
        (Desired("s"), [server(), server("s-2")], {}, ["remove s", "remove s-2"]),
        (Desired("s"), [server("t", site="t")], {"t": [pulled("a")]}, []),
        (wanted("a"), [server("s", site="t")], {"s": []}, []),
        (wanted(), [server(), server("s-2")], {"s": []}, ["remove s-2"]),
    ],
    ids=[
        "no server",
        "other settings",
        "stopped server",
        "server is starting",
        "server cannot be asked",
        "one camera is missing",
        "all is well",
        "camera was taken away",
        "password has changed",
        "address moved to another camera",
        "somebody's own capture",
        "switched off",
        "switched off and stopped",
        "file is gone",
        "another site's server",
        "another site's server has our name",
        "a second server is not wanted",
    ],
)
def test_each_situation_has_its_steps(
    want: Desired,
    servers: list[ServerObserved],
    captures: dict[str, list[CaptureObserved]],
    expected: list[str],
) -> None:
    assert steps(want, servers, captures) == expected


def test_a_dead_server_is_started_with_its_last_words_as_the_reason() -> None:
    dead = server(state=ServerState.STOPPED, detail="one\nno port is free\n")
    plan = make_plan(wanted(), [dead], {}, fingerprint=fingerprint)
    assert plan.steps[0].reason == Remark(
        "stopped_saying", "it has stopped: no port is free", (("said", "no port is free"),)
    )


def test_no_step_shows_a_password() -> None:
    plan = make_plan(wanted("a"), [server()], {"s": [pulled("b")]}, fingerprint=fingerprint)
    assert "u:p@" not in repr(plan) + "".join(str(step) for step in plan.steps)


NAMES = st.sampled_from(["a", "b", "c", "a-sub"])
URIS = st.sampled_from([Secret(f"rtsp://{n}") for n in range(4)])


@st.composite
def worlds(
    draw: st.DrawFn,
) -> tuple[Desired, list[ServerObserved], dict[str, list[CaptureObserved]]]:
    """Draw wishes and any world that a site may find, other sites' things included."""
    site = "s"
    uris = draw(st.lists(URIS, unique=True, max_size=4))
    cameras = draw(st.lists(NAMES, unique=True, min_size=len(uris), max_size=4))
    captures = tuple(
        WantedCapture(camera, f"{site}-{camera}", uri)
        for camera, uri in zip(cameras, uris, strict=False)
    )
    spec = ServerSpec(site, site, max_viewers=draw(st.sampled_from([100, 500])))
    wish = draw(
        st.sampled_from(
            [Desired(site), Desired(site, parked=True), Desired(site, (spec,), captures)]
        )
    )
    servers = [
        server(name, site=draw(st.sampled_from(["s", "t"])), state=state, made_of=made_of)
        for name, state, made_of in draw(
            st.lists(
                st.tuples(
                    st.sampled_from(["s", "s-2", "t"]),
                    st.sampled_from(list(ServerState)),
                    st.sampled_from(["100", "500"]),
                ),
                unique_by=lambda one: one[0],
            )
        )
    ]
    seen = {
        one.id: [
            CaptureObserved(uri, stream, "PLAYING")
            for uri, stream in draw(
                st.lists(
                    st.tuples(URIS, st.sampled_from(["s-a", "s-b", "s-x", "other", None])),
                    unique_by=lambda capture: capture[0],
                )
            )
        ]
        for one in servers
        if one.state is ServerState.RUNNING
    }
    return wish, servers, seen


def applied(
    plan: Plan, servers: list[ServerObserved], captures: dict[str, list[CaptureObserved]]
) -> tuple[list[ServerObserved], dict[str, list[CaptureObserved]]]:
    """Do to a model of the world what each step does to the real one."""
    there = {one.id: one for one in servers}
    pulls = {name: {one.uri: one for one in some} for name, some in captures.items()}
    for step in plan.steps:
        if step.kind in (StepKind.CREATE, StepKind.REPLACE):
            assert step.spec is not None
            there[step.target] = server(step.target, site=step.site, made_of=fingerprint(step.spec))
            pulls[step.target] = {}
        elif step.kind is StepKind.START:
            old = there[step.target]
            there[step.target] = server(step.target, site=old.site, made_of=old.fingerprint)
            pulls[step.target] = {}
        elif step.kind is StepKind.STOP:
            old = there[step.target]
            there[step.target] = server(
                step.target, site=old.site, state=ServerState.STOPPED, made_of=old.fingerprint
            )
            pulls.pop(step.target, None)
        elif step.kind is StepKind.REMOVE:
            del there[step.target]
            pulls.pop(step.target, None)
        elif step.kind is StepKind.PULL:
            assert step.uri is not None
            assert step.uri not in pulls[step.server], "a media server would answer 409"
            pulls[step.server][step.uri] = CaptureObserved(step.uri, step.target, "PLAYING")
        else:
            assert step.uri is not None
            del pulls[step.server][step.uri]
    return list(there.values()), {name: list(some.values()) for name, some in pulls.items()}


@given(worlds())
def test_an_applied_plan_leaves_nothing_to_do(
    world: tuple[Desired, list[ServerObserved], dict[str, list[CaptureObserved]]],
) -> None:
    wish, servers, captures = world
    # A server's cameras can be pulled only once it runs: two rounds at most, a third is empty.
    for _ in range(2):
        plan = make_plan(wish, servers, captures, fingerprint=fingerprint)
        servers, captures = applied(plan, servers, captures)
        servers = [
            server(one.id, site=one.site, made_of=one.fingerprint)
            if one.state is ServerState.STARTING
            else one
            for one in servers
        ]
        captures = {
            one.id: captures.get(one.id, []) for one in servers if one.state is ServerState.RUNNING
        }
    assert not make_plan(wish, servers, captures, fingerprint=fingerprint).steps


@given(worlds())
def test_no_step_touches_what_is_not_ours(
    world: tuple[Desired, list[ServerObserved], dict[str, list[CaptureObserved]]],
) -> None:
    wish, servers, captures = world
    foreign = {one.id for one in servers if one.site != wish.site}
    ours = {capture.uri for capture in wish.captures}
    for step in make_plan(wish, servers, captures, fingerprint=fingerprint).steps:
        assert step.site == wish.site
        assert step.target not in foreign
        assert step.server not in foreign
        if step.kind is StepKind.DROP:
            assert step.target.startswith("s-") or step.uri in ours
        if step.kind is StepKind.PULL:
            assert step.uri in ours
