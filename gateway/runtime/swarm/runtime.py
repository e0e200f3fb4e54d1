"""One service of a Docker Swarm per media server; satisfies ``control.ports.Runtime`` by shape.

The Swarm keeps a server's one task running, on whatever node it may be, with or without us; the
gateway says what the task is made from, follows it to its address, and pulls the cameras again.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import structlog

from gateway.kit.secret import Secret
from gateway.model.company import EngineSettings, Network
from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.server import ControlAddress, Role, ServerObserved, ServerSpec
from gateway.runtime.docker import family
from gateway.runtime.docker import names as labels_of
from gateway.runtime.docker.broadcast import Broadcast
from gateway.runtime.docker.container import HTTP_PORT, WS_PORT, choose_ports
from gateway.runtime.docker.engine import Connect
from gateway.runtime.docker.images import Image, Images, Kind
from gateway.runtime.docker.maker import Configure
from gateway.runtime.docker.secrets import Passwords
from gateway.runtime.docker.ways import engine_at
from gateway.runtime.docker.writing import settings_of
from gateway.runtime.spec import fingerprint
from gateway.runtime.swarm import files, names, service, start
from gateway.runtime.swarm.listing import Listing
from gateway.runtime.swarm.networks import Networks, check
from gateway.runtime.swarm.objects import Objects
from gateway.runtime.swarm.service import Wanted
from gateway.runtime.swarm.succession import Succession
from gateway.runtime.swarm.tasks import Seen

_CHANGE_S: Final = 30.0
_USER: Final = "admin"
_GONE_S: Final = 40.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SwarmOptions:
    """What the runtime is told; ``at`` leads to a manager."""

    data_dir: Path
    network: Network
    media_ports: tuple[int, int]
    max_viewers: int
    embedded: Configure
    wcs: Configure
    at: EngineSettings


class SwarmRuntime:
    """Keeps services on one Swarm; make it anywhere, use it inside one event loop."""

    def __init__(self, options: SwarmOptions, connect: Connect | None = None) -> None:
        self._options = options
        self._engine = engine_at(options.at, connect)
        self._images = Images(self._engine)
        self._networks = Networks(self._engine, options.network)
        self._objects = Objects(self._engine)
        self._succession = Succession(self._engine, self._images, options.network)
        self._settled = asyncio.Lock()
        # The key of the runtime on one engine: passwords stay when a company grows into a Swarm.
        self._passwords = Passwords(options.data_dir.absolute() / "docker" / "key")
        self._broadcast = Broadcast()
        self._listing = Listing(self._engine, self._broadcast.tell)
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._log = structlog.get_logger("runtime")

    @property
    def calls(self) -> int:
        """How many calls the manager was sent so far."""
        return self._engine.calls

    def fingerprint(self, spec: ServerSpec) -> str:
        """Return a text that changes with the spec, its settings, network, nodes and passwords."""
        network, spec = self._options.network, _placed(spec)
        configures = (self._options.embedded, self._options.wcs)
        return fingerprint(
            spec,
            files=settings_of(spec, configures, self._options.media_ports),
            network=[str(network.driver), network.subnet],
            key=self._passwords.make(spec.id, "fingerprint").reveal(),
            nodes=[list(pair) for pair in spec.nodes],
            start=start.TEXT,
        )

    async def observe(self, site: str | None = None) -> Sequence[ServerObserved]:
        """Return all servers whose services carry our label."""
        self._listing.start()
        there = await self._listing.all()
        return [self._observed(one) for one in there if site is None or one.site == site]

    def processor(self, server_id: str) -> float | None:  # noqa: ARG002  # the port's
        """Return nothing: a manager is told what containers use on its own node only."""
        return None

    async def create(self, spec: ServerSpec) -> None:
        """Make a server's service, or give the one that we own its new form.

        Raises CONFIG_INVALID for what a Swarm cannot do, CONFLICT when a service of somebody else
        has the name, CONTAINER_FAILED, ENGINE_UNAVAILABLE.
        """
        spec = _placed(spec)
        async with self._locks[spec.id]:
            wanted = await self._wanted(spec)
            there = await self._listing.one(spec.id)
            try:
                await (self._make(wanted) if there is None else self._change(there, wanted))
            except GatewayError:
                self._networks.forget()  # somebody may have removed one
                raise
            finally:
                self._listing.forget()
            await self._objects.collect(spec.id, wanted.held)
        self._log.info("a media server is given to the Swarm", site=spec.site, server=spec.id)

    async def start(self, server_id: str) -> None:
        """Let a stopped server run again; raises NOT_FOUND for one that was never made."""
        async with self._locks[server_id]:
            if not await self._scale(server_id, 1):
                raise GatewayError(
                    ErrorKind.NOT_FOUND, f"there is no media server {server_id}", "create it"
                )

    async def stop(self, server_id: str) -> None:
        """Stop a server and keep its service; one that does not run counts as stopped."""
        async with self._locks[server_id]:
            await self._scale(server_id, 0)

    async def remove(self, server_id: str) -> None:
        """Remove a server's service and what belonged to it; one not there counts as removed.

        Volumes are their nodes' own and stay there.
        """
        async with self._locks[server_id]:
            there = await self._listing.one(server_id)
            if there is not None:
                await self._engine.attempt(
                    f"remove the service of {server_id}",
                    lambda client: client.remove_service(there.id),
                    within_s=_GONE_S,
                )
                self._log.info("a media server is ended", site=there.site, server=server_id)
            self._listing.forget()
            await self._objects.collect(server_id)

    def events(self) -> AsyncIterator[str]:
        """Yield the site of each server that has changed, seconds later at most."""
        self._listing.start()
        return self._broadcast.listen()

    async def close(self) -> None:
        """Stop to watch; the services go on."""
        await self._listing.close()
        await self._engine.close()
        self._broadcast.end()

    async def _wanted(self, spec: ServerSpec) -> Wanted:
        options, network = self._options, self._options.network
        subnet = check(network)
        image = await self._images.ensure(spec.image)
        async with self._settled:
            await self._succession.take_over()
        legs = await self._networks.ensure(cdn=family.has_family(spec))
        ports = choose_ports(
            image.kind, network, options.media_ports, viewers=options.max_viewers, slot=0
        )
        salt = self._passwords.make(spec.id, "objects").reveal()
        wishes = files.wishes(
            options.embedded if image.kind is Kind.EMBEDDED else options.wcs,
            spec,
            image,
            legs,
            media=ports.media,
            passwords=self._passwords,
        )
        return Wanted(
            spec=spec,
            image=image,
            arguments=await self._arguments(image),
            fingerprint=self.fingerprint(spec),
            legs=legs,
            subnet=subnet,
            media=ports.media,
            held=await self._objects.ensure(spec.id, spec.site, wishes, salt=salt),
        )

    async def _arguments(self, image: Image) -> Sequence[str]:
        """Return what the image itself would run, in its own folder."""

        def work(client: Any) -> list[str]:
            config = client.inspect_image(image.id)["Config"]
            return [*(config.get("Entrypoint") or ()), *(config.get("Cmd") or ())]

        return await self._engine.call(f"inspect the image {image.reference}", work)

    async def _make(self, wanted: Wanted) -> None:
        await self._refuse_foreign(wanted.spec.id)
        await self._engine.call(
            f"make the service of {wanted.spec.id}",
            lambda client: client.create_service(**service.whole(wanted)),
            within_s=_CHANGE_S,
        )

    async def _change(self, there: Seen, wanted: Wanted) -> None:
        await self._engine.call(
            f"change the service of {wanted.spec.id}",
            lambda client: client.update_service(there.id, there.version, **service.whole(wanted)),
            within_s=_CHANGE_S,
        )

    async def _scale(self, server_id: str, replicas: int) -> bool:
        """Let a server run or not; tell whether it is there."""
        there = await self._listing.one(server_id)
        if there is not None and there.replicas != replicas:
            await self._engine.call(
                f"{'start' if replicas else 'stop'} the service of {server_id}",
                lambda client: client.update_service(
                    there.id,
                    there.version,
                    name=names.service(server_id),
                    labels=dict(there.labels),
                    mode=service.mode(replicas),
                    fetch_current_spec=True,
                ),
                within_s=_CHANGE_S,
            )
        self._listing.forget()
        return there is not None

    async def _refuse_foreign(self, server_id: str) -> None:
        """Raise CONFLICT when a service has the name that is not ours."""
        name = names.service(server_id)
        found = await self._engine.attempt(
            f"look for the service {name}", lambda client: client.inspect_service(name)
        )
        if found is not None and labels_of.server_of(found["Spec"].get("Labels")) != server_id:
            raise GatewayError(
                ErrorKind.CONFLICT,
                f"a service called {name} is there that the gateway has not made",
                f"look what it is, then: docker service rm {name}",
            )

    def _observed(self, one: Seen) -> ServerObserved:
        return ServerObserved(
            id=one.server,
            site=one.site,
            role=Role(one.labels.get(labels_of.ROLE, Role.ORIGIN)),
            state=one.state,
            fingerprint=one.labels.get(labels_of.FINGERPRINT, ""),
            since=one.since,
            control=self._control(one),
            detail=one.detail,
        )

    def _control(self, one: Seen) -> ControlAddress | None:
        if one.address is None:
            return None
        embedded = one.labels.get(labels_of.KIND) == Kind.EMBEDDED

        def password(purpose: str) -> Secret | None:
            return self._passwords.make(one.server, purpose) if embedded else None

        return ControlAddress(
            http_url=f"http://{one.address}:{HTTP_PORT}",
            ws_url=f"ws://{one.address}:{WS_PORT}/",
            username=_USER if embedded else None,
            password=password("rest"),
            token=password("signalling"),
        )


def _placed(spec: ServerSpec) -> ServerSpec:
    """Return ``spec`` without the address that a Swarm gives to no service."""
    return replace(spec, address=None)
