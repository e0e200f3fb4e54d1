"""Small files of the data folder that runtimes keep."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gateway.kit import wholefile
from gateway.model.errors import ErrorKind, GatewayError


def write(path: Path, content: bytes) -> None:
    """Replace ``path``; raises CONTAINER_FAILED when that is not possible."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        wholefile.replace(path, content)
    except OSError as error:
        raise GatewayError(
            ErrorKind.CONTAINER_FAILED,
            f"{path} cannot be written: {error.strerror}",
            "check that the data folder is writable and not full",
        ) from error


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Replace ``path`` by JSON; raises CONTAINER_FAILED."""
    write(path, json.dumps(values, indent=1, sort_keys=True).encode())


def read_json(path: Path) -> Mapping[str, Any]:
    """Return what ``path`` says; empty when it is not there or holds something else."""
    try:
        values = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}
