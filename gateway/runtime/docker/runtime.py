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

from gateway.model.company import EngineSettings, Network
from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.server import ServerObserved, ServerSpec
from gateway.runtime.docker import container, family, names
from gateway.runtime.docker.broadcast import Broadcast
from gateway.runtime.docker.container import Wanted
from gateway.runtime.docker.engine import Connect
from gateway.runtime.docker.events import Watcher
from gateway.runtime.docker.family import Family
from gateway.runtime.docker.guard import Guard
from gateway.runtime.docker.images import Images, Kind
from gateway.runtime.docker.listing import Listing, Seen
from gateway.runtime.docker.locked import Locked
from gateway.runtime.docker.maker import Configure, Contents, Maker
from gateway.runtime.docker.networks import Control, Networks
from gateway.runtime.docker.secrets import Passwords
from gateway.runtime.docker.securing import Locks, Securing
from gateway.runtime.docker.settling import Settling
from gateway.runtime.docker.showing import Showing, one_each
from gateway.runtime.docker.usage import Usage
from gateway.runtime.docker.ways import engine_at, reachable
from gateway.runtime.docker.writing import contents, settings_of
from gateway.runtime.places import Places
from gateway.runtime.spec import fingerprint

_LICENCE_AGAIN_S: Final = 3600.0
_ANSWER_S: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DockerOptions:
    """What the runtime is told; ``max_viewers`` sizes a WCS's part of shared ports.

    ``at`` is the engine and the way to it, else ``engine`` its address alone. The places of a named
    engine are its own; the key of all passwords is one.
    """

    data_dir: Path
    network: Network
    media_ports: tuple[int, int]
    max_viewers: int
    embedded: Configure
    wcs: Configure
    engine: str | None = None
    at: EngineSettings | None = None


class DockerRuntime:
    """Keeps containers on one engine; make it anywhere, use it inside one event loop."""

    def __init__(self, options: DockerOptions, connect: Connect | None = None) -> None:
        common = options.data_dir.absolute() / "docker"
        at = options.at or EngineSettings(url=options.engine)
        folder = common / "engines" / at.name if at.name else common
        self._options = options
        self._engine = engine_at(at, connect)
        self._images = Images(self._engine)
        self._networks = Networks(self._engine, options.network)
        self._listing = Listing(self._engine, self._images)
        self._maker = Maker(self._engine, self._listing)
        self._passwords = Passwords(common / "key")
        self._places = Places(folder / "places.json")
        self._settling = Settling(options.network, self._places, self._listing, away=at.host)
        self._broadcast = Broadcast()
        self._watcher = Watcher(self._engine, on_event=self._happened, on_link=self._linked)
        self._locks: Locks = defaultdict(asyncio.Lock)
        self._securing = Securing(
            network=options.network,
            media_ports=options.media_ports,
            guard=Guard(self._engine, options.network.guard_image),
            locked=Locked(folder / "locked.json"),
            networks=self._networks,
            listing=self._listing,
            locks=self._locks,
            told=self._broadcast.tell,
        )
        self._showing = Showing(
            listing=self._listing, securing=self._securing, passwords=self._passwords
        )
        self._usage = Usage(self._engine, self._listing.known)
        self._refused: dict[str, float] = {}
        self._sites: set[str] = set()
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
        configures = (self._options.embedded, self._options.wcs)
        files = settings_of(spec, configures, self._options.media_ports)
        password = self._passwords.make(spec.id, "fingerprint").reveal()
        where = [str(network.driver), network.parent, network.subnet, network.gateway]
        return fingerprint(spec, files=files, network=where, key=password)

    async def observe(self, site: str | None = None) -> Sequence[ServerObserved]:
        """Return all servers whose containers carry our label."""
        self._watcher.start()
        servers = one_each(await self._listing.all())
        self._sites |= {seen.site for seen in servers}
        for seen in servers:
            self._securing.soon(seen)
        shown = await reachable(
            self._engine.tunnel, [self._showing.observed(seen) for seen in servers]
        )
        return [one for one in shown if site is None or one.site == site]

    def processor(self, server_id: str) -> float | None:
        """Return a server's share of the processors that it may use, as the engine last told."""
        return self._usage.of(server_id)

    async def answer(self) -> str:
        """Return what tells the engine from others; raises ENGINE_UNAVAILABLE soon if it is away.

        Its id alone does not: machines that were copied from one another have the same.
        """
        said = await self._engine.call("answer", lambda client: client.info(), within_s=_ANSWER_S)
        return " ".join(str(said.get(key)) for key in ("ID", "Name", "DockerRootDir"))

    @property
    def silent_s(self) -> float:
        """How long ago the engine has answered a call, in seconds."""
        return time.monotonic() - self._engine.heard

    async def prepare(self, spec: ServerSpec) -> None:
        """Do what can be done before a server is made, such as pulling its image."""
        await self._images.ensure(spec.image)
        await self._networks.ensure()

    def holds(self, server_id: str) -> bool:
        """Tell whether a server was made here and not removed since, as far as is written down."""
        return server_id in self._places.others("")

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
            cdn = await self._networks.cdn() if family.has_family(spec) else None
            family.check(spec, wcs=image.kind is Kind.WCS, subnet=cdn.subnet if cdn else None)
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
                cdn=cdn.name if cdn else None,
            )
            files = self._contents(wanted, self._family(spec, cdn))
            draft = await self._maker.make(wanted, files)
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
            found = one_each(await self._listing.of(server_id))
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
        return self._broadcast.listen()

    async def close(self) -> None:
        """Stop to watch; the containers go on."""
        await self._watcher.close()
        await self._usage.close()
        await self._securing.close()
        await self._engine.close()
        self._broadcast.end()

    async def _run(self, container_id: str) -> None:
        """Start a container and close its control ports before it counts as ready."""
        seen = await self._look(container_id)
        try:
            await self._maker.start(seen)
        finally:
            self._listing.forget(container_id)
        if self._securing.needed(seen):
            seen = await self._look(container_id)
            if seen.running:
                await self._securing.secure(seen)

    async def _look(self, container_id: str) -> Seen:
        seen = await self._listing.look(container_id)
        if seen is None:
            raise GatewayError(
                ErrorKind.CONTAINER_FAILED,
                "a container is gone that was just made",
                "look who else removes containers on this machine",
            )
        return seen

    def _family(self, spec: ServerSpec, cdn: Control | None) -> Family | None:
        if not family.has_family(spec):
            return None
        origin = spec.origin or spec.id
        return Family(
            subnet=cdn.subnet if cdn else None,
            login=self._passwords.make(origin, "cdn"),
            origin_offset=0 if cdn else container.offset_of(self._places.get(origin).slot or 0),
        )

    def _contents(self, wanted: Wanted, kin: Family | None) -> Contents:
        embedded = wanted.image.kind is Kind.EMBEDDED
        configure = self._options.embedded if embedded else self._options.wcs
        token = self._passwords.make(wanted.spec.id, "signalling")
        return contents(configure, wanted, kin, token)

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
            self._broadcast.tell(site)

    def _linked(self, open_: bool) -> None:  # noqa: FBT001  # a callback's only argument
        self._listing.live = open_
        self._listing.forget()
        self._networks.forget()
        for site in self._sites:
            self._broadcast.tell(site)
