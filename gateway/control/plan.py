"""The steps from observed to desired, each with its reason.

Pure, and the only place that decides. Two laws hold: a world in which a plan was applied asks for
no further step, and no step touches what does not belong to the site.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Final

from gateway.control.desired import Desired, WantedCapture
from gateway.model.plan import Plan, Step, StepKind
from gateway.model.remark import Remark, remark
from gateway.model.server import (
    CaptureObserved,
    Role,
    ServerObserved,
    ServerSpec,
    ServerState,
    without_version,
)

OTHER_VERSION: Final = "other_version"
"""The code of the reason for replacing a server that only a newer or older gateway has made."""

Captures = Mapping[str, Collection[CaptureObserved]]
"""What each media server pulls, by server id; one that could not be asked is absent."""


def make_plan(
    wanted: Desired,
    servers: Sequence[ServerObserved],
    captures: Captures,
    *,
    fingerprint: Callable[[ServerSpec], str],
    hung: Collection[str] = (),
    waiting: Collection[str] = (),
) -> Plan:
    """Return the steps that make the world as ``wanted``: servers first, then cameras.

    ``hung`` are media servers that run and have answered nobody for long, ``waiting`` those that
    play on although another version is installed, because it is not their turn.
    """
    there = {server.id: server for server in servers}
    own = {server.id: server for server in servers if server.site == wanted.site}
    steps = [*_redundant(wanted, own)]
    for spec in wanted.servers:
        observed = there.get(spec.id)
        if observed is not None and observed.site != wanted.site:
            continue  # somebody else's server has the name: never ours to touch
        step = _server_step(spec, observed, fingerprint)
        if step is not None and step.reason.code == OTHER_VERSION and spec.id in waiting:
            step = None
        if step is None and spec.id in hung:
            reason = remark("hung", "it runs, but has answered nobody for long")
            step = Step(StepKind.REPLACE, spec.site, spec.id, reason, spec=spec)
        if step is not None:
            steps.append(step)
        elif spec.role is Role.ORIGIN and spec.id in captures:
            steps.extend(_capture_steps(wanted, spec.id, captures[spec.id]))
    return Plan(wanted.site, tuple(steps))


def _redundant(wanted: Desired, own: Mapping[str, ServerObserved]) -> Iterator[Step]:
    specs = {spec.id for spec in wanted.servers}
    for server in own.values():
        if server.id in specs:
            continue
        if server.role is Role.EDGE:
            # Nobody puts an edge away for later: another one is made when it is needed.
            needless = remark("not_needed", "the site needs it no more")
            reason = _site_off() if wanted.parked else needless
            yield Step(StepKind.REMOVE, wanted.site, server.id, reason)
        elif not wanted.parked:
            reason = remark("not_wanted", "the site wants it no more")
            yield Step(StepKind.REMOVE, wanted.site, server.id, reason)
        elif server.state is not ServerState.STOPPED:
            yield Step(StepKind.STOP, wanted.site, server.id, _site_off())


def _site_off() -> Remark:
    return remark("site_off", "the site is switched off")


def _server_step(
    spec: ServerSpec, observed: ServerObserved | None, fingerprint: Callable[[ServerSpec], str]
) -> Step | None:
    if observed is None:
        reason = remark("no_server", "the site has no media server yet")
        if spec.role is Role.EDGE:
            reason = remark("one_more", "the site needs one more")
        return Step(StepKind.CREATE, spec.site, spec.id, reason, spec=spec)
    if observed.fingerprint != fingerprint(spec):
        reason = remark("settings_changed", "its settings have changed")
        if without_version(observed.fingerprint) == without_version(fingerprint(spec)):
            reason = remark("other_version", "another version of the media server is installed")
        return Step(StepKind.REPLACE, spec.site, spec.id, reason, spec=spec)
    if observed.state is ServerState.STOPPED:
        last = observed.detail.strip().rpartition("\n")[2]
        reason = remark("stopped", "it has stopped")
        if last:
            reason = remark("stopped_saying", f"it has stopped: {last}", said=last)
        return Step(StepKind.START, spec.site, spec.id, reason)
    return None


def _capture_steps(
    wanted: Desired, server: str, observed: Collection[CaptureObserved]
) -> Iterator[Step]:
    by_uri = {capture.uri: capture for capture in wanted.captures}
    by_stream = {capture.stream: capture for capture in wanted.captures}
    kept: set[str] = set()
    for seen in observed:
        match = by_uri.get(seen.uri)
        if match is not None and seen.stream == match.stream:
            kept.add(match.stream)
        elif match is not None or _is_ours(seen.stream, wanted.site):
            reason = _drop_reason(seen, match, by_stream)
            name = seen.stream or (match.stream if match else "")
            yield Step(StepKind.DROP, wanted.site, name, reason, server=server, uri=seen.uri)
    for capture in wanted.captures:
        if capture.stream not in kept:
            reason = remark(
                "not_pulled", f"{capture.camera} is not pulled yet", camera=capture.camera
            )
            yield Step(
                StepKind.PULL, wanted.site, capture.stream, reason, server=server, uri=capture.uri
            )


def _drop_reason(
    seen: CaptureObserved, match: WantedCapture | None, by_stream: Mapping[str, WantedCapture]
) -> Remark:
    if match is not None:
        text = f"its address now belongs to {match.stream}"
        return remark("address_passed_on", text, stream=match.stream)
    moved = by_stream.get(seen.stream or "")
    if moved is not None:
        text = f"the address or the password of {moved.camera} has changed"
        return remark("camera_changed", text, camera=moved.camera)
    return remark("unwanted", "nobody wants it any more")


def _is_ours(stream: str | None, site: str) -> bool:
    return stream is not None and stream.startswith(f"{site}-")
