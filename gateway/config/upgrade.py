"""Files of an older version, brought to the keys of this one without losing a comment.

A migration changes one file and leaves alone what it finds done already: an upgrade that was cut
off half-way is simply run again. ``version`` is written last, so until then it has not happened.
"""

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from gateway.config import atomic, refusals
from gateway.config.composer import MAX_BYTES, parse
from gateway.config.document import Document, DocumentError, meant
from gateway.config.files import read_regular
from gateway.config.lines import Unspliceable
from gateway.config.problems import unreadable
from gateway.config.reading import COMPANY_FILE, id_of
from gateway.config.schema import Kind
from gateway.config.splice import Change, Splicer
from gateway.config.upgrade_version import refusal, version_of
from gateway.model.errors import ErrorKind, GatewayError


@dataclass(frozen=True, slots=True)
class Migration:
    """The step from one version to the next; ``says`` tells people what becomes of their files.

    ``change`` gets a file's kind and document, and returns ``None`` if nothing is to be done.
    """

    says: str
    change: Callable[[Kind, Document], Change | None]


MIGRATIONS: Final[tuple[Migration, ...]] = ()
"""From version 1 on, one after the other: as many as ``upgrade_version.CURRENT`` minus one."""


@dataclass(frozen=True, slots=True)
class Upgraded:
    """A file that changes: its bytes before (empty if there was none) and after."""

    name: str
    old: bytes
    new: bytes

    @property
    def diff(self) -> str:
        """What changes, as a unified diff."""
        old, new = (text.decode("utf-8", "replace").splitlines() for text in (self.old, self.new))
        lines = difflib.unified_diff(old, new, f"a/{self.name}", f"b/{self.name}", lineterm="")
        return "".join(f"{line}\n" for line in lines)


@dataclass(frozen=True, slots=True)
class Upgrade:
    """What an upgrade of a directory changes; ``says`` has one sentence for each step."""

    directory: Path
    version: int
    says: tuple[str, ...] = ()
    files: tuple[Upgraded, ...] = ()

    def write(self) -> list[Path]:
        """Keep each file as ``<name>.v<version>`` and write the new one; return what was kept.

        Raises CONFLICT if somebody has changed a file since, INTERNAL if it cannot be written.
        """
        return [kept for file in self.files if (kept := self._write(file)) is not None]

    def _write(self, file: Upgraded) -> Path | None:
        path = self.directory / file.name
        kept = path.with_name(f"{file.name}.v{self.version}")
        try:
            if not file.old:
                atomic.create(path, file.new)
                return None
            if not kept.exists():  # of a first try that was cut off: the older one is the original
                atomic.create(kept, file.old)
                kept.chmod(path.stat().st_mode & 0o7777)
            atomic.replace(path, file.new, file.old)
        except (atomic.ForeignChangeError, FileExistsError) as error:
            raise GatewayError(
                ErrorKind.CONFLICT,
                f"{file.name} was changed while it was upgraded, and that change was kept",
                "run the upgrade again",
            ) from error
        except OSError as error:
            raise refusals.unwritable(file.name, error) from error
        return kept


def prepare(directory: Path, migrations: Sequence[Migration] = MIGRATIONS) -> Upgrade:
    """Return what is to be done for a directory; nothing is written.

    Raises GatewayError: CONFIG_INVALID for a file that is broken or newer than this gateway,
    CONFLICT for one that only a person can change, INTERNAL for one that cannot be read.
    """
    current = len(migrations) + 1
    company = _read(directory, COMPANY_FILE)
    document = _parse(COMPANY_FILE, company)
    version = _version(document, current)
    steps = migrations[version - 1 :]
    if not steps:
        return Upgrade(directory, version)
    sites = sorted(path.name for path in directory.iterdir() if id_of(path.name))
    files = [_upgraded(name, "site", _read(directory, name), steps) for name in sites]
    files.append(_numbered(_upgraded(COMPANY_FILE, "gateway", company, steps), current))
    return Upgrade(
        directory,
        version,
        tuple(step.says for step in steps),
        tuple(file for file in files if file.old != file.new),
    )


def _version(document: Document, current: int) -> int:
    try:
        version = version_of(document.data)
    except ValueError as error:
        raise GatewayError(
            ErrorKind.CONFIG_INVALID,
            f"{COMPANY_FILE}:{document.line(('version',))}: version is no whole number from 1 on",
            "correct it, or take the line out if the files are of version 1",
        ) from error
    if version > current:
        words, _, hint = str(refusal(document.data, current)).partition("; ")
        message = f"{COMPANY_FILE}:{document.line(('version',))}: version {words}"
        raise GatewayError(ErrorKind.CONFIG_INVALID, message, hint)
    return version


def _upgraded(name: str, kind: Kind, old: bytes, steps: Sequence[Migration]) -> Upgraded:
    new = old
    for step in steps:
        new = _changed(name, new, partial(step.change, kind))
    return Upgraded(name, old, new)


def _numbered(file: Upgraded, version: int) -> Upgraded:
    """Write the version into the company's file."""
    if not file.old:
        new = f"version: {version}\n".encode()
    else:
        new = _changed(
            file.name,
            file.new,
            lambda document: Splicer(document).update_at((), {"version": version}),
        )
    return Upgraded(file.name, file.old, new)


def _changed(name: str, content: bytes, change: Callable[[Document], Change | None]) -> bytes:
    try:
        document = _parse(name, content)
        wanted = change(document)
        if wanted is None:
            return content
        text, data = wanted.apply(document.text)
    except Unspliceable as error:
        raise refusals.by_hand(name) from error
    new = text.encode("utf-8")
    if meant(_parse(name, new).data) != meant(data):
        raise refusals.by_hand(name)
    return new


def _read(directory: Path, name: str) -> bytes:
    try:
        return read_regular(directory / name, MAX_BYTES)
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise refusals.unwritable(name, error) from error


def _parse(name: str, content: bytes) -> Document:
    try:
        return parse(content or b"{}")  # a company's file need not be there
    except DocumentError as error:
        raise GatewayError(
            ErrorKind.CONFIG_INVALID, str(unreadable(name, error)), "correct it by hand first"
        ) from error
