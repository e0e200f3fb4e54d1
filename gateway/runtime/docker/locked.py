"""Which containers have their control ports closed in their present run.

A container that starts anew has a new network namespace, so the run counts (its start time), not
the container. Written down, so that a gateway that starts again need not set every filter again.
"""

from collections.abc import Collection
from pathlib import Path

from gateway.runtime import smallfile
from gateway.runtime.docker.listing import Seen


class Locked:
    """The file; ``open`` says of runs that could not be closed why."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._runs = {str(name): str(run) for name, run in smallfile.read_json(path).items()}
        self._open: dict[str, tuple[str, str]] = {}

    def holds(self, seen: Seen) -> bool:
        """Tell whether this run has been seen to, well or badly."""
        return self._runs.get(seen.id) == seen.started or bool(self.complaint(seen))

    def complaint(self, seen: Seen) -> str:
        """Return why this run's ports could not be closed, or an empty text."""
        started, reason = self._open.get(seen.id, ("", ""))
        return reason if started == seen.started else ""

    def closed(self, seen: Seen, there: Collection[str]) -> None:
        """Note that the ports are closed; ``there`` are the containers worth remembering."""
        self._runs = {name: run for name, run in self._runs.items() if name in there}
        self._runs[seen.id] = seen.started
        self._open.pop(seen.id, None)
        smallfile.write_json(self._path, self._runs)

    def stays_open(self, seen: Seen, reason: str) -> None:
        """Note that the ports could not be closed."""
        self._open[seen.id] = (seen.started, reason)
