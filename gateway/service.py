"""The running gateway: builds every part, joins the rooms, begins and ends in order.

Begins: configuration, data folder, door (so that a port in use is known before anything is
touched), then the keeper. Ends in reverse. Media servers are left running or taken away as
:meth:`Service.close` is told.
"""

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import structlog

from gateway.announcing import tell_of_outages
from gateway.api.app import create_app
from gateway.api.ports import DemoSwitch
from gateway.ask import reachable
from gateway.config.load import Loader
from gateway.config.watch import changes
from gateway.control.board import Board
from gateway.control.clients import Clients
from gateway.control.demand import Demand
from gateway.control.fieldwork import Fieldwork
from gateway.control.keeper import Keeper
from gateway.control.ports import Runtime
from gateway.control.posters import Posters
from gateway.control.siteloop import World
from gateway.control.streams import Streams
from gateway.control.watching import Watching
from gateway.doorbooks import keep_history, open_stores
from gateway.front_door import Doors
from gateway.kit import openfiles
from gateway.kit.clock import SystemClock
from gateway.kit.signals import until_told
from gateway.kit.supervisor import Supervisor
from gateway.kit.sweeping import swept
from gateway.kit.tasks import Tasks
from gateway.model.company import Fleet, RuntimeKind, Settings
from gateway.model.errors import GatewayError
from gateway.rtsp.picture import PictureWorker
from gateway.runtime.host import Host
from gateway.runtimes import LEASE_S, make_runtime, needs_restart, take_over
from gateway.store.files import PosterFiles
from gateway.store.lock import DataFolder
from gateway.surveying import open_fieldwork
from gateway.upkeep import look_after
from gateway.wcs.server import WcsServer
from gateway.webfolder import web_folder

_REMOVE_S: Final = 20.0
_REREAD_S: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a start is told: ``listen`` overrides the settings' host and port.

    ``runtime`` makes what media servers run on instead of what the settings name.
    """

    directory: Path
    listen: tuple[str, int] | None = None
    demo_switch: DemoSwitch | None = None
    lease_s: float = LEASE_S
    runtime: Callable[[Settings], Runtime] | None = None


@dataclass(slots=True)
class Service:
    """One gateway in this process."""

    options: Options
    board: Board = field(default_factory=Board)
    _loader: Loader = field(init=False)
    _fleet: Fleet = field(default_factory=lambda: Fleet(Settings(), {}))
    _keeper: Keeper | None = None
    _streams: Streams | None = None
    _runtime: Runtime | None = None
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    _tasks: Tasks = field(default_factory=lambda: Tasks("service"))
    _remove: bool = False
    _doors: Doors = field(default_factory=Doors)

    def __post_init__(self) -> None:
        self._loader = Loader(self.options.directory)

    @property
    def fleet(self) -> Fleet:
        """The settings and sites in force now, with all stream addresses that are known."""
        return self._fleet if self._streams is None else self._streams.fleet

    @property
    def url(self) -> str:
        """Where the page is, for somebody at this machine."""
        doors = self._doors
        return f"{doors.scheme}://{reachable(self._listen()[0])}:{doors.port}/"

    async def start(self, supervisor: Supervisor | None = None) -> None:
        """Begin; raises GatewayError. :meth:`close` is to be called in any case."""
        openfiles.raise_limit()
        self._fleet = await asyncio.to_thread(self._loader.load)
        settings = self._fleet.settings
        log = structlog.get_logger("service")
        for problem in self._fleet.problems:
            log.warning("a file has a problem", problem=str(problem))
        self._stack.enter_context(DataFolder(settings.data_dir))
        world = World(
            runtime=self._make_runtime(settings),
            clients=Clients(WcsServer),
            board=self.board,
            demand=Demand(SystemClock()),
            clock=SystemClock(),
            host=Host(),
        )
        self._runtime = world.runtime
        self._stack.push_async_callback(world.runtime.close)
        take_over(world.runtime, self._fleet)
        self._keeper = keeper = Keeper(world)
        self._stack.push_async_callback(self._end_keeping, keeper)
        watching, posters = self._followers(world, keeper)
        places = (self.options.directory, settings.data_dir)
        fieldwork, self._streams = await open_fieldwork(
            self._stack,
            *places,
            board=self.board,
            notes=world.notes,
            changed=keeper.apply,
            foresee=keeper.foresee,
            poster=posters.get,
            measures=keeper.measures,
        )
        self._streams.take(self._fleet)
        await self._open_door(watching, posters, keeper, fieldwork)
        self._stack.push_async_callback(self._tasks.close)
        await tell_of_outages(
            self._stack,
            settings.data_dir,
            board=self.board,
            fleet=lambda: self.fleet,
            measures=keeper.measures,
        )
        keeper.start()
        await self._streams.start()
        await look_after(self._stack, fieldwork, self._streams, world=world, posters=posters)
        keeper.apply(self.fleet)
        posters.start()
        self._tasks.spawn(self._follow_files(keeper), "configuration")
        await self._stack.enter_async_context(swept())
        if supervisor is not None:
            supervisor.ready(f"{len(self._fleet.sites)} buildings, {self.url}")
            self._tasks.spawn(supervisor.watch(keeper.turns, SystemClock()), "watchdog")
        log.info(
            "the gateway serves",
            url=self.url,
            sites=len(self._fleet.sites),
            data=str(settings.data_dir),
        )

    def _make_runtime(self, settings: Settings) -> Runtime:
        if self.options.runtime is not None:
            return self.options.runtime(settings)
        return make_runtime(settings, lease_s=self.options.lease_s)

    async def close(self, *, remove: bool) -> None:
        """End everything; ``remove`` takes the media servers away too."""
        self._remove = remove
        await self._stack.aclose()

    def _followers(self, world: World, keeper: Keeper) -> tuple[Watching, Posters]:
        watching = Watching(
            fleet=lambda: self.fleet,
            keeper=keeper,
            clients=world.clients,
            demand=world.demand,
            clock=world.clock,
        )
        self._stack.push_async_callback(watching.close)
        pictures = PictureWorker()
        self._stack.push_async_callback(pictures.close)
        posters = Posters(
            board=world.board,
            keeper=keeper,
            clients=world.clients,
            store=PosterFiles(self._fleet.settings.data_dir / "posters"),
            to_jpeg=pictures.jpeg,
            clock=world.clock,
        )
        self._stack.push_async_callback(posters.close)
        return watching, posters

    async def _open_door(
        self, watching: Watching, posters: Posters, keeper: Keeper, fieldwork: Fieldwork
    ) -> None:
        data_dir = self._fleet.settings.data_dir
        history = await keep_history(
            self._stack,
            data_dir,
            board=self.board,
            days=lambda: self._fleet.settings.history_days,
            measures=keeper.measures,
        )
        app = create_app(
            fleet=lambda: self.fleet,
            board=self.board,
            watching=watching,
            posters=posters,
            ages=keeper.ages,
            facts=keeper.all_facts,
            measures=keeper.measures,
            web_dir=web_folder(),
            demo_switch=self.options.demo_switch,
            fieldwork=fieldwork,
            stores=open_stores(self._stack, data_dir, history, measures=keeper.measures),
        )
        settings = self._fleet.settings
        await self._doors.open(
            self._stack,
            app,
            listen=self._listen(),
            staff_listen=settings.staff_listen,
            metrics_listen=settings.metrics_listen,
            tls=settings.tls,
        )

    def _listen(self) -> tuple[str, int]:
        settings = self._fleet.settings
        return self.options.listen or (settings.listen_host, settings.listen_port)

    async def _follow_files(self, keeper: Keeper) -> None:
        while True:
            try:
                await self._take_over(keeper)
            except Exception:  # noqa: BLE001  # the edge: one error must not freeze the configuration
                structlog.get_logger("service").exception("following the files has failed")
            await asyncio.sleep(_REREAD_S)

    async def _take_over(self, keeper: Keeper) -> None:
        log = structlog.get_logger("service")
        async for fleet in changes(self._loader, asyncio.Event()):
            before, self._fleet = self._fleet, fleet
            if self._runtime is not None:
                take_over(self._runtime, fleet)
            if self._streams is not None:
                self._streams.take(fleet)
            keeper.apply(self.fleet)
            self._doors.renew(fleet.settings.tls)
            if needs_restart(before.settings) != needs_restart(fleet.settings):
                log.warning("listen, data_dir, runtime and media_ports change at the next start")

    async def _end_keeping(self, keeper: Keeper) -> None:
        if self._remove:
            try:
                async with asyncio.timeout(_REMOVE_S):
                    await keeper.remove_servers()
            except (GatewayError, TimeoutError) as error:
                structlog.get_logger("service").warning(
                    "a media server could not be removed", reason=str(error)
                )
        await keeper.close()


async def run(service: Service) -> None:
    """Serve until SIGINT or SIGTERM; raises GatewayError when it cannot begin.

    SIGINT (Ctrl-C) takes media servers that are processes away; SIGTERM, a service manager's word,
    and containers, which anybody sees in the engine's list and whose licences would be given back,
    leave them running for the next start unless ``keep_on_stop`` is false.
    """
    remove, supervisor = False, Supervisor(os.environ)
    try:
        told = await until_told(service.start(supervisor))
        processes = service.fleet.settings.media_servers.runtime is RuntimeKind.PROCESS
        remove = (told is signal.SIGINT and processes) or not keeps(service)
    finally:
        supervisor.stopping()
        await service.close(remove=remove)


def keeps(service: Service) -> bool:
    """Tell whether media servers outlive a stop of the gateway."""
    return service.fleet.settings.media_servers.keep_on_stop
