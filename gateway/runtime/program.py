"""The embedded media server as a program: how it is called, and what it is told of its world."""

import os
import sys
from importlib import metadata
from pathlib import Path
from typing import Final

import gateway

# Only these pass to a server: the gateway's own environment holds the building's secrets.
_ENVIRONMENT: Final = ("HOME", "LANG", "LC_ALL", "PATH", "TMPDIR", "TZ", "LD_LIBRARY_PATH")


def command(home: Path) -> list[str]:
    """Return the command that runs a server in ``home``."""
    return [sys.executable, "-m", "gateway.mediaserver", "--home", str(home)]


def version() -> str:
    """Return the gateway's version, empty when it is run from a source tree."""
    try:
        return metadata.version("camera-gateway")
    except metadata.PackageNotFoundError:
        return ""


def environment() -> dict[str, str]:
    """Return the variables that a server gets."""
    passed = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    # The server finds this very package, and nothing in the folder it happens to be started from.
    root = str(Path(gateway.__file__).parents[1])
    return {**passed, "PYTHONPATH": root, "PYTHONSAFEPATH": "1"}
