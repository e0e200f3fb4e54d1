"""What an edit of a building's file would lead to, and who would lose their picture by it. Pure.

It is said before the edit is written, so that nobody is cut off by a tap.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from gateway.control.desired import Desired, desired
from gateway.control.edges import edges_found
from gateway.control.facts import Facts, ServerFacts
from gateway.control.plan import make_plan
from gateway.model.company import Settings
from gateway.model.plan import Step, StepKind
from gateway.model.server import ServerSpec
from gateway.model.site import Site

_ENDING = frozenset({StepKind.REPLACE, StepKind.STOP, StepKind.REMOVE})


@dataclass(frozen=True, slots=True)
class Foreseen:
    """One step to come. ``viewers`` is how many it cuts off; ``camera`` names a stream's camera."""

    step: Step
    camera: str
    viewers: int


@dataclass(frozen=True, slots=True)
class Foresight:
    """The steps in order, and how many viewers they cut off together."""

    steps: tuple[Foreseen, ...] = ()
    viewers: int = 0


def foresee(
    draft: Site | None,
    settings: Settings,
    facts: Facts,
    *,
    fingerprint: Callable[[ServerSpec], str],
) -> Foresight:
    """Return what becomes of the site of ``facts`` with ``draft``; ``None`` is its removal.

    Steps that are on their way anyway are left out.
    """
    site_id = facts.site
    pulled = {one.stream for server in facts.servers for one in server.captures if one.stream}
    there = [server.observed for server in facts.servers]
    wanted = Desired(site_id)
    if draft is not None:
        edges = edges_found(draft, settings, there, fingerprint)[: draft.scaling.max_servers - 1]
        wanted = desired(draft, settings, pulled, edges)
    plan = make_plan(
        wanted,
        there,
        {server.observed.id: server.captures for server in facts.servers if server.asked},
        fingerprint=fingerprint,
    )
    coming = {(step.kind, step.target) for step in facts.plan.steps}
    steps = [step for step in plan.steps if (step.kind, step.target) not in coming]
    foreseen = [
        Foreseen(step, _camera_of(step), len(set(_cut(step, facts.servers)))) for step in steps
    ]
    everybody = {viewer for step in steps for viewer in _cut(step, facts.servers)}
    return Foresight(tuple(foreseen), len(everybody))


def _cut(step: Step, servers: Collection[ServerFacts]) -> Iterator[str]:
    """Yield the plays that a step ends: those of its media server, or of its stream anywhere."""
    for server in servers:
        for stream in server.streams:
            whole = step.kind in _ENDING and step.target == server.observed.id
            single = step.kind is StepKind.DROP and step.target == stream.name
            if not stream.published and (whole or single):
                yield stream.media_session_id


def _camera_of(step: Step) -> str:
    if step.kind not in (StepKind.PULL, StepKind.DROP):
        return ""
    return step.target.removeprefix(f"{step.site}-").removesuffix("-sub")
