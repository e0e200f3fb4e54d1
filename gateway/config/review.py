"""Whether a new text of a building's file may be written: the same checks as those of reading."""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from gateway.config import checks, network_checks, output_checks
from gateway.config.convert import to_site
from gateway.config.document import walk
from gateway.config.reading import Reporter, Source, id_of, read_source
from gateway.config.secrets import Reference, SecretError, Secrets, reference
from gateway.model.company import Fleet, Problem, Settings, Severity
from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.site import Site

_FREE_VARIABLES: Final = re.compile(r"(CAMERA|WCS_LICENSE)[A-Z0-9_]*")


class Review:
    """Compares a file before and after an edit; see :class:`gateway.config.edit.SiteFiles`."""

    def __init__(
        self,
        directory: Path,
        environment: Mapping[str, str] | None,
        fleet: Callable[[], Fleet | None],
    ) -> None:
        self._directory = directory
        self._environment = environment
        self._fleet = fleet

    def new(self, name: str, content: bytes, before: Source) -> Source:
        """Return the reading of ``content``; raises GatewayError when it may not be written."""
        after = read_source(name, "site", content)
        self._check_references(before, after)
        known = {(item.key, item.message) for item in self._problems(before)}
        found = [
            item
            for item in self._problems(after)
            if item.severity is Severity.ERROR and (item.key, item.message) not in known
        ]
        if found:
            words = "; ".join(f"{item.key}: {item.message}" for item in found[:5])
            raise GatewayError(
                ErrorKind.CONFIG_INVALID,
                f"{name} would not be valid: {words}",
                "nothing is written",
                reason="invalid",
            )
        return after

    def site(self, source: Source) -> Site | None:
        """Return the building that a text describes, ``None`` when nobody can tell."""
        return self._site(source, source.reporter())

    def _site(self, source: Source, report: Reporter) -> Site | None:
        if source.site is None:
            return None
        scaling = self._settings().scaling
        secrets = Secrets(self._directory, self._environment)
        return to_site(id_of(source.name), source.site, scaling, secrets, report)

    def _settings(self) -> Settings:
        fleet = self._fleet()
        return fleet.settings if fleet else Settings()

    def _problems(self, source: Source) -> list[Problem]:
        report = source.reporter()
        site = self._site(source, report)
        if site is not None and source.site is not None:
            fleet, settings = self._fleet(), self._settings()
            checks.check_site(site, source.site.id, report)
            network_checks.check_address(site, settings, report)
            output_checks.check_output(site, settings, report)
            if fleet is not None:
                _check_others(site, fleet, report)
        return report.problems

    def _check_references(self, before: Source, after: Source) -> None:
        """Keep whoever may register cameras from sending foreign secrets to a camera."""
        fleet = self._fleet()
        known = {str(item) for item in _references(before)}
        for site in fleet.sites.values() if fleet else ():
            known |= {item.reference for item in site.discovery.credentials}
            known |= {camera.credential.reference for camera in site.cameras if camera.credential}
        for item in _references(after):
            free = item.kind == "env" and _FREE_VARIABLES.fullmatch(item.name)
            if str(item) not in known and not free:
                raise GatewayError(
                    ErrorKind.FORBIDDEN,
                    f"{item} is not used for cameras yet, and only a person may change that",
                    "use a variable whose name begins with CAMERA or WCS_LICENSE, a user of "
                    "discovery.credentials, or write the reference into the file by hand",
                    reason="foreign_secret",
                )


def _check_others(site: Site, fleet: Fleet, report: checks.Report) -> None:
    register = checks.Register()
    for other in fleet.sites.values():
        if other.id != site.id:
            register.enter(other)
    for claim, owner in register.conflicts(site):
        words = f"{claim.words} of {owner}.yaml; {checks.ADVICE[claim.kind]}"
        report(claim.path, words, claim.severity)


def _references(source: Source) -> Iterator[Reference]:
    data: Any = source.document.data if source.document else None
    for _, piece in walk(data):
        if isinstance(piece, dict):
            try:
                yield reference(piece)
            except SecretError:
                continue
