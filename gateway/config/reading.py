"""One file: its bytes, its checked keys, and its problems with their lines."""

import re
from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError

from gateway.config.company_schema import GatewayKeys
from gateway.config.composer import MAX_BYTES, parse
from gateway.config.document import Document, DocumentError, Path, key_of
from gateway.config.fields import MAX_ID
from gateway.config.problems import explain, unreadable
from gateway.config.schema import Kind
from gateway.config.site_schema import SiteKeys
from gateway.config.upgrade_version import refusal
from gateway.model.company import Problem, Severity

__all__ = ["COMPANY_FILE", "MAX_BYTES", "Source", "id_of", "misnamed", "read_source"]

COMPANY_FILE: Final = "gateway.yaml"
_SITE_FILE: Final = re.compile(rf"(?=.{{1,{MAX_ID}}}\.yaml$)([a-z0-9]+(?:-[a-z0-9]+)*)\.yaml")
_MOST_PROBLEMS: Final = 50

Finding = tuple[Path, str, Severity]


def id_of(name: str) -> str:
    """Return the site's id that a file's name says; empty when it is no site's file."""
    match = _SITE_FILE.fullmatch(name)
    return match[1] if match and name != COMPANY_FILE else ""


def misnamed(name: str) -> Problem | None:
    """Return the problem of a file that looks like configuration and is not read."""
    if name.startswith(".") or name == COMPANY_FILE or id_of(name):
        return None
    stem, dot, ending = name.rpartition(".")
    if not dot or ending.lower() not in ("yaml", "yml"):
        return None
    better = re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")[:MAX_ID].strip("-") or "site-1"
    severity = Severity.ERROR if ending == "yaml" else Severity.WARNING
    words = (
        "is not read, because a site's file is named by small letters, digits and dashes; "
        f"rename it to {better}.yaml"
    )
    return Problem(name, 0, "file", words, severity)


@dataclass(frozen=True, slots=True)
class Source:
    """What one file holds. Either ``company`` or ``site`` is there, unless it is broken."""

    name: str
    content: bytes | None = None
    company: GatewayKeys | None = None
    site: SiteKeys | None = None
    problems: tuple[Problem, ...] = ()

    @classmethod
    def unread(cls, name: str, why: str) -> "Source":
        """Return a file that cannot be read."""
        return cls(name, problems=(Problem(name, 0, "file", f"cannot be read: {why}"),))

    @property
    def document(self) -> Document | None:
        """The file's tree, made anew each time: it takes thirty times the memory of the text."""
        try:
            return None if self.content is None else parse(self.content)
        except DocumentError:
            return None

    def problem(self, path: Path, message: str, severity: Severity = Severity.ERROR) -> Problem:
        """Return a problem at the place where ``path`` is written."""
        return self.locate([(path, message, severity)])[0]

    def locate(self, findings: list[Finding]) -> list[Problem]:
        """Return findings with their places."""
        document = self.document if findings else None
        return [
            Problem(
                self.name, document.line(path) if document else 0, key_of(path), words, severity
            )
            for path, words, severity in findings
        ]

    def reporter(self) -> "Reporter":
        """Return a collector that begins with the problems of the reading."""
        return Reporter(self)


class Reporter:
    """Collects what the checks find in one file."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._findings: list[Finding] = []

    @property
    def problems(self) -> list[Problem]:
        """All that was found, with its places."""
        return [*self._source.problems, *self._source.locate(self._findings)]

    @property
    def failed(self) -> bool:
        """Whether an error was found."""
        severities = [item.severity for item in self._source.problems]
        severities += [severity for _, _, severity in self._findings]
        return Severity.ERROR in severities

    def __call__(self, path: Path, message: str, severity: Severity = Severity.ERROR, /) -> None:
        self._findings.append((path, message, severity))


def read_source(name: str, kind: Kind, content: bytes) -> Source:
    """Read the text of a file against its schema; never raises."""
    try:
        document = parse(content)
    except DocumentError as error:
        return Source(name, content, problems=(unreadable(name, error),))
    words = refusal(document.data) if kind == "gateway" else None
    if words:
        # One sentence instead of one for each key that this gateway cannot know.
        path: Path = ("version",)
        found = [Problem(name, document.line(path), key_of(path), words)]
        return Source(name, content, problems=tuple(found))
    try:
        if kind == "gateway":
            return Source(name, content, company=GatewayKeys.model_validate(document.data))
        return Source(name, content, site=SiteKeys.model_validate(document.data))
    except ValidationError as error:
        found = explain(name, kind, document, error)
        if len(found) > _MOST_PROBLEMS:
            words = f"has {len(found) - _MOST_PROBLEMS} more problems below"
            more = Problem(name, found[_MOST_PROBLEMS].line, "file", words)
            found = [*found[:_MOST_PROBLEMS], more]
        return Source(name, content, problems=tuple(found))
