"""Copies of folders that are in use: files as they are, SQLite's as one moment has seen them.

Copying a database file by file while somebody writes may mix two moments: its journal is applied
to the file at any time. SQLite's own backup (https://www.sqlite.org/backup.html) reads one moment.
"""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from gateway.model.errors import ErrorKind, GatewayError
from gateway.store.lock import LOCK_FILE

_DATABASE: Final = ".db"
_BUSY_S: Final = 10.0
_LEFT_OUT: Final = (f"{_DATABASE}-wal", f"{_DATABASE}-shm")
# Which processes run: a gateway that is started from the copy must not take them for its own.
_RUN: Final = "run"


def copy_folder(source: Path, target: Path) -> int:
    """Copy ``source`` to ``target``, which must not be there yet; return the number of files.

    Files that vanish meanwhile are left out, links to files become files. Raises GatewayError.
    """
    if target.resolve().is_relative_to(source.resolve()):
        raise GatewayError(
            ErrorKind.BAD_REQUEST, f"{target} is inside of {source}.", "name another place"
        )
    copied = 0
    try:
        target.mkdir(mode=0o700, parents=True)
        for file in _files(source):
            copied += _copy(file, target / file.relative_to(source))
    except FileExistsError as error:
        raise GatewayError(
            ErrorKind.CONFLICT, f"{target} is there already.", "name a folder that is not there yet"
        ) from error
    except sqlite3.Error as error:
        raise GatewayError(
            ErrorKind.INTERNAL,
            f"the records {file} cannot be copied: {error}",
            "look at the disk, and at the log of the gateway",
        ) from error
    except OSError as error:
        raise GatewayError(
            ErrorKind.INTERNAL,
            f"{source} cannot be copied to {target}: {error.strerror}",
            "look at the free space of the disk and at the owner of both folders",
        ) from error
    return copied


def _files(source: Path) -> Iterator[Path]:
    for folder, subfolders, names in os.walk(source, onerror=_refuse):
        if _RUN in subfolders and source != Path(folder):
            subfolders.remove(_RUN)
        for name in names:
            draft = name.startswith(".") and name.endswith(".new")
            if not draft and name != LOCK_FILE and not name.endswith(_LEFT_OUT):
                yield Path(folder, name)


def _refuse(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


def _copy(file: Path, to: Path) -> bool:
    """Copy one regular file; tell whether it was there."""
    if not file.is_file():
        return False
    to.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if file.suffix == _DATABASE:
        to.touch(mode=0o600)
        with (
            closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as old,
            closing(sqlite3.connect(to)) as new,
        ):
            old.execute(f"PRAGMA busy_timeout = {_BUSY_S * 1000:.0f}")
            # All pages in one step, hence of one moment; in WAL mode nobody waits for it.
            old.backup(new)
        return True
    try:
        shutil.copy2(file, to)
    except FileNotFoundError:
        return False
    return True
