"""Secrets by reference: the files name a variable or a file, only this module reads it."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from gateway.config.files import read_regular, reason
from gateway.kit.secret import Secret

HOW: Final = "write {env: NAME} or {file: path}"
# Capitals only: a password that somebody writes after env: is then refused, not shown as a name.
_VARIABLE: Final = re.compile(r"[A-Z_][A-Z0-9_]{0,127}")
_MAX_BYTES: Final = 65_536
_MAX_PATH: Final = 1024


class SecretError(Exception):
    """A reference is malformed or does not resolve; the message is for people."""


@dataclass(frozen=True, slots=True)
class Reference:
    """Where a secret is: ``kind`` is ``env`` or ``file``; ``str()`` of it may be shown."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"


def reference(data: Any) -> Reference:
    """Read ``{env: NAME}`` or ``{file: path}``.

    Raises :class:`SecretError`, whose message repeats nothing of ``data``: it may be the secret.
    """
    if isinstance(data, str):
        raise SecretError(f"holds a secret in clear; {HOW}, and change the secret: it was readable")
    if not isinstance(data, dict) or len(data) != 1:
        raise SecretError(f"is no reference to a secret; {HOW}")
    ((kind, name),) = data.items()
    if kind not in ("env", "file") or not isinstance(name, str):
        raise SecretError(f"is no reference to a secret; {HOW}")
    if kind == "env" and not _VARIABLE.fullmatch(name):
        raise SecretError(
            "names no environment variable (capital letters, digits and _ only); write "
            "{env: NAME} with the variable's name, never the secret itself"
        )
    if kind == "file" and (len(name) > _MAX_PATH or not name.isprintable()):
        raise SecretError("names no file; write {file: path} with the path of a file")
    return Reference(kind, name)


class Secrets:
    """Resolves references; paths are relative to ``directory``, the one of the YAML files.

    ``used`` collects the files that were asked for, so that they can be watched.
    """

    def __init__(self, directory: Path, environment: Mapping[str, str] | None = None) -> None:
        self._directory = directory
        self._environment = os.environ if environment is None else environment
        self.used: set[Path] = set()

    def locate(self, name: str) -> Path:
        """Return the path of a file that others read; raises :class:`SecretError`."""
        path = self._directory / name
        self.used.add(path)
        try:
            read_regular(path, _MAX_BYTES)
        except (OSError, ValueError) as error:
            words = reason(error) if isinstance(error, OSError) else "its name is no path"
            raise SecretError(f"the file {name} cannot be read: {words}") from None
        return path.absolute()

    def resolve(self, wanted: Reference) -> Secret:
        """Return the secret; raises :class:`SecretError`, which names where it should be."""
        if wanted.kind == "env":
            value = self._environment.get(wanted.name, "")
            if not value:
                raise SecretError(
                    f"the environment variable {wanted.name} is not set; set it for the gateway "
                    "and start it again"
                )
            return Secret(value)
        path = self._directory / wanted.name
        self.used.add(path)
        try:
            value = read_regular(path, _MAX_BYTES).decode("utf-8").rstrip("\r\n")
        except OSError as error:
            raise SecretError(f"the file {wanted.name} cannot be read: {reason(error)}") from None
        except ValueError:
            # A path with a null byte, or bytes that are no UTF-8.
            raise SecretError(f"the file {wanted.name} is not UTF-8 text") from None
        if not value:
            raise SecretError(f"the file {wanted.name} is empty; write the secret into it")
        return Secret(value)
