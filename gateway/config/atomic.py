"""Writing a file that others edit too: whole or not at all, and never over a foreign change."""

import ctypes
import errno
import fcntl
import itertools
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from gateway.config.composer import MAX_BYTES
from gateway.config.files import read_regular

_AT_FDCWD: Final = -100
_RENAME_EXCHANGE: Final = 2
_NOT_SUPPORTED: Final = (errno.EINVAL, errno.ENOSYS, errno.EPERM)
_PAUSE_S: Final = 0.01


class ForeignChangeError(Exception):
    """Somebody else has changed the file since it was read; it was left as it is."""


class BusyError(Exception):
    """Somebody else has held the file's lock for too long."""


@contextmanager
def locked(path: Path, within_s: float) -> Iterator[None]:
    """Hold the lock (flock(2)) of the file that is called ``path`` now.

    Raises :class:`BusyError` after ``within_s`` seconds, and OSError.
    """
    deadline = time.monotonic() + within_s
    while True:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            _lock(handle, deadline)
            # Whoever had the lock before has put another file in this one's place.
            if os.fstat(handle).st_ino == path.stat().st_ino:
                yield
                return
        finally:
            os.close(handle)


def _lock(handle: int, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise BusyError from None
            time.sleep(_PAUSE_S)
        else:
            return


def replace(path: Path, content: bytes, expected: bytes) -> None:
    """Put ``content`` in place of ``expected``; mode and owner stay.

    Raises :class:`ForeignChangeError` when the file holds something else by now, and OSError.
    """
    temporary = _temporary(path, content, like=path)
    try:
        if _exchange(temporary, path):
            if _content(temporary) != expected:
                _give_back(temporary, path, content)
                raise ForeignChangeError
        elif _content(path) != expected:
            raise ForeignChangeError
        else:
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    _sync_directory(path.parent)


def create(path: Path, content: bytes) -> None:
    """Make a new file; raises FileExistsError when there is one, and OSError."""
    temporary = _temporary(path, content, like=None)
    try:
        os.link(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    _sync_directory(path.parent)


def set_aside(path: Path, ending: str) -> Path:
    """Rename a file to its name with ``ending``, and a number if that is taken; raises OSError."""
    for number in itertools.count(1):
        aside = path.with_name(f"{path.name}{ending}{f'-{number}' if number > 1 else ''}")
        try:
            # The name is taken first: a rename would silently put an older file out of the world.
            os.close(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        except FileExistsError:
            continue
        try:
            path.rename(aside)
        except OSError:
            aside.unlink(missing_ok=True)
            raise
        break
    _sync_directory(path.parent)
    return aside


def _give_back(temporary: Path, path: Path, put: bytes | None) -> None:
    """Put back what was taken from ``path``, or what has been saved there since, if any was."""
    while True:
        taken = _content(temporary)
        _exchange(temporary, path)
        if _content(temporary) == put:
            return
        # Not what was put there: a still newer version came out, which goes back in the next round.
        put = taken


def _temporary(path: Path, content: bytes, like: Path | None) -> Path:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    mode = 0o644 if like is None else 0o600
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            if like is not None:
                state = like.stat()
                # Only root may give a file away; a group-writable directory works all the same.
                with suppress(PermissionError):
                    os.fchown(handle, state.st_uid, state.st_gid)
                os.fchmod(handle, state.st_mode & 0o7777)
            file.flush()
            os.fsync(handle)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def _content(path: Path) -> bytes | None:
    try:
        return read_regular(path, MAX_BYTES)
    except OSError:
        return None


def _exchange(one: Path, other: Path) -> bool:
    """Swap two files in one step (renameat2(2)); tell whether the file system can do it.

    What stood at the path is in hand afterwards, so that a change made in the last microsecond is
    seen and put back instead of being lost under a rename.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    call = getattr(libc, "renameat2", None)
    if call is None:
        return False
    names = os.fsencode(one), os.fsencode(other)
    if call(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE) == 0:
        return True
    code = ctypes.get_errno()
    if code in _NOT_SUPPORTED:
        return False
    raise OSError(code, os.strerror(code), str(other))


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
