"""A small file that is replaced in one step: readers find the old one or the new, never half."""

import contextlib
import os
from pathlib import Path


def draft_of(path: Path) -> Path:
    """Return what a writer who died before the end has left beside ``path``."""
    return path.with_name(f".{path.name}.new")


def replace(path: Path, content: bytes, *, modified: float | None = None) -> None:
    """Put ``content`` in the place of ``path``, readable by its owner only; raises OSError.

    ``modified`` becomes the file's time, in seconds since 1970.
    One writer at a time: the draft's name is fixed, so that a crash leaves one draft at most.
    """
    draft = draft_of(path)
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        if modified is not None:
            os.utime(draft, (modified, modified))
        draft.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        raise
