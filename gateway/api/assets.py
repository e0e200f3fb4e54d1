"""The page's files: read from the web directory only, typed, and kept in memory until they change.

There is no build step, so names carry no hash: browsers ask again each time (304 is cheap), but
for what a page names with its version.
The scripts that pages begin with go out together with all that they import.
"""

import asyncio
import gzip
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from gateway.api.joining import ENTRIES, joined
from gateway.model.errors import ErrorKind, GatewayError

TYPES: Final[Mapping[str, str]] = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".css": "text/css",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
}
BINARY: Final = frozenset({".png", ".ico", ".woff2"})
MAX_BYTES: Final = 4 * 1024 * 1024
MAX_FILES: Final = 500

_PATH: Final = re.compile(
    r"([A-Za-z0-9_][A-Za-z0-9_.-]{0,80}/){0,5}[A-Za-z0-9_][A-Za-z0-9_.-]{0,80}"
)

_COMMENT: Final = re.compile(rb"^[ \t]*(?:/\*\*(?:[^*]|\*(?!/))*\*/|//[^\n]*)[ \t]*$", re.MULTILINE)
"""A comment that has lines of its own. It is for who reads the source, a quarter of a script's
weight, and stays at home; the numbers of the lines stay as they are."""


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it goes out; ``packed`` is its gzip form when that is smaller."""

    content_type: str
    body: bytes
    tag: str
    packed: bytes | None
    binary: bool


class Assets:
    """The files below one directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory.resolve()
        self._kept: dict[Path, tuple[tuple[int, int], Asset]] = {}
        self._joined: dict[str, tuple[dict[Path, tuple[int, int]], Asset]] = {}

    async def get(self, name: str) -> Asset:
        """Return the file called ``name`` (``css/page.css``); raises GatewayError NOT_FOUND."""
        try:
            load = self._load_joined if name in ENTRIES else self._load
            return await asyncio.to_thread(load, name)
        except (OSError, ValueError) as error:
            raise GatewayError(ErrorKind.NOT_FOUND, "There is no such file.") from error

    def _load_joined(self, name: str) -> Asset:
        kept = self._joined.get(name)
        if kept is not None and all(map(_is_as_seen, kept[0].items())):
            return kept[1]
        versions: dict[Path, tuple[int, int]] = {}

        def read(part: str) -> str:
            path = self._path(part)
            versions[path] = _version(path)
            return path.read_text(encoding="utf-8")

        try:
            asset = _asset(".js", joined(name, read).encode())
        except (OSError, ValueError):
            # A browser loads the modules one by one, and says what is wrong with which.
            return self._load(name)
        self._joined[name] = (versions, asset)
        return asset

    def _path(self, name: str) -> Path:
        if not _PATH.fullmatch(name):
            raise ValueError(name)
        path = (self._directory / name).resolve(strict=True)
        known = path.suffix in TYPES and path.is_file()
        if not known or not path.is_relative_to(self._directory):
            raise ValueError(name)
        return path

    def _load(self, name: str) -> Asset:
        path = self._path(name)
        version = _version(path)
        kept = self._kept.get(path)
        if kept is not None and kept[0] == version:
            return kept[1]
        if version[1] > MAX_BYTES:
            raise ValueError(name)
        asset = _asset(path.suffix, path.read_bytes())
        if kept is not None or len(self._kept) < MAX_FILES:
            self._kept[path] = (version, asset)
        return asset


def _version(path: Path) -> tuple[int, int]:
    """Tell versions of a file apart: its time and its size in bytes."""
    stat = path.stat()
    return stat.st_mtime_ns, stat.st_size


def _is_as_seen(part: tuple[Path, tuple[int, int]]) -> bool:
    path, seen = part
    return path.exists() and _version(path) == seen


def remade(page: Asset, body: bytes) -> Asset:
    """Return ``page`` with another body."""
    return replace(
        page,
        body=body,
        packed=gzip.compress(body, mtime=0),
        tag=hashlib.sha256(body).hexdigest()[:16],
    )


def _asset(suffix: str, body: bytes) -> Asset:
    if suffix == ".js":
        body = _COMMENT.sub(_lines_only, body)
    binary = suffix in BINARY
    packed = None if binary else gzip.compress(body, mtime=0)
    if packed is not None and len(packed) >= len(body):
        packed = None
    return Asset(
        content_type=TYPES[suffix],
        body=body,
        tag=hashlib.sha256(body).hexdigest()[:16],
        packed=packed,
        binary=binary,
    )


def _lines_only(comment: re.Match[bytes]) -> bytes:
    return b"\n" * comment[0].count(b"\n")
