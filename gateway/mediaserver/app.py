"""The media server as one process: its parts, their start, their end."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog
from aiohttp import web

from gateway.kit import openfiles
from gateway.kit.clock import Clock
from gateway.kit.oserrors import plainly
from gateway.kit.sweeping import swept
from gateway.kit.tasks import Tasks
from gateway.mediaserver.connection import KeepAlive
from gateway.mediaserver.edge import Edge, Origin
from gateway.mediaserver.home import Home, ServerFile, boot_id, own_start
from gateway.mediaserver.lease import Lease
from gateway.mediaserver.outlet.server import Outlet
from gateway.mediaserver.ports import Engine
from gateway.mediaserver.registry import Registry
from gateway.mediaserver.rest import Rest
from gateway.mediaserver.settings import RtspOutput, Settings
from gateway.mediaserver.signalling import Limits, Signalling
from gateway.mediaserver.stat import Usage
from gateway.model.errors import ErrorKind, GatewayError
from gateway.rtsp.arrivals import Arrivals
from gateway.rtsp.picture import PictureWorker


@dataclass(frozen=True, slots=True)
class Parts:
    """What the server is built around."""

    engine: Engine
    pictures: PictureWorker
    clock: Clock


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports in use; ``rtsp`` for recorders, ``cdn`` for edges."""

    http: int
    ws: int
    media: int
    rtsp: int | None = None
    cdn: int | None = None


@asynccontextmanager
async def serving(settings: Settings, parts: Parts, lease: Lease) -> AsyncIterator[Ports]:
    """Run engine, REST and signalling for as long as the context lasts."""
    engine = parts.engine
    outlet = Outlet() if settings.recorders or settings.edges else None
    arrivals = Arrivals()
    edge = _edge(settings, parts, arrivals)
    registry = Registry(
        engine,
        limit=settings.max_captures,
        allowed=settings.allowed_cameras,
        sound=settings.sound,
        clock=parts.clock,
        outlet=outlet,
        arrivals=arrivals,
    )
    signalling = Signalling(
        engine,
        Limits(
            max_viewers=settings.max_viewers,
            token=settings.signalling_token,
            keep_alive=KeepAlive(settings.ping_interval_s, settings.missing_pongs),
        ),
        edge,
    )
    rest = Rest(
        engine=engine,
        registry=registry,
        signalling=signalling,
        pictures=parts.pictures,
        lease=lease,
        usage=Usage(settings.max_viewers),
        user=settings.rest_user,
        edge=edge,
        outlet=outlet,
    )
    async with AsyncExitStack() as stack:
        stack.callback(arrivals.close)
        await _open_media(engine, settings.media_port)
        stack.push_async_callback(engine.close)
        http = await _listen(
            stack, rest.application(), settings.control_address, settings.http_port
        )
        ws = await _listen(
            stack, signalling.application(), settings.control_address, settings.ws_port
        )
        if outlet is not None:
            stack.push_async_callback(outlet.close)
        rtsp = await _offer(outlet, settings.recorders)
        cdn = await _offer(outlet, settings.edges)
        stack.callback(rest.news.close)
        # Ended in reverse: captures first, so that their viewers still hear why.
        stack.push_async_callback(signalling.close)
        stack.push_async_callback(registry.close)
        if edge is not None:
            edge.start()
            stack.push_async_callback(edge.close)
        await stack.enter_async_context(swept())
        yield Ports(http, ws, engine.port, rtsp, cdn)


async def _offer(outlet: Outlet | None, wanted: RtspOutput | None) -> int | None:
    if outlet is None or wanted is None:
        return None
    return await outlet.open(wanted.address, wanted.port, wanted.users)


def _edge(settings: Settings, parts: Parts, arrivals: Arrivals) -> Edge | None:
    if settings.edge is None:
        return None
    return Edge(
        parts.engine,
        Origin(settings.edge.origin_file),
        sound=settings.sound,
        linger_s=settings.edge.linger_s,
        limit=settings.max_captures,
        clock=parts.clock,
        arrivals=arrivals,
    )


async def run(home: Home, settings: Settings, parts: Parts) -> None:
    """Serve until SIGTERM, SIGINT or the end of the lease; announce the ports in ``home``."""
    openfiles.raise_limit()
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, over.set)
    lease = Lease(settings.lease_s, parts.clock)
    tasks = Tasks("mediaserver")
    log = structlog.get_logger("mediaserver")
    try:
        async with serving(settings, parts, lease) as ports:
            home.announce(_server_file(settings, ports))
            more = {"rtsp": ports.rtsp, "cdn": ports.cdn}
            shown = {name: port for name, port in more.items() if port is not None}
            log.info("ready", http=ports.http, ws=ports.ws, media=ports.media, **shown)
            tasks.spawn(lease.run_out(over), "lease")
            await over.wait()
            log.info("ends")
    finally:
        await tasks.close()


def _server_file(settings: Settings, ports: Ports) -> ServerFile:
    return ServerFile(
        pid=_pid(),
        started=own_start(),
        boot=boot_id(),
        control_address=settings.control_address,
        http_port=ports.http,
        ws_port=ports.ws,
        media_port=ports.media,
        fingerprint=settings.fingerprint,
    )


def _pid() -> int:
    # Not os.getpid(): the reader looks into the same /proc, whatever the pid namespace.
    return int(Path("/proc/self").readlink().name)


async def _open_media(engine: Engine, port: int) -> None:
    try:
        await engine.start()
    except OSError as error:
        raise GatewayError(
            ErrorKind.CONFLICT,
            f"UDP port {port} cannot be opened for media: {plainly(error)}",
            "end what uses it, or correct ip_local and media_port_from",
        ) from error


async def _listen(stack: AsyncExitStack, app: web.Application, host: str, port: int) -> int:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    site = web.TCPSite(runner, host, port)
    try:
        await site.start()
    except OSError as error:
        raise GatewayError(
            ErrorKind.CONFLICT,
            f"{host}:{port} cannot be listened on: {plainly(error)}",
            "end what uses it, or set http.port and ws.port to 0",
        ) from error
    return int(runner.addresses[0][1])
