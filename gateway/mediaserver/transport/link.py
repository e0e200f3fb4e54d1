"""What carries packets to viewers, whatever is below: a UDP socket of all, or one's own TCP."""

from collections.abc import Callable, Sequence
from typing import Protocol

from gateway.mediaserver.transport.srtp import Run

Ancillary = Sequence[tuple[int, int, bytes]]

Address = tuple[str, int] | tuple[str, int, int] | tuple[str, int, int, int]
"""Where a viewer is: host and port, then for IPv6 flow and zone, as UDP's ``sendmsg`` takes it.

An IPv6 zone stands in the fourth place only, never in the host. A TCP connection has three parts,
the last its own number, so that it is never taken for a UDP address or for another connection.
"""


class Link(Protocol):
    """A way to send; the methods that are given an address may know it already.

    ``backlog`` is bytes that wait for room; ``shared`` is the descriptor of a UDP socket that
    serves many viewers, -1 for a connection of one viewer.
    """

    backlog: int
    shared: int

    def sendmsg(
        self,
        buffers: Sequence[memoryview],
        ancillary: Ancillary,
        flags: int,
        address: Address | None,
        /,
    ) -> int:
        """Send one run of packets now; raises ``BlockingIOError`` when there is no room."""

    def hold(self, runs: Sequence[Run], address: Address) -> bool:
        """Keep copies of ``runs`` until there is room; false when too much waits already."""

    def send(self, data: bytes, address: Address) -> None:
        """Send one packet now or never: what it carries is asked for again when it is lost."""


OnDatagram = Callable[[Link, bytes, Address, str | None], None]
"""Link, packet, where it is from; and which local address it was sent to, if that is open."""
