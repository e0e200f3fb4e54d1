"""What ``gateway doctor`` does: files, engine and machine, each check with its finding."""

from collections.abc import Sequence
from pathlib import Path

from gateway.config.load import load
from gateway.model.company import Fleet, RuntimeKind, Severity
from gateway.runtime.doctor import Finding, Health, fail, ok, warn
from gateway.runtime.doctor_machine import machine
from gateway.runtimes import engines, homes, manager


async def examine(directory: Path) -> Sequence[Finding]:
    """Return every finding, files first; changes nothing and raises nothing."""
    fleet = load(directory)
    found = [*_files(directory, fleet)]
    servers = fleet.settings.media_servers
    if servers.runtime is RuntimeKind.SWARM:
        from gateway.runtime import doctor_swarm

        sites = [*fleet.sites.values()]
        found += await doctor_swarm.swarm(manager(fleet.settings), servers, sites)
    if servers.runtime is RuntimeKind.DOCKER:
        # A machine without containers need not have the engine's SDK.
        from gateway.runtime import doctor_engine

        there = homes(fleet)
        for one in engines(fleet):
            sites = [site for site in fleet.sites.values() if there[site.id] == one.name]
            found += await doctor_engine.engine(one, servers, sites)
    return [*found, *machine(fleet.settings)]


def _files(directory: Path, fleet: Fleet) -> Sequence[Finding]:
    if not fleet.problems:
        count = len(fleet.sites)
        counted = "1 site" if count == 1 else f"{count} sites"
        return [ok("files", f"{directory}: {counted}, nothing is wrong")]
    return [
        warn("files", str(problem), "correct the file")
        if problem.severity is Severity.WARNING
        else fail("files", str(problem), "correct the file")
        for problem in fleet.problems
    ]


def as_json(findings: Sequence[Finding]) -> dict[str, object]:
    """Return the findings for machines."""
    return {
        "fit": fit(findings),
        "checks": [
            {
                "check": one.check,
                "health": str(one.health),
                "message": one.message,
                "fix": one.fix,
            }
            for one in findings
        ],
    }


def fit(findings: Sequence[Finding]) -> bool:
    """Tell whether nothing fails."""
    return all(one.health is not Health.FAIL for one in findings)
