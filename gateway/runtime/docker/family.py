"""What ties the containers of one site together: who is asked where, and with which password.

Edges reach their origin over an internal network of their own. The management network lets nobody
but the gateway in, and the building's network never sees what passes between servers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from gateway.kit.secret import Secret
from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.server import Role, ServerSpec
from gateway.runtime.docker import names

CDN_PORT: Final = 8084
RECORDERS_FILE: Final = "conf/recorders"
EDGES_FILE: Final = "conf/edges"
ORIGIN_FILE: Final = "conf/origin"
_EDGE: Final = "edge"
_LOOPBACK: Final = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Family:
    """A server's part: ``subnet`` is where the servers of a site meet, ``None`` on the host.

    ``login`` is what its origin's edges show; ``origin_offset`` is added to the origin's ports on
    the host's network.
    """

    subnet: str | None
    login: Secret
    origin_offset: int = 0


def has_family(spec: ServerSpec) -> bool:
    """Tell whether a server is an edge, or may feed some."""
    return spec.feeds_edges or spec.role is Role.EDGE


def settings(spec: ServerSpec, family: Family | None) -> dict[str, str]:
    """Return what a server's settings are written from."""
    alone = family is None or family.subnet is None
    return {
        "cdn": (family.subnet if family else None) or _LOOPBACK,
        "recorders_file": RECORDERS_FILE,
        "edges_file": EDGES_FILE,
        "origin_file": ORIGIN_FILE,
        "node": "" if alone else names.node(spec.id),
        "origin_node": "" if alone or not spec.origin else names.node(spec.origin),
    }


def secret_files(spec: ServerSpec, family: Family | None) -> Mapping[str, str]:
    """Return the files of an embedded server that hold passwords."""
    files = {}
    if spec.rtsp_output is not None:
        lines = [f"{one.username}:{one.password.reveal()}\n" for one in spec.rtsp_output.users]
        files[RECORDERS_FILE] = "".join(lines)
    if family is None:
        return files
    login = f"{_EDGE}:{family.login.reveal()}"
    if spec.feeds_edges:
        files[EDGES_FILE] = f"{login}\n"
    if spec.role is Role.EDGE and spec.origin:
        host = _LOOPBACK if family.subnet is None else names.node(spec.origin)
        files[ORIGIN_FILE] = f"rtsp://{login}@{host}:{CDN_PORT + family.origin_offset}\n"
    return files


def labels(spec: ServerSpec, offset: int) -> dict[str, str]:
    """Return the labels by which the packet filter knows what to let in."""
    values = {}
    if has_family(spec):
        values[names.CDN] = str(CDN_PORT + offset)
    if spec.rtsp_output is not None:
        values[names.RTSP] = str(spec.rtsp_output.port)
    return values


def check(spec: ServerSpec, *, wcs: bool, subnet: str | None) -> None:
    """Raise CONFIG_INVALID for what cannot be: WCS names no port for the way to an origin."""
    if wcs and subnet is None and spec.role is Role.EDGE:
        raise GatewayError(
            ErrorKind.CONFIG_INVALID,
            f"{spec.id}: servers of WCS's image that share the host's network cannot be edges",
            "use the driver ipvlan or bridge, or the embedded media server",
        )
