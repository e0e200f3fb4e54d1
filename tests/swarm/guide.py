"""The commands that docs/swarm.md has an administrator type, as they stand there."""

import os
import re
import subprocess
from collections.abc import Mapping
from typing import Final

from tests.peers.engine import ROOT, Engine

_COMMAND: Final = re.compile(r"^ {7}((?:\w+=\S+ )?docker .+)$", re.MULTILINE)


def command(part: str) -> str:
    """Return the one command of the guide that holds ``part``."""
    text = (ROOT / "docs/swarm.md").read_text(encoding="utf-8")
    [found] = [one for one in _COMMAND.findall(text) if part in one]
    return str(found)


def typed(
    engine: Engine,
    part: str,
    instead: Mapping[str, str],
    *,
    environment: Mapping[str, str] | None = None,
) -> None:
    """Type a command on an engine's machine, with names of this Swarm ``instead`` of the guide's.

    Raises AssertionError with what it says when it fails, or when the guide has no such names.
    """
    line = command(part)
    for example, own in instead.items():
        assert example in line, (example, line)
        line = line.replace(example, own)
    done = subprocess.run(
        ["bash", "-euc", line],
        cwd=ROOT,
        env={**os.environ, "DOCKER_HOST": engine.url, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, f"{line}: {done.stderr[-1500:]}"
