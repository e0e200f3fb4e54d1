"""One media-server container per building; satisfies ``control.ports.Runtime`` by shape.

The containers outlive the gateway: whoever starts next finds them by their labels and goes on. One
that dies is reported at once; whether it is started again is for control to decide.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from gateway.kit.tasks import Tasks
from gateway.model.company import Network
from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.server import ControlAddress, Role, ServerObserved, ServerSpec, ServerState
from gateway.runtime.docker import container, names
from gateway.runtime.docker.container import Wanted
from gateway.runtime.docker.engine import Connect, Engine, connector, shown_url
from gateway.runtime.docker.events import Watcher
from gateway.runtime.docker.guard import Guard, Lock
from gateway.runtime.docker.images import Images, Kind
from gateway.runtime.docker.listing import Listing, Seen
from gateway.runtime.docker.locked import Locked
from gateway.runtime.docker.maker import TOKEN_FILE, Configure, Contents, Maker
from gateway.runtime.docker.networks import Networks
from gateway.runtime.docker.secrets import Passwords
from gateway.runtime.docker.settling import Settling
from gateway.runtime.network import LAN_DRIVERS
from gateway.runtime.places import Places
from gateway.runtime.spec import fingerprint

_LICENCE_AGAIN_S: Final = 3600.0
_USER: Final = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class DockerOptions:
    """What the runtime is told; ``max_viewers`` sizes a WCS's part of shared ports."""

    data_dir: Path
    network: Network
    media_ports: tuple[int, int]
    max_viewers: int
    embedded: Configure
    wcs: Configure
    engine: str | None = None


class DockerRuntime:
    """Keeps containers on one engine; make it anywhere, use it inside one event loop."""

    def __init__(self, options: DockerOptions, connect: Connect | None = None) -> None:
        folder = options.data_dir.absolute() / "docker"
        self._options = options
        self._engine = Engine(connect or connector(options.engine), where=shown_url(options.engine))
        self._images = Images(self._engine)
        self._networks = Networks(self._engine, options.network)
        self._listing = Listing(self._engine, self._images)
        self._maker = Maker(self._engine, self._listing)
        self._guard = Guard(self._engine, options.network.guard_image)
        self._passwords = Passwords(folder / "key")
        self._places = Places(folder / "places.json")
        self._settling = Settling(options.network, self._places, self._listing)
        self._locked = Locked(folder / "locked.json")
        self._watcher = Watcher(self._engine, on_event=self._happened, on_link=self._linked)
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._securing: set[str] = set()
        self._refused: dict[str, float] = {}
        self._listeners: set[asyncio.Queue[str | None]] = set()
        self._sites: set[str] = set()
        self._tasks = Tasks("runtime")
        self._log = structlog.get_logger("runtime")

    @property
    def calls(self) -> int:
        """How many calls the engine was sent so far."""
        return self._engine.calls

    def fingerprint(self, spec: ServerSpec) -> str:
        """Return a text that changes with the spec, its settings, network and passwords.

        Ports are left out: they are part of a place, which a server keeps.
        """
        network = self._options.network
        files = [
            dict(
                configure(
                    spec,
                    media_ports=self._options.media_ports,
                    offset=0,
                    bind=spec.address,
                    announced=spec.external_address,
                    control="",
                    token_file=TOKEN_FILE,
                )
            )
            for configure in (self._options.embedded, self._options.wcs)
        ]
        password = self._passwords.make(spec.id, "fingerprint").reveal()
        where = [str(network.driver), network.parent, network.subnet, network.gateway]
        return fingerprint(spec, files=files, network=where, key=password)

    async def observe(self, site: str | None = None) -> Sequence[ServerObserved]:
        """Return all servers whose containers carry our label."""
        self._watcher.start()
        servers = _one_each(await self._listing.all())
        self._sites |= {seen.site for seen in servers}
        for seen in servers:
            if seen.running and self._needs_lock(seen) and not self._locked.holds(seen):
                self._secure_soon(seen)
        return [self._observed(seen) for seen in servers if site is None or seen.site == site]

    async def create(self, spec: ServerSpec) -> None:
        """Make and start a server; one of the same id is replaced and keeps address and volume."""
        self._check_id(spec.id)
        async with self._locks[spec.id]:
            image = await self._images.ensure(spec.image)
            legs = await self._networks.ensure()
            there = await self._listing.of(spec.id)
            await self._maker.discard([seen for seen in there if seen.draft])
            old = [seen for seen in there if not seen.draft]
            if not old:
                await self._maker.check_name(spec.id)
            place = await self._settling.settle(spec, old)
            ports = container.choose_ports(
                image.kind,
                self._options.network,
                self._options.media_ports,
                viewers=self._options.max_viewers,
                slot=place.slot or 0,
            )
            wanted = Wanted(
                spec=spec,
                image=image,
                fingerprint=self.fingerprint(spec),
                driver=self._options.network.driver,
                legs=legs,
                place=place,
                ports=ports,
                announced=self._settling.announced(spec, place),
                password=self._passwords.make(spec.id, "rest"),
            )
            draft = await self._maker.make(wanted, self._contents(wanted))
            await self._maker.take_over(draft, spec, old)
            self._listing.forget(draft)
            self._refused.pop(spec.id, None)
            await self._run(draft)

    async def start(self, server_id: str) -> None:
        """Start a stopped server again; one that runs is left alone.

        Raises NOT_FOUND for a server that was never made, CONTAINER_FAILED for one whose licence
        was refused: that is tried again once an hour, or at once with another licence.
        """
        async with self._locks[server_id]:
            found = _one_each(await self._listing.of(server_id))
            if not found or found[0].draft:
                raise GatewayError(
                    ErrorKind.NOT_FOUND, f"there is no media server {server_id}", "create it"
                )
            self._check_licence(found[0])
            await self._networks.ensure()
            await self._run(found[0].id)

    async def stop(self, server_id: str) -> None:
        """Stop a server and keep its container; one that does not run counts as stopped."""
        async with self._locks[server_id]:
            for seen in await self._listing.of(server_id):
                await self._maker.stop(seen)
                self._listing.forget(seen.id)

    async def remove(self, server_id: str) -> None:
        """Stop a server, give its licence back, remove it; one not there counts as removed.

        The volume stays if the licence could not be given back.
        """
        async with self._locks[server_id]:
            there = await self._listing.of(server_id)
            free = True
            for seen in there:
                free = await self._maker.retire(seen, keeps=None) and free
            if free:
                await self._maker.remove_volume(server_id)
            else:
                self._log.warning("a volume with a licence is kept", volume=names.volume(server_id))
            self._places.forget(server_id)
            self._listing.forget()

    def events(self) -> AsyncIterator[str]:
        """Yield the site of each server that has changed, at once."""
        self._watcher.start()
        queue: asyncio.Queue[str | None] = asyncio.Queue()
        self._listeners.add(queue)
        return self._drain(queue)

    async def close(self) -> None:
        """Stop to watch; the containers go on."""
        await self._watcher.close()
        await self._tasks.close()
        await self._engine.close()
        for queue in self._listeners:
            queue.put_nowait(None)

    async def _drain(self, queue: asyncio.Queue[str | None]) -> AsyncIterator[str]:
        try:
            while (site := await queue.get()) is not None:
                yield site
        finally:
            self._listeners.discard(queue)

    async def _run(self, container_id: str) -> None:
        """Start a container and close its control ports before it counts as ready."""
        seen = await self._look(container_id)
        try:
            await self._maker.start(seen)
        finally:
            self._listing.forget(container_id)
        if self._needs_lock(seen):
            seen = await self._look(container_id)
            if seen.running:
                await self._secure(seen)

    async def _look(self, container_id: str) -> Seen:
        seen = await self._listing.look(container_id)
        if seen is None:
            raise GatewayError(
                ErrorKind.CONTAINER_FAILED,
                "a container is gone that was just made",
                "look who else removes containers on this machine",
            )
        return seen

    def _needs_lock(self, seen: Seen) -> bool:
        return self._options.network.driver in LAN_DRIVERS and not seen.host_network

    def _secure_soon(self, seen: Seen) -> None:
        if seen.id not in self._securing:
            self._securing.add(seen.id)
            self._tasks.spawn(self._secure_alone(seen), f"secure {seen.server}")

    async def _secure_alone(self, seen: Seen) -> None:
        try:
            async with self._locks[seen.server]:
                now = await self._listing.look(seen.id)
                if now is not None and now.running and not self._locked.holds(now):
                    await self._secure(now)
        except GatewayError as error:
            self._log.warning("a media server could not be secured", reason=str(error))
            self._listing.forget(seen.id)
        finally:
            self._securing.discard(seen.id)
            self._tell(seen.site)

    async def _secure(self, seen: Seen) -> None:
        control = (await self._networks.ensure()).control
        if control is None or seen.mac is None:
            return
        kind = Kind(seen.labels[names.KIND])
        media = self._options.media_ports
        lock = Lock(
            control_mac=seen.mac,
            control_peer=control.peer,
            media=(media[0], media[0]) if kind is Kind.EMBEDDED else media,
            tcp=kind is Kind.WCS,
        )
        try:
            await self._guard.close_ports(seen.server, seen.id, seen.image, lock)
        except GatewayError as error:
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

    def _observed(self, seen: Seen) -> ServerObserved:
        state, control = ServerState.STOPPED, None
        if seen.running:
            state = ServerState.STARTING
            if not self._needs_lock(seen) or self._locked.holds(seen):
                state, control = ServerState.RUNNING, self._control(seen)
        detail = "\n".join(filter(None, (seen.how, seen.tail)))
        if seen.refused_licence:
            detail += f"\nits licence was refused: {seen.refused_licence}"
        return ServerObserved(
            id=seen.server,
            site=seen.site,
            role=Role(seen.labels.get(names.ROLE, Role.ORIGIN)),
            state=state,
            fingerprint=self._shown_fingerprint(seen),
            since=seen.since,
            control=control,
            detail=detail or self._locked.complaint(seen),
        )

    def _shown_fingerprint(self, seen: Seen) -> str:
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

    def _contents(self, wanted: Wanted) -> Contents:
        embedded = wanted.image.kind is Kind.EMBEDDED
        configure = self._options.embedded if embedded else self._options.wcs
        files = configure(
            wanted.spec,
            media_ports=wanted.ports.media,
            offset=wanted.ports.offset,
            bind=wanted.bind,
            announced=wanted.announced,
            control=wanted.control,
            token_file=TOKEN_FILE,
        )
        token = self._passwords.make(wanted.spec.id, "signalling").reveal()
        return Contents(files, token)

    def _check_id(self, server_id: str) -> None:
        if not names.fits(server_id):
            raise GatewayError(
                ErrorKind.CONFIG_INVALID,
                f"{server_id!r} cannot name a media server",
                "use letters, digits, dots, dashes and underscores",
            )

    def _check_licence(self, seen: Seen) -> None:
        line, now = seen.refused_licence, time.monotonic()
        if not line:
            return
        if now < self._refused.setdefault(seen.server, now + _LICENCE_AGAIN_S):
            raise GatewayError(
                ErrorKind.CONTAINER_FAILED,
                f"the licence of {seen.server} was refused: {line[:200]}",
                f"write a valid one at media_server.license in {seen.site}.yaml; it is taken at "
                "once, and this one is tried again in an hour",
            )
        self._refused.pop(seen.server, None)

    def _happened(self, container_id: str, site: str) -> None:
        self._listing.forget(container_id)
        if site:
            self._sites.add(site)
            self._tell(site)

    def _linked(self, open_: bool) -> None:  # noqa: FBT001  # a callback's only argument
        self._listing.live = open_
        self._listing.forget()
        self._networks.forget()
        for site in self._sites:
            self._tell(site)

    def _tell(self, site: str) -> None:
        for queue in self._listeners:
            queue.put_nowait(site)


def _one_each(found: Sequence[Seen]) -> list[Seen]:
    """Return one container per server: the complete one before a draft."""
    best: dict[str, Seen] = {}
    for seen in sorted(found, key=lambda one: (one.draft, one.name)):
        best.setdefault(seen.server, seen)
    return list(best.values())
