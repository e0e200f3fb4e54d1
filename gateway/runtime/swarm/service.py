"""What a media server's service is made from. Pure: spec and networks in, the API's words out.

Names of keys are those of the Docker Engine API 1.41, ``POST /services/create``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gateway.model.server import ServerSpec
from gateway.runtime.docker import family
from gateway.runtime.docker import names as labels_of
from gateway.runtime.docker.container import CONF, HOME, grace_s
from gateway.runtime.docker.family import CDN_PORT, has_family
from gateway.runtime.docker.images import Image, Kind
from gateway.runtime.swarm import names, start
from gateway.runtime.swarm.networks import Legs
from gateway.runtime.swarm.objects import Held

_NANO: Final = 1_000_000_000
_AGAIN_S: Final = {Kind.EMBEDDED: 3, Kind.WCS: 15}
"""A WCS whose licence is refused asks its vendor again at each start."""

_PIDS: Final = 256
_FOREVER: Final = 0


@dataclass(frozen=True, slots=True)
class Wanted:
    """Everything that one service is made from; ``arguments`` are those of the image itself."""

    spec: ServerSpec
    image: Image
    arguments: Sequence[str]
    fingerprint: str
    legs: Legs
    subnet: str
    media: tuple[int, int]
    held: Sequence[Held]


def labels(wanted: Wanted) -> dict[str, str]:
    """Return the labels; no secret is among them."""
    spec = wanted.spec
    return {
        labels_of.SERVER: spec.id,
        labels_of.SITE: spec.site,
        labels_of.ROLE: str(spec.role),
        labels_of.FINGERPRINT: wanted.fingerprint,
        labels_of.KIND: str(wanted.image.kind),
        **family.labels(spec, 0),
    }


def whole(wanted: Wanted) -> dict[str, Any]:
    """Return the service of ``wanted`` as the SDK's calls to make and to change one take it."""
    return {
        "task_template": task_template(wanted),
        "name": names.service(wanted.spec.id),
        "labels": labels(wanted),
        "mode": mode(1),
        "update_config": dict(UPDATE),
        # No virtual address: the gateway asks the one task there is.
        "endpoint_spec": {"Mode": "dnsrr"},
    }


def task_template(wanted: Wanted) -> dict[str, Any]:
    """Return how a task of the service is made."""
    spec, legs = wanted.spec, wanted.legs
    networks: list[dict[str, Any]] = [{"Target": legs.media}, {"Target": legs.control.id}]
    if legs.cdn is not None:
        # An edge asks for its origin by this name: addresses change when tasks move.
        networks.append({"Target": legs.cdn.id, "Aliases": [labels_of.node(spec.id)]})
    return {
        "ContainerSpec": _container(wanted),
        "Resources": {"Limits": _limits(wanted)},
        # Swarm starts what has ended, here or on another node: it is there when nobody else is.
        "RestartPolicy": {
            "Condition": "any",
            "Delay": _AGAIN_S[wanted.image.kind] * _NANO,
            "MaxAttempts": _FOREVER,
        },
        "Placement": {
            "Constraints": [f"node.labels.{name} == {value}" for name, value in spec.nodes]
        },
        "Networks": networks,
        "LogDriver": {"Name": "json-file", "Options": {"max-size": "5m", "max-file": "3"}},
        "ForceUpdate": 0,
    }


UPDATE: Final[Mapping[str, Any]] = {
    # Two of them would pull the cameras twice, and share one licence.
    "Parallelism": 1,
    "Order": "stop-first",
    "FailureAction": "continue",
}


def mode(replicas: int) -> dict[str, Any]:
    """Return the API's words for so many tasks: one for a server that runs, none for a stopped."""
    return {"Replicated": {"Replicas": replicas}}


def _container(wanted: Wanted) -> dict[str, Any]:
    spec, embedded = wanted.spec, wanted.image.kind is Kind.EMBEDDED
    values: dict[str, Any] = {
        "Image": wanted.image.reference,
        # Not the service's labels: the runtime on one engine would take the container for its own.
        "Labels": {labels_of.FINGERPRINT: wanted.fingerprint},
        "Hostname": spec.id[:63],
        "User": "0:0",
        "Command": ["sh", start.SCRIPT],
        "Args": list(wanted.arguments),
        "Env": [f"{name}={value}" for name, value in _environment(wanted).items()],
        # The gateway asks each server every few seconds; a process per container would be waste.
        "Healthcheck": {"Test": ["NONE"]},
        "StopGracePeriod": grace_s(str(wanted.image.kind)) * _NANO,
        "Secrets": [one.reference() for one in wanted.held if one.wish.secret],
        "Configs": [one.reference() for one in wanted.held if not one.wish.secret],
        # What sets the packet filter; the media server itself begins without it.
        "CapabilityAdd": ["CAP_NET_ADMIN", "CAP_NET_RAW"],
    }
    if not embedded:
        volume = {
            "Type": "volume",
            "Source": labels_of.volume(spec.id),
            "Target": CONF,
            "VolumeOptions": {"Labels": {labels_of.SERVER: spec.id, labels_of.SITE: spec.site}},
        }
        return values | {"Mounts": [volume]}
    rights = ("CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP", "CAP_CHOWN")
    return values | {
        "CapabilityDrop": ["ALL"],
        "CapabilityAdd": [*values["CapabilityAdd"], *rights],
        "ReadOnly": True,
        "Mounts": [_tmpfs(f"{HOME}/run", 1 << 20), _tmpfs("/tmp", 64 << 20)],  # noqa: S108  # inside the container
    }


def _environment(wanted: Wanted) -> dict[str, str]:
    spec, legs = wanted.spec, wanted.legs
    embedded = wanted.image.kind is Kind.EMBEDDED
    uid, gid = wanted.image.user
    values = start.environment(
        control=legs.control.subnet,
        cdn=legs.cdn.subnet if legs.cdn else None,
        lan=wanted.subnet,
        media=wanted.media,
        cdn_port=str(CDN_PORT) if has_family(spec) else "",
        # WCS's nodes send media to each other; it has no passwords for recorders.
        cdn_media=legs.cdn is not None and not embedded,
        rtsp=str(spec.rtsp_output.port) if embedded and spec.rtsp_output else "",
        run_as=f"{uid}:{gid}" if embedded else "",
    )
    if spec.external_address:
        values["EXTERNAL_IP"] = spec.external_address
    return values


def _limits(wanted: Wanted) -> dict[str, int]:
    limits = wanted.spec.limits
    values = {}
    if limits.cpus is not None:
        values["NanoCPUs"] = int(limits.cpus * _NANO)
    if limits.memory is not None:
        values["MemoryBytes"] = limits.memory
    if wanted.image.kind is Kind.EMBEDDED:
        values["Pids"] = _PIDS
    return values


def _tmpfs(target: str, size: int) -> dict[str, Any]:
    options = {"SizeBytes": size, "Mode": 0o1777}
    return {"Type": "tmpfs", "Target": target, "TmpfsOptions": options}
