"""What a media server's container is made from. Pure: spec and settings in, arguments out.

The contract with a WCS image (docs.flashphoner.com; what is not documented there is listed in
``gateway/README.md``): the variables PASSWORD, LICENSE, LOCAL_IP and EXTERNAL_IP, the folder
``conf`` of its home as a volume of its own that keeps settings and licence, its fixed ports.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from gateway.kit.secret import Secret
from gateway.model.company import Network, NetworkDriver
from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.server import ServerSpec
from gateway.runtime.docker import family, names
from gateway.runtime.docker.images import Image, Kind
from gateway.runtime.docker.networks import Legs
from gateway.runtime.places import Place

HOME: Final = "/usr/local/FlashphonerWebCallServer"
CONF: Final = f"{HOME}/conf"
HTTP_PORT: Final = 8081
WS_PORT: Final = 8080
_HOST_OFFSET: Final = 10_000
_HOST_STEP: Final = 10
_HOST_SLOTS: Final = 36
_GRACE_S: Final = {Kind.EMBEDDED: 5, Kind.WCS: 20}


@dataclass(frozen=True, slots=True)
class Ports:
    """First and last media port, and what is added to each control port of WCS's (0: nothing)."""

    media: tuple[int, int]
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Wanted:
    """Everything that one container is made from; ``cdn`` is the network of its site's servers."""

    spec: ServerSpec
    image: Image
    fingerprint: str
    driver: NetworkDriver
    legs: Legs
    place: Place
    ports: Ports
    announced: str | None
    password: Secret
    cdn: str | None = None

    @property
    def bind(self) -> str | None:
        """The address that media is bound to; ``None`` where the container does not know its own.

        Behind published ports a container has an address that nobody outside may use.
        """
        return None if self.driver is NetworkDriver.BRIDGE else self.place.address

    @property
    def control(self) -> str:
        """Where control ports listen: one address, or the network to have it in."""
        return self.legs.control.subnet if self.legs.control else "127.0.0.1"


def choose_ports(
    kind: Kind, network: Network, media: tuple[int, int], *, viewers: int, slot: int
) -> Ports:
    """Return a server's ports; raises CONTAINER_FAILED when there are no more.

    Alone in its network a server has the standard ones. On the host's network all differ; behind
    published ports those for media do, because the port that is announced is the one bound. The
    embedded server needs one port, WCS two per viewer: it uses the even ones only.
    """
    first, last = media
    shared = network.driver in (NetworkDriver.HOST, NetworkDriver.BRIDGE)
    if not shared:
        return Ports((first, first) if kind is Kind.EMBEDDED else media)
    width = 1 if kind is Kind.EMBEDDED else min(2 * viewers + 2, last - first + 1)
    low = first + slot * width
    host = network.driver is NetworkDriver.HOST
    if low + width - 1 > last or (host and kind is Kind.WCS and slot >= _HOST_SLOTS):
        raise GatewayError(
            ErrorKind.CONTAINER_FAILED,
            f"media_ports {first}-{last} hold {slot} media servers and no more",
            "widen media_servers.media_ports, or give each server an address: driver ipvlan",
        )
    return Ports((low, low + width - 1), offset_of(slot) if host else 0)


def host_offset(labels: Mapping[str, str]) -> int:
    """Return what is added to the control ports of a server on the host's network."""
    return offset_of(int(labels.get(names.SLOT) or 0))


def offset_of(slot: int) -> int:
    """Return what is added to the control ports of the server that has this slot of the host."""
    return _HOST_OFFSET + _HOST_STEP * slot


def environment(wanted: Wanted) -> dict[str, str]:
    """Return the variables of a WCS image."""
    spec = wanted.spec
    values = {
        "PASSWORD": wanted.password.reveal(),
        "LICENSE": spec.license.reveal() if spec.license else None,
        "LOCAL_IP": wanted.bind,
        "EXTERNAL_IP": wanted.announced,
    }
    return {name: value for name, value in values.items() if value}


def labels(wanted: Wanted, licence_mark: str) -> dict[str, str]:
    """Return the labels; no secret is among them."""
    spec, place = wanted.spec, wanted.place
    return {
        names.SERVER: spec.id,
        names.SITE: spec.site,
        names.ROLE: str(spec.role),
        names.FINGERPRINT: wanted.fingerprint,
        names.IMAGE: wanted.image.reference,
        names.KIND: str(wanted.image.kind),
        names.ADDRESS: place.address or "",
        names.SLOT: "" if place.slot is None else str(place.slot),
        names.LICENCE: licence_mark,
        **family.labels(spec, wanted.ports.offset),
    }


def arguments(client: Any, wanted: Wanted, licence_mark: str) -> dict[str, Any]:
    """Return the arguments of the SDK's ``create_container``."""
    spec, legs = wanted.spec, wanted.legs
    media = legs.media
    networking = None
    if media is not None:
        lan = wanted.driver in (NetworkDriver.IPVLAN, NetworkDriver.MACVLAN)
        endpoint = client.create_endpoint_config(ipv4_address=wanted.place.address if lan else None)
        networking = client.create_networking_config({media: endpoint})
    published = _published(wanted)
    return {
        "image": wanted.image.id,
        "name": names.container(spec.id) + names.DRAFT,
        "hostname": None if media is None else spec.id[:63],
        "environment": environment(wanted),
        "labels": labels(wanted, licence_mark),
        "ports": [(port, protocol) for port, protocol, _ in published],
        # The gateway asks each server every few seconds; a process per container would be waste.
        "healthcheck": {"test": ["NONE"]},
        "stop_timeout": _GRACE_S[wanted.image.kind],
        "networking_config": networking,
        "host_config": client.create_host_config(**_host_config(wanted, published)),
    }


def grace_s(kind: str) -> int:
    """Return how many seconds a server has to end by itself."""
    return _GRACE_S[Kind.WCS if kind != Kind.EMBEDDED else Kind.EMBEDDED]


def _published(wanted: Wanted) -> list[tuple[int, str, str]]:
    """Return port, protocol and host address of each published port (driver bridge only)."""
    if wanted.driver is not NetworkDriver.BRIDGE:
        return []
    first, last = wanted.ports.media
    host = wanted.spec.address or ""
    # TCP too: for viewers whose network blocks UDP (RFC 6544).
    media = [(port, name, host) for port in range(first, last + 1) for name in ("udp", "tcp")]
    output = wanted.spec.rtsp_output
    if output is None or wanted.image.kind is Kind.WCS:
        return media
    return [*media, (output.port, "tcp", host)]


def _host_config(wanted: Wanted, published: list[tuple[int, str, str]]) -> dict[str, Any]:
    limits = wanted.spec.limits
    values: dict[str, Any] = {
        "network_mode": wanted.legs.media or "host",
        "restart_policy": {"Name": "no"},
        "binds": {names.volume(wanted.spec.id): {"bind": CONF, "mode": "rw"}},
        "log_config": {"Type": "json-file", "Config": {"max-size": "5m", "max-file": "3"}},
        "port_bindings": {
            f"{port}/{protocol}": (host, port) if host else port
            for port, protocol, host in published
        },
    }
    if limits.cpus is not None:
        values["nano_cpus"] = int(limits.cpus * 1e9)
    if limits.memory is not None:
        values["mem_limit"] = limits.memory
        values["memswap_limit"] = limits.memory
    if limits.cpuset is not None:
        values["cpuset_cpus"] = limits.cpuset
    if wanted.image.kind is Kind.EMBEDDED:
        uid, gid = wanted.image.user
        values |= {
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges"],
            "read_only": True,
            "pids_limit": 256,
            "tmpfs": {f"{HOME}/run": f"uid={uid},gid={gid},mode=700,size=1m", "/tmp": "size=64m"},  # noqa: S108  # inside the container
        }
    return values
