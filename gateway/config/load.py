"""The directory ``sites/`` as a :class:`~gateway.model.company.Fleet`.

Whatever the files hold, the answer is a fleet: a broken file keeps its last good version in force
and its problems say where and what to write instead.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

from gateway.config import checks, engine_checks, network_checks, output_checks, swarm_checks
from gateway.config.admission import admit
from gateway.config.convert import to_settings, to_site
from gateway.config.files import on_the_way, read_regular, reason
from gateway.config.reading import COMPANY_FILE, MAX_BYTES, Source, id_of, misnamed, read_source
from gateway.config.schema import Kind
from gateway.config.secrets import Secrets
from gateway.model.company import Fleet, Problem, RuntimeKind, Settings, Severity
from gateway.model.site import Site

_GONE: Final = "is gone; put it back (its last version stays in force)"


def load(directory: Path, environment: Mapping[str, str] | None = None) -> Fleet:
    """Read a directory once; never raises for what is in it."""
    return Loader(directory, environment).load()


@dataclass(slots=True)
class _Reading:
    """What one pass over the directory has found so far."""

    secrets: Secrets
    problems: list[Problem] = field(default_factory=list)
    settings: Settings = field(default_factory=Settings)
    settled: bool = True


class Loader:
    """Reads the directory again and again and keeps the last good version of each file.

    ``environment`` holds the variables of ``{env: NAME}``, the process's own when absent. Not for
    several threads at once.
    """

    def __init__(self, directory: Path, environment: Mapping[str, str] | None = None) -> None:
        self.directory = directory
        self.fleet: Fleet | None = None
        self._environment = environment
        self._sources: dict[str, Source] = {}
        self._settings: Settings | None = None
        self._sites: dict[str, Site] = {}
        self._secret_files: set[Path] = set()

    def load(self) -> Fleet:
        """Read what has changed and return the fleet that is in force now."""
        now = _Reading(Secrets(self.directory, self._environment))
        names = self._names(now)
        if names is None:
            self.fleet = self._unchanged(now)
            return self.fleet
        self._sources = {name: self._source(name) for name in names}
        self._read_company(now)
        candidates, broken = self._read_sites(now)
        admission = admit(candidates, self._sites)
        for site_id, found in admission.problems:
            now.problems.extend(self._sources[f"{site_id}.yaml"].locate(found))
        self._sites = admission.sites
        self._secret_files = now.secrets.used
        self._check_fleet(now)
        unreadable = (broken | set(candidates)) - set(self._sites)
        self.fleet = self._fleet(now, frozenset(unreadable))
        return self.fleet

    def watched(self) -> frozenset[Path]:
        """Return every file and link whose change may change the fleet."""
        files = {self.directory, *self._secret_files}
        files |= {self.directory / name for name in (COMPANY_FILE, *self._sources)}
        return frozenset(step for path in files for step in on_the_way(path))

    def _names(self, now: _Reading) -> list[str] | None:
        try:
            names = sorted(path.name for path in self.directory.iterdir())
        except OSError as error:
            words = f"the directory cannot be read: {reason(error)}"
            now.problems.append(Problem(self.directory.name, 0, "file", words))
            return None
        now.problems.extend(found for name in names if (found := misnamed(name)))
        kept = [name for name in names if name == COMPANY_FILE or id_of(name)]
        if COMPANY_FILE in self._sources and COMPANY_FILE not in kept:
            # The directory is being replaced or has lost its contents: buildings that vanish
            # together with gateway.yaml were not removed by anybody.
            lost = [name for name in self._sources if name not in kept]
            now.problems.extend(Problem(name, 0, "file", _GONE) for name in lost)
            kept += lost
        return kept

    def _source(self, name: str) -> Source:
        old = self._sources.get(name)
        kind: Kind = "gateway" if name == COMPANY_FILE else "site"
        try:
            content = read_regular(self.directory / name, MAX_BYTES)
        except FileNotFoundError as error:
            # A file between two steps of an editor, or one that is kept although it is gone.
            return old or Source.unread(name, reason(error))
        except OSError as error:
            return Source.unread(name, reason(error))
        if old is not None and old.content == content:
            return old
        return read_source(name, kind, content)

    def _read_company(self, now: _Reading) -> None:
        source = self._sources.get(COMPANY_FILE)
        if source is None:
            self._settings = now.settings
            return
        report = source.reporter()
        settings: Settings | None = None
        if source.company is not None:
            settings = to_settings(source.company, now.secrets, report)
            network_checks.check_company(settings, report)
            if settings.media_servers.runtime is not RuntimeKind.PROCESS:
                engine_checks.check_engines(settings.media_servers, report)
            swarm_checks.check_company(settings, report)
        now.problems.extend(report.problems)
        if settings is not None and not report.failed:
            self._settings = settings
        now.settled = self._settings is not None
        now.settings = self._settings or Settings()

    def _read_sites(self, now: _Reading) -> tuple[dict[str, Site], set[str]]:
        """Return the sites that may come into force, and the ids whose file is broken."""
        candidates: dict[str, Site] = {}
        broken: set[str] = set()
        for name, source in self._sources.items():
            site_id = id_of(name)
            if not site_id:
                continue
            site = self._read_site(site_id, source, now)
            if site is None:
                broken.add(site_id)
                site = self._sites.get(site_id)
            if site is not None:
                candidates[site_id] = site
        return candidates, broken

    @staticmethod
    def _read_site(site_id: str, source: Source, now: _Reading) -> Site | None:
        report = source.reporter()
        site: Site | None = None
        if source.site is not None:
            site = to_site(site_id, source.site, now.settings.scaling, now.secrets, report)
            checks.check_site(site, source.site.id, report)
            if now.settled:
                engine_checks.check_engine(site, now.settings, report)
                swarm_checks.check_site(site, now.settings, report)
            network_checks.check_address(site, now.settings, report)
            output_checks.check_output(site, now.settings, report)
        now.problems.extend(report.problems)
        return None if report.failed else site

    def _check_fleet(self, now: _Reading) -> None:
        sites = self._sites.values()
        company = self._sources.get(COMPANY_FILE)
        if company is not None and now.settled:
            report = company.reporter()
            network_checks.check_capacity(now.settings, sites, report)
            now.problems.extend(item for item in report.problems if item not in now.problems)
        for site, index, other in checks.overlapping_subnets(sites):
            path = ("discovery", "subnets", index)
            words = f"overlaps a network of {other.id}.yaml on the same interface"
            source = self._sources[f"{site.id}.yaml"]
            now.problems.append(source.problem(path, words, Severity.WARNING))

    def _unchanged(self, now: _Reading) -> Fleet:
        now.settings = self._settings or Settings()
        now.settled = self._settings is not None
        return self._fleet(now, self.fleet.unreadable if self.fleet else frozenset())

    def _fleet(self, now: _Reading, unreadable: frozenset[str]) -> Fleet:
        order = {name: position for position, name in enumerate(sorted(self._sources))}
        problems = sorted(
            dict.fromkeys(now.problems),
            key=lambda item: (order.get(item.file, -1), item.file, item.line, item.key),
        )
        return Fleet(
            settings=now.settings,
            sites=MappingProxyType(dict(sorted(self._sites.items()))),
            problems=tuple(problems),
            unreadable=unreadable,
            settled=now.settled,
        )
