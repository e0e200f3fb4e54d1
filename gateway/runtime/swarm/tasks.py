"""What services and their tasks say about a media server. Pure: the API's words in, ours out.

A service is what is wanted, a task is one try at it on one node. The newest task that is meant to
run, made from the service's present form, is the server; of its addresses only that in the
management network is known to a manager, because each node gives out those of the building's
network itself.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from gateway.kit.secret import redact
from gateway.model.server import ServerState
from gateway.runtime.docker import names as labels_of
from gateway.runtime.swarm import names
from gateway.runtime.swarm.start import ENDS

_NO_TIME: Final = datetime.fromtimestamp(0, UTC)
_LONGEST: Final = 300
_OVER: Final = ("complete", "shutdown", "failed", "rejected", "orphaned", "remove")
_FINE: Final = (0, 143)


@dataclass(frozen=True, slots=True)
class Seen:
    """One service of ours. ``address`` is that of its task in the management network.

    ``detail`` says why it does not run, ``version`` is what a change of it must name.
    """

    id: str
    version: int
    labels: Mapping[str, str]
    replicas: int
    state: ServerState
    since: datetime
    node: str = ""
    address: str | None = None
    detail: str = ""

    @property
    def server(self) -> str:
        """The server that it is."""
        return self.labels[labels_of.SERVER]

    @property
    def site(self) -> str:
        """The site that it belongs to."""
        return self.labels.get(labels_of.SITE, "")

    @property
    def mark(self) -> tuple[object, ...]:
        """What control would like to hear of when it changes."""
        return (self.state, self.address, self.node, self.labels.get(labels_of.FINGERPRINT))


def seen(
    service: Mapping[str, Any], tasks: Iterable[Mapping[str, Any]], nodes: Mapping[str, str]
) -> Seen:
    """Return a service with what its ``tasks`` say; ``nodes`` are names by id."""
    spec = service["Spec"]
    labels = dict(spec.get("Labels") or {})
    replicas = int(spec["Mode"].get("Replicated", {}).get("Replicas", 0))
    mine = sorted(tasks, key=lambda one: str(one["CreatedAt"]), reverse=True)
    now = next((one for one in mine if _is_meant(one, labels)), None)
    state = ServerState.STARTING if replicas else ServerState.STOPPED
    if replicas and now is not None and now["Status"]["State"] == "running":
        state = ServerState.RUNNING
    node = str(now.get("NodeID", "")) if now else ""
    return Seen(
        id=str(service["ID"]),
        version=int(service["Version"]["Index"]),
        labels=labels,
        replicas=replicas,
        state=state,
        since=_time(now["Status"]["Timestamp"] if now else service.get("UpdatedAt", "")),
        node=nodes.get(node, node),
        address=_address(now) if now and state is ServerState.RUNNING else None,
        detail="" if state is ServerState.RUNNING else _why(now, mine, nodes),
    )


def _is_meant(task: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Tell whether a task is to run, and is not one of the service's form before its last change.

    The task of a node that has gone stays ``running`` for ever, but is meant to end.
    """
    if task["DesiredState"] not in ("running", "ready") or task["Status"]["State"] in _OVER:
        return False
    made = (task["Spec"].get("ContainerSpec") or {}).get("Labels") or {}
    return bool(made.get(labels_of.FINGERPRINT) == labels.get(labels_of.FINGERPRINT))


def _address(task: Mapping[str, Any]) -> str | None:
    for leg in task.get("NetworksAttachments") or ():
        if leg["Network"]["Spec"].get("Name") == names.CONTROL_NETWORK:
            addresses = leg.get("Addresses") or ()
            return str(addresses[0]).partition("/")[0] if addresses else None
    return None


def _why(
    now: Mapping[str, Any] | None, tasks: Sequence[Mapping[str, Any]], nodes: Mapping[str, str]
) -> str:
    """Return why a server does not run: what its task waits for, else how the last one ended."""
    waits = str((now or {}).get("Status", {}).get("Err", ""))
    if waits:
        return _short(waits)
    for task in tasks:
        status = task["Status"]
        if status["State"] not in _OVER:
            continue
        code = int((status.get("ContainerStatus") or {}).get("ExitCode") or 0)
        said = str(status.get("Err") or "")
        if status["State"] == "complete" or (not said and code in _FINE):
            return ""
        where = nodes.get(str(task.get("NodeID", "")), "")
        return _short(ENDS.get(code, said)) + (f" (on {where})" if where else "")
    return ""


def _short(text: str) -> str:
    return redact(text)[:_LONGEST]


def _time(text: str) -> datetime:
    """Read the engine's time (RFC 3339 with nanoseconds)."""
    try:
        return datetime.fromisoformat(re.sub(r"\.(\d{1,6})\d*", r".\1", text)).astimezone(UTC)
    except ValueError:
        return _NO_TIME
