"""Reading files that may be anything: a link to itself, a pipe, a disk image."""

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_MOST_LINKS: Final = 40
_REASONS: Final = {
    errno.ENOENT: "it does not exist",
    errno.EACCES: "the gateway's user may not read it",
    errno.EPERM: "the gateway's user may not read it",
    errno.ELOOP: "it is a link that leads back to itself",
    errno.EISDIR: "it is a directory",
    errno.ENOTDIR: "a part of its path is no directory",
    errno.EFBIG: "it is too large",
    errno.ENAMETOOLONG: "its name is too long",
    errno.EINVAL: "it is no regular file",
    errno.ENXIO: "it is no regular file",
}


def read_regular(path: Path, most: int) -> bytes:
    """Return the content of a regular file of at most ``most`` bytes; raises OSError."""
    # O_NONBLOCK: a named pipe without a writer must not stop the gateway.
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        mode = os.fstat(handle).st_mode
        if not stat.S_ISREG(mode):
            raise OSError(errno.EISDIR if stat.S_ISDIR(mode) else errno.EINVAL, "")
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, "")
    return content


def reason(error: OSError) -> str:
    """Return why a file cannot be read, for people."""
    return _REASONS.get(error.errno or 0) or error.strerror or "it cannot be read"


def on_the_way(path: Path) -> Iterator[Path]:
    """Yield ``path``, every symbolic link on the way to its file, and where the way ends.

    A change of any of them changes what is read: a mounted secret or configuration is swapped by
    renaming one link.
    """
    yield path
    todo = [part for part in reversed(path.absolute().parts[1:]) if part != "."]
    here, links = Path("/"), 0
    while todo and links < _MOST_LINKS:
        part = todo.pop()
        if part == "..":
            here = here.parent
            continue
        step = here / part
        try:
            target = step.readlink()
        except OSError:
            here = step
            continue
        links += 1
        yield step
        if target.is_absolute():
            here = Path("/")
        todo += [part for part in reversed(target.parts) if part not in (".", "/")]
    yield here
