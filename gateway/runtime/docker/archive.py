"""Configuration files on their way into a container: tar archives, and merging with an image's own.

A real WCS image brings its own ``flashphoner.properties`` with the vendor's defaults; only the
lines that are ours are changed in it.
"""

import io
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

_MAX_FILE: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Entry:
    """One file: text, owner, permissions."""

    text: str
    uid: int = 0
    gid: int = 0
    mode: int = 0o600


def pack(entries: Mapping[str, Entry]) -> bytes:
    """Return a tar archive of ``entries`` by their names."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, entry in entries.items():
            data = entry.text.encode()
            info = tarfile.TarInfo(name)
            info.size, info.mode, info.uid, info.gid = len(data), entry.mode, entry.uid, entry.gid
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def unpack(chunks: Iterable[bytes]) -> Entry | None:
    """Return the one file of an archive; ``None`` for none, or one too large to be settings."""
    data = bytearray()
    for chunk in chunks:
        data += chunk
        if len(data) > _MAX_FILE:
            return None
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for info in archive:
            file = archive.extractfile(info) if info.isfile() else None
            if file is not None:
                text = file.read().decode("utf-8", "replace")
                return Entry(text, info.uid, info.gid, info.mode & 0o777)
    return None


def merge_properties(theirs: str, ours: str) -> str:
    """Return ``theirs`` with each ``key=value`` of ``ours`` in place of the same key's line."""
    wanted = dict(line.split("=", 1) for line in ours.splitlines() if "=" in line)
    kept = []
    for line in theirs.splitlines():
        key = line.partition("=")[0].strip()
        if line.lstrip().startswith(("#", "!")) or key not in wanted:
            kept.append(line)
    return _lines([*kept, *(f"{key}={value}" for key, value in wanted.items())])


def merge_options(theirs: str, ours: str) -> str:
    """Return JVM options, each of ``ours`` in place of the one that sets the same (``-Xmx``)."""
    wanted = [line for line in ours.splitlines() if line]
    heads = tuple(line[:4] for line in wanted if line.startswith(("-Xmx", "-Xms")))
    kept = [line for line in theirs.splitlines() if not (heads and line.strip().startswith(heads))]
    return _lines([*kept, *(line for line in wanted if line not in kept)])


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
