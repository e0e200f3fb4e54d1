"""Who comes into force when two buildings want the same thing. Pure.

A building that runs keeps what it has; the newcomer, or the new version of a file, waits outside
with a problem that says why.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.config.checks import ADVICE, Claim, Register
from gateway.config.reading import Finding
from gateway.model.company import Severity
from gateway.model.site import Site


@dataclass(frozen=True, slots=True)
class Admission:
    """The sites that come into force, and what is wrong by site id."""

    sites: dict[str, Site]
    problems: list[tuple[str, list[Finding]]]


def admit(candidates: Mapping[str, Site], in_force: Mapping[str, Site]) -> Admission:
    """Choose among ``candidates``; one that is refused falls back to its version in force."""
    held: dict[str, list[Finding]] = {}
    while True:
        chosen = {
            site_id: in_force[site_id] if site_id in held else site
            for site_id, site in candidates.items()
        }
        again, admission = _pass(chosen, in_force)
        if not again:
            return Admission(admission.sites, [*held.items(), *admission.problems])
        # One that fell back comes first from now on, so this ends.
        held.update(again)


def _pass(
    chosen: Mapping[str, Site], in_force: Mapping[str, Site]
) -> tuple[dict[str, list[Finding]], Admission]:
    """Return the first one that must fall back, or the whole admission."""
    register = Register()
    sites: dict[str, Site] = {}
    problems: list[tuple[str, list[Finding]]] = []
    for site_id in sorted(chosen, key=lambda name: (chosen[name] != in_force.get(name), name)):
        site = chosen[site_id]
        conflicts = register.conflicts(site)
        errors = [item for item in conflicts if item[0].severity is Severity.ERROR]
        runs = in_force.get(site_id) == site
        if errors and not runs:
            findings = _findings(errors)
            if site_id in in_force:
                return {site_id: findings}, Admission({}, [])
            problems.append((site_id, findings))
            continue
        register.enter(site)
        sites[site_id] = site
        if conflicts:
            problems.append((site_id, _findings(conflicts)))
    return {}, Admission(sites, problems)


def _findings(conflicts: list[tuple[Claim, str]]) -> list[Finding]:
    return [
        (claim.path, f"{claim.words} of {owner}.yaml; {ADVICE[claim.kind]}", claim.severity)
        for claim, owner in conflicts
    ]
