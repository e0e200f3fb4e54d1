"""Registrations and switches, written into the buildings' files as a careful person would.

An edit changes only the lines that must change. It is read back, compared with what was meant and
checked by the schema before it replaces the file, and it never overwrites what somebody else has
written in the meantime. All methods block for some milliseconds: call them in a thread.
"""

import copy
import difflib
import hashlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from gateway.config import atomic, refusals
from gateway.config.composer import MAX_BYTES
from gateway.config.document import meant
from gateway.config.files import read_regular
from gateway.config.lines import Unspliceable
from gateway.config.reading import Source, id_of, read_source
from gateway.config.review import Review
from gateway.config.snippet import flow, scalar
from gateway.config.splice import Change, Splicer
from gateway.model.company import Fleet
from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.site import Site

REMOVED: Final = ".removed"
"""Ends the name of a file that was taken out of service; take it off and the building is back."""

_LOCK_WITHIN_S: Final = 15.0
_TRIES: Final = 5
_ADDRESSES: Final = ("onvif", "rtsp", "rtsp_sub", "credential")


@dataclass(frozen=True, slots=True)
class Edit:
    """What an edit has done.

    ``diff`` is unified, and empty when nothing had to change; ``version`` is the file's after it.
    ``draft`` is the building that the file then describes, ``None`` when there is none any more.
    An edit of a :meth:`SiteFiles.trial` has not been written: its ``version`` is the file's now.
    """

    site: str
    diff: str
    version: str
    draft: Site | None = None


class SiteFiles:
    """The buildings' files, for writing.

    ``environment`` holds the variables of ``{env: NAME}``; ``fleet`` returns the fleet in force,
    against which names and addresses are compared. ``version`` of every method is what
    :meth:`read` has told: the edit is refused when the file is another one by now.

    Raises GatewayError: NOT_FOUND (no such site or camera), CONFLICT (changed in the meantime, or
    exists already), CONFIG_INVALID (the edit would break the file, or it is broken), FORBIDDEN (a
    reference to a secret that only a person may write), BAD_REQUEST, INTERNAL (cannot be written).
    """

    def __init__(
        self,
        directory: Path,
        *,
        environment: Mapping[str, str] | None = None,
        fleet: Callable[[], Fleet | None] = lambda: None,
    ) -> None:
        self._directory = directory
        self._review = Review(directory, environment, fleet)
        self._locks: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()
        self._writes = True

    def trial(self) -> Self:
        """Return the same files for edits that are checked like all others and not written."""
        trial = copy.copy(self)
        trial._writes = False  # noqa: SLF001  # one of us
        return trial

    def read(self, site: str) -> tuple[str, str]:
        """Return the text of a site's file and its version."""
        content = self._content(self._path(site))
        return content.decode("utf-8", "replace"), _version(content)

    def create_site(self, site: str, fields: Mapping[str, Any]) -> Edit:
        """Make the file of a new building from its keys (``name``, ``discovery`` ...)."""
        name = f"{site}.yaml"
        if not id_of(name):
            raise refusals.bad_id(site)
        written = {key: value for key, value in fields.items() if value is not None}
        lines = [
            f"{scalar(str(key))}: {flow(value)}"
            for key, value in written.items()
            if key != "cameras"
        ]
        cameras = written.get("cameras") or []
        if not isinstance(cameras, list | tuple):
            hint = "send [], or one mapping for each camera"
            raise GatewayError(ErrorKind.BAD_REQUEST, "cameras must be a list", hint)
        lines += ["cameras:", *(f"  - {flow(item)}" for item in cameras)]
        lines[-1] += " []" if not cameras else ""
        text = "\n".join(lines) + "\n"
        draft = self._review.site(self._review.new(name, text.encode(), Source(name)))
        try:
            if self._writes:
                atomic.create(self._directory / name, text.encode())
            elif (self._directory / name).exists():
                raise refusals.taken(site)
        except FileExistsError as error:
            raise refusals.taken(site) from error
        except OSError as error:
            raise refusals.unwritable(name, error) from error
        return Edit(site, _diff(name, "", text), _version(text.encode()), draft)

    def change_site(
        self, site: str, fields: Mapping[str, Any], *, version: str | None = None
    ) -> Edit:
        """Set keys of a building; a key whose value is ``None`` is removed."""

        def change(source: Source) -> Change:
            return Splicer(_document(source)).update_at((), fields)

        return self._edit(site, change, version)

    def remove_site(self, site: str, *, version: str | None = None) -> Edit:
        """Take a building out of service; its file stays, under a name with ``.removed``."""
        name = f"{site}.yaml"

        def work(path: Path) -> Edit:
            old = self._content(path)
            if version is not None and version != _version(old):
                raise refusals.changed(site)
            if (self._directory / name).is_symlink():
                raise refusals.by_hand(name)
            if self._writes:
                atomic.set_aside(path, REMOVED)
            return Edit(site, _diff(name, old.decode("utf-8", "replace"), ""), _version(old))

        return self._alone(site, work, tries=1)

    def add_camera(
        self, site: str, camera: Mapping[str, Any], *, version: str | None = None
    ) -> Edit:
        """Add a camera, given by its keys, to the end of the list."""
        item = {key: value for key, value in camera.items() if value is not None}

        def change(source: Source) -> Change:
            if _camera_index(source, str(item.get("id")), missing_ok=True) is not None:
                raise GatewayError(
                    ErrorKind.CONFLICT,
                    f"{site} has a camera {item['id']} already",
                    "choose another id",
                    reason="camera_taken",
                )
            return Splicer(_document(source)).append_to("cameras", item)

        return self._edit(site, change, version)

    def change_camera(
        self, site: str, camera: str, fields: Mapping[str, Any], *, version: str | None = None
    ) -> Edit:
        """Set keys of a camera; a key whose value is ``None`` is removed."""
        if "id" in fields and fields["id"] != camera:
            raise GatewayError(
                ErrorKind.BAD_REQUEST,
                "a camera's id stays what it is",
                "change its name, or remove it and add another one",
            )

        def change(source: Source) -> Change:
            index = _camera_index(source, camera)
            return Splicer(_document(source)).update_at(("cameras", index), fields)

        return self._edit(site, change, version)

    def replace_camera(
        self, site: str, camera: str, fields: Mapping[str, Any], *, version: str | None = None
    ) -> Edit:
        """Put another device in a camera's place: addresses and user that are not given go."""
        wanted = {**dict.fromkeys(_ADDRESSES), **fields}
        return self.change_camera(site, camera, wanted, version=version)

    def remove_camera(self, site: str, camera: str, *, version: str | None = None) -> Edit:
        """Remove a camera, with the comment right above it."""

        def change(source: Source) -> Change:
            index = _camera_index(source, camera)
            return Splicer(_document(source)).remove_from("cameras", index)

        return self._edit(site, change, version)

    def _edit(self, site: str, change: Callable[[Source], Change], version: str | None) -> Edit:
        # Without a version to compare, a change made this very moment is no reason to give up.
        tries = 1 if version else _TRIES
        return self._alone(site, lambda path: self._once(site, path, change, version), tries=tries)

    def _alone(self, site: str, work: Callable[[Path], Edit], *, tries: int) -> Edit:
        path = self._path(site)
        with self._guard:
            lock = self._locks.setdefault(site, threading.Lock())
        if not lock.acquire(timeout=_LOCK_WITHIN_S):
            raise refusals.busy(site)
        try:
            for _ in range(tries):
                try:
                    with atomic.locked(path, _LOCK_WITHIN_S):
                        return work(path)
                except atomic.ForeignChangeError:
                    continue
            raise refusals.changed(site)
        except atomic.BusyError as error:
            raise refusals.busy(site) from error
        except FileNotFoundError as error:
            raise refusals.no_site(site) from error
        except OSError as error:
            raise refusals.unwritable(path.name, error) from error
        finally:
            lock.release()

    def _once(
        self, site: str, path: Path, change: Callable[[Source], Change], version: str | None
    ) -> Edit:
        name = f"{site}.yaml"
        old = self._content(path)
        if version is not None and version != _version(old):
            raise refusals.changed(site)
        source = read_source(name, "site", old)
        if source.document is None:
            raise GatewayError(
                ErrorKind.CONFIG_INVALID,
                f"{name} is broken and cannot be edited: {source.problems[0]}",
                "correct it by hand first",
                reason="broken_file",
            )
        try:
            new, data = change(source).apply(source.document.text)
        except Unspliceable as error:
            raise refusals.by_hand(name) from error
        content = new.encode("utf-8")
        if content == old:
            return Edit(site, "", _version(old), self._review.site(source))
        written = self._review.new(name, content, source)
        if meant(written.document.data if written.document else None) != meant(data):
            raise refusals.by_hand(name)
        if self._writes:
            atomic.replace(path, content, old)
        after = _version(content if self._writes else old)
        return Edit(site, _diff(name, source.document.text, new), after, self._review.site(written))

    def _path(self, site: str) -> Path:
        """Return the real path of a site's file, which must lie in the directory."""
        name = f"{site}.yaml"
        if not id_of(name):
            raise refusals.bad_id(site)
        path = (self._directory / name).resolve()
        if not path.is_relative_to(self._directory.resolve()):
            raise GatewayError(
                ErrorKind.FORBIDDEN,
                f"{name} is a link that leads out of the directory",
                "edit the file that it leads to by hand",
            )
        return path

    def _content(self, path: Path) -> bytes:
        try:
            return read_regular(path, MAX_BYTES)
        except FileNotFoundError as error:
            raise refusals.no_site(path.stem) from error
        except OSError as error:
            raise refusals.unwritable(path.name, error) from error


def _document(source: Source) -> Any:
    return source.document


def _camera_index(source: Source, camera: str, *, missing_ok: bool = False) -> Any:
    data = source.document.data if source.document else None
    cameras = data.get("cameras") if isinstance(data, dict) else None
    for index, item in enumerate(cameras if isinstance(cameras, list) else ()):
        if isinstance(item, dict) and item.get("id") == camera:
            return index
    if missing_ok:
        return None
    site = source.name.removesuffix(".yaml")
    raise GatewayError(
        ErrorKind.NOT_FOUND, f"{site} has no camera {camera}", "look at the list of its cameras"
    )


def _version(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _diff(name: str, old: str, new: str) -> str:
    lines = difflib.unified_diff(
        old.splitlines(), new.splitlines(), f"a/{name}", f"b/{name}", lineterm="", n=2
    )
    return "".join(line + "\n" for line in lines)
