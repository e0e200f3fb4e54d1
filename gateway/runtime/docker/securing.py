"""Seeing to it that a running container has its control ports closed, in each of its runs."""

import asyncio
from collections import defaultdict
from collections.abc import Callable

import structlog

from gateway.kit.tasks import Tasks
from gateway.model.company import Network
from gateway.model.errors import ErrorKind, GatewayError
from gateway.runtime.docker import names
from gateway.runtime.docker.container import choose_ports
from gateway.runtime.docker.guard import Guard, Lock
from gateway.runtime.docker.images import Kind
from gateway.runtime.docker.listing import Listing, Seen
from gateway.runtime.docker.locked import Locked
from gateway.runtime.docker.networks import Networks

Locks = defaultdict[str, asyncio.Lock]
"""One lock per server: who starts a container also closes its ports."""


class Securing:
    """Joins the guard with what is known of each run; ``told`` hears of a site that is ready."""

    def __init__(
        self,
        *,
        network: Network,
        media_ports: tuple[int, int],
        guard: Guard,
        locked: Locked,
        networks: Networks,
        listing: Listing,
        locks: Locks,
        told: Callable[[str], None],
    ) -> None:
        self._network = network
        self._media_ports = media_ports
        self._guard = guard
        self._locked = locked
        self._networks = networks
        self._listing = listing
        self._locks = locks
        self._told = told
        self._running: set[str] = set()
        self._tasks = Tasks("securing")
        self._log = structlog.get_logger("runtime")

    def needed(self, seen: Seen) -> bool:
        """Tell whether a container has a network of its own that must be closed.

        Behind published ports too: whoever makes this machine his router reaches the rest as well
        where the machine forwards for others. On the host's network there is nothing to filter
        without filtering the host: control ports listen on the loopback address there.
        """
        return not seen.host_network

    def done(self, seen: Seen) -> bool:
        """Tell whether this run may count as ready: closed, or known to stay open."""
        return not self.needed(seen) or self._locked.holds(seen)

    def complaint(self, seen: Seen) -> str:
        """Return why this run stays open, or an empty text."""
        return self._locked.complaint(seen)

    def soon(self, seen: Seen) -> None:
        """Close the ports of a container that somebody else has started, in the background."""
        if seen.running and not self.done(seen) and seen.id not in self._running:
            self._running.add(seen.id)
            self._tasks.spawn(self._alone(seen), f"secure {seen.server}")

    async def secure(self, seen: Seen) -> None:
        """Close the ports of a running container; the caller holds the server's lock.

        Ports that stay open are reported and written on the board, they are no failure. Raises
        ENGINE_UNAVAILABLE, NOT_FOUND and CONFLICT.
        """
        control = (await self._networks.ensure()).control
        if not self.needed(seen) or control is None or seen.mac is None:
            return
        embedded = seen.labels[names.KIND] == Kind.EMBEDDED
        lock = Lock(
            control_mac=seen.mac,
            control_peer=control.peer,
            media=self._media(seen),
            cdn_mac=seen.cdn_mac or "",
            cdn_port=seen.labels.get(names.CDN, ""),
            # WCS's nodes send media to each other; it has no passwords for recorders.
            cdn_media=not embedded,
            rtsp=seen.labels.get(names.RTSP, "") if embedded else "",
        )
        try:
            await self._guard.close_ports(seen.server, seen.id, seen.image, lock)
        except GatewayError as error:
            now = await self._listing.look(seen.id)
            if now is None or not now.running:
                return  # it has ended meanwhile: no ports are left, and its own end says why
            if error.kind is not ErrorKind.CONTAINER_FAILED:
                raise
            self._log.error(
                "control ports are open to the building's network",
                site=seen.site,
                server=seen.server,
                reason=str(error),
            )
            self._locked.stays_open(seen, error.message)
            return
        self._locked.closed(seen, {one.id for one in await self._listing.all()})

    async def close(self) -> None:
        """End what runs in the background."""
        await self._tasks.close()

    def _media(self, seen: Seen) -> tuple[int, int]:
        if seen.labels[names.KIND] == Kind.WCS:
            return self._media_ports
        slot = int(seen.labels.get(names.SLOT) or 0)
        ports = choose_ports(Kind.EMBEDDED, self._network, self._media_ports, viewers=1, slot=slot)
        return ports.media

    async def _alone(self, seen: Seen) -> None:
        try:
            async with self._locks[seen.server]:
                now = await self._listing.look(seen.id)
                if now is not None and now.running and not self.done(now):
                    await self.secure(now)
        except GatewayError as error:
            self._log.warning("a media server could not be secured", reason=str(error))
            self._listing.forget(seen.id)
        finally:
            self._running.discard(seen.id)
            self._told(seen.site)
