"""A container in the words of control: its state, how to reach it, how it ended."""

from collections.abc import Sequence
from typing import Final

from gateway.model.server import ControlAddress, Role, ServerObserved, ServerState
from gateway.runtime.docker import container, names
from gateway.runtime.docker.images import Kind
from gateway.runtime.docker.listing import Listing, Seen
from gateway.runtime.docker.secrets import Passwords
from gateway.runtime.docker.securing import Securing

_USER: Final = "admin"


class Showing:
    """Turns what the engine shows into what control understands."""

    def __init__(self, *, listing: Listing, securing: Securing, passwords: Passwords) -> None:
        self._listing = listing
        self._securing = securing
        self._passwords = passwords

    def observed(self, seen: Seen) -> ServerObserved:
        """Return one server."""
        state, control = ServerState.STOPPED, None
        if seen.running:
            state = ServerState.STARTING
            if self._securing.done(seen):
                state, control = ServerState.RUNNING, self._control(seen)
        detail = "\n".join(filter(None, (seen.how, seen.tail)))
        if seen.refused_licence:
            detail += f"\nits licence was refused: {seen.refused_licence}"
        return ServerObserved(
            id=seen.server,
            site=seen.site,
            role=Role(seen.labels.get(names.ROLE, Role.ORIGIN)),
            state=state,
            fingerprint=self._fingerprint(seen),
            since=seen.since,
            control=control,
            detail=detail or self._securing.complaint(seen),
        )

    def _fingerprint(self, seen: Seen) -> str:
        """Return the fingerprint, marked when the container is not what its label says."""
        mark = seen.labels.get(names.FINGERPRINT, "")
        if seen.draft:
            return f"{mark} incomplete"
        if self._listing.moved(seen):
            return f"{mark} other image"
        if seen.running and not seen.host_network and seen.address is None:
            return f"{mark} not in the management network"
        return mark

    def _control(self, seen: Seen) -> ControlAddress | None:
        host = "127.0.0.1" if seen.host_network else seen.address
        if host is None:
            return None
        offset = container.host_offset(seen.labels) if seen.host_network else 0
        embedded = seen.labels.get(names.KIND) == Kind.EMBEDDED
        return ControlAddress(
            http_url=f"http://{host}:{container.HTTP_PORT + offset}",
            ws_url=f"ws://{host}:{container.WS_PORT + offset}/",
            username=_USER if embedded else None,
            password=self._passwords.make(seen.server, "rest") if embedded else None,
            token=self._passwords.make(seen.server, "signalling") if embedded else None,
        )


def one_each(found: Sequence[Seen]) -> list[Seen]:
    """Return one container per server: the complete one before a draft."""
    best: dict[str, Seen] = {}
    for seen in sorted(found, key=lambda one: (one.draft, one.name)):
        best.setdefault(seen.server, seen)
    return list(best.values())
