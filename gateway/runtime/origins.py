"""How processes of one site find each other: an origin's RTSP port, and its edges."""

from collections.abc import Collection, Iterable

from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.server import Role, ServerSpec
from gateway.runtime import mediaports
from gateway.runtime.folder import Folder, Label

_LOOPBACK = "127.0.0.1"

Labelled = Iterable[tuple[Folder, Label]]


def choose_ports(
    ports: tuple[int, int], spec: ServerSpec, *, taken: Collection[int], old: Label | None
) -> tuple[int, int | None]:
    """Return a server's media port, and the one where an origin's edges ask.

    Both stay as they were if they can. The second is on the loopback address, out of the range that
    is ours, so that nobody else takes it while the origin is down.
    """
    media = mediaports.choose(
        ports, taken=taken, wanted=old.media_port if old else None, address=spec.address
    )
    if not spec.feeds_edges:
        return media, None
    cdn = mediaports.choose(
        ports,
        taken={*taken, media},
        wanted=old.cdn_port if old else None,
        address=_LOOPBACK,
    )
    return media, cdn


def ports_of(label: Label) -> set[int]:
    """Return all ports that a server has."""
    return {label.media_port, *([label.cdn_port] if label.cdn_port else [])}


def find_origin(folder: Folder, spec: ServerSpec, labelled: Labelled) -> None:
    """Write down for an edge where its origin is; raises CONTAINER_FAILED when that is not known.

    A server that is no edge is left alone. Raises OSError.
    """
    if spec.role is not Role.EDGE:
        return
    outputs = (one.output() for one, label in labelled if label.spec.id == spec.origin)
    where = next(outputs, None)
    if where is None:
        raise GatewayError(
            ErrorKind.CONTAINER_FAILED,
            f"{spec.id} finds no origin: {spec.origin} is not there or feeds no edges",
            "start the origin first",
        )
    folder.lead(where)


def tell_edges(folder: Folder, spec: ServerSpec, labelled: Labelled) -> None:
    """Write down anew for the edges of an origin where it is, once it is started; raises OSError.

    They read it at each connection, so a changed port ends nobody's video for long.
    """
    where = folder.output()
    for one, label in labelled:
        if where is not None and label.spec.origin == spec.id:
            one.lead(where)
