"""Media servers as processes of this machine; satisfies ``control.ports.Runtime`` by shape.

They outlive the gateway: whoever starts next finds them by their folders and goes on. One that
dies is reported at once; whether it is started again is for control to decide.
"""

import asyncio
import functools
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol

import structlog

from gateway.kit.tasks import Tasks
from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.server import ServerObserved, ServerSpec, ServerState
from gateway.runtime import origins, pids, program
from gateway.runtime.folder import (
    EDGES_FILE,
    ORIGIN_FILE,
    RECORDERS_FILE,
    REST_USER_FILE,
    TOKEN_FILE,
    Folder,
    Label,
    Ready,
)
from gateway.runtime.folders import Folders
from gateway.runtime.spec import fingerprint

GRACE_S: Final = 3.0
READY_S: Final = 60.0
_SPECS: Final = 4096
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")


class Configure(Protocol):
    """Writes a server's settings: file name in its folder -> content."""

    def __call__(
        self,
        spec: ServerSpec,
        *,
        media_port: int,
        fingerprint: str,
        rest_user_file: str,
        token_file: str,
        cdn_port: int | None,
        recorders_file: str,
        edges_file: str,
        origin_file: str,
    ) -> Mapping[str, str]:
        """Return the files; those with secrets are written by the runtime itself."""


class ProcessRuntime:
    """Runs ``python -m gateway.mediaserver`` for each server in ``<data_dir>/servers/<id>/``.

    ``media_ports`` are the first and last UDP port for media. CPU and memory limits need a
    container runtime; here all servers share the machine.
    """

    def __init__(
        self, data_dir: Path, *, media_ports: tuple[int, int], configure: Configure
    ) -> None:
        self._servers = data_dir.absolute() / "servers"
        self._folders = Folders(self._servers)
        self._media_ports = media_ports
        self._configure = configure
        version = program.version()
        # Asked in every cycle of every site, and always the same for the same spec.
        self._mark = functools.lru_cache(_SPECS)(
            lambda spec: fingerprint(
                spec, files=dict(self._files(Label(spec, "", 0))), version=version
            )
        )
        self._watches: dict[pids.ProcessId, pids.Watch] = {}
        self._leaving: set[pids.ProcessId] = set()
        self._running: dict[Path, tuple[Label, int, pids.ProcessId, ServerObserved]] = {}
        self._ends: dict[str, str] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._listeners: set[asyncio.Queue[str | None]] = set()
        self._tasks = Tasks("runtime")
        self._log = structlog.get_logger("runtime")

    def fingerprint(self, spec: ServerSpec) -> str:
        """Return a text that changes with the spec, its settings, and the gateway's version."""
        return self._mark(spec)

    async def observe(self, site: str | None = None) -> Sequence[ServerObserved]:
        """Return all servers whose folders carry our label; adopts those that run."""
        return [self._observed(folder, label) for folder, label in self._labelled(site)]

    def processor(self, server_id: str) -> float | None:  # noqa: ARG002  # the port's
        """Return nothing: all servers here are embedded ones, which tell it themselves."""
        return None

    async def create(self, spec: ServerSpec) -> None:
        """Make and start a server; one of the same id is replaced and keeps port and secrets."""
        folder = self._folder(spec.id)
        async with self._locks[spec.id]:
            old = folder.label()
            if old is None and folder.foreign():
                raise GatewayError(
                    ErrorKind.CONFLICT,
                    f"{folder.path} is not empty and not a media server's folder of ours",
                    "move it away",
                )
            await self._end(folder)
            self._launch(folder, spec, self.fingerprint(spec), old)

    async def start(self, server_id: str) -> None:
        """Start a stopped server again; one that runs is left alone.

        Raises NOT_FOUND for a server that was never made.
        """
        folder = self._folder(server_id)
        async with self._locks[server_id]:
            label = folder.label()
            if label is None:
                raise GatewayError(
                    ErrorKind.NOT_FOUND, f"there is no media server {server_id}", "create it"
                )
            if folder.process() is None:
                # Its own fingerprint: the label does not hold all that a spec does.
                self._launch(folder, label.spec, label.fingerprint, label)

    async def stop(self, server_id: str) -> None:
        """Stop a server and keep its folder; one that does not run counts as stopped."""
        folder = self._folder(server_id)
        async with self._locks[server_id]:
            if folder.label() is not None:
                await self._end(folder)
                folder.stopped()

    async def remove(self, server_id: str) -> None:
        """Stop a server and delete its folder; one that is not there counts as removed."""
        folder = self._folder(server_id)
        async with self._locks[server_id]:
            if folder.label() is None:
                return
            await self._end(folder)
            try:
                folder.remove()
            except OSError as error:
                raise _unusable(folder.path, error) from error
            self._ends.pop(server_id, None)
            self._folders.forget(folder.path)
            self._running.pop(folder.path, None)

    def events(self) -> AsyncIterator[str]:
        """Yield the site of each server that has become ready or has ended, at once."""
        queue: asyncio.Queue[str | None] = asyncio.Queue()
        self._listeners.add(queue)
        return self._drain(queue)

    async def close(self) -> None:
        """Stop to watch; the servers go on."""
        await self._tasks.close()
        for watch in self._watches.values():
            watch.close()
        self._watches.clear()
        for queue in self._listeners:
            queue.put_nowait(None)

    async def _drain(self, queue: asyncio.Queue[str | None]) -> AsyncIterator[str]:
        try:
            while (site := await queue.get()) is not None:
                yield site
        finally:
            self._listeners.discard(queue)

    def _folder(self, server_id: str) -> Folder:
        if not _ID.fullmatch(server_id):
            raise GatewayError(
                ErrorKind.CONFIG_INVALID,
                f"{server_id!r} cannot name a media server",
                "use letters, digits, dots, dashes and underscores",
            )
        return Folder(self._servers / server_id)

    def _labelled(self, site: str | None = None) -> list[tuple[Folder, Label]]:
        try:
            return self._folders.labelled(site)
        except OSError as error:
            raise _unusable(self._servers, error) from error

    def _observed(self, folder: Folder, label: Label) -> ServerObserved:
        known, announced = self._running.get(folder.path), folder.announced()
        if known is not None and known[:2] == (label, announced) and known[2] in self._watches:
            return known[3]  # the kernel would have told of its end
        ready = folder.ready()
        process = ready.process if ready else folder.process()
        if process is not None:
            self._watch(process, label.spec)
        seen = self._seen(folder, label, ready, alive=process is not None)
        self._running.pop(folder.path, None)
        if ready is not None:
            self._running[folder.path] = (label, announced, ready.process, seen)
        return seen

    def _seen(
        self, folder: Folder, label: Label, ready: Ready | None, *, alive: bool
    ) -> ServerObserved:
        state = ServerState.STARTING if alive else ServerState.STOPPED
        how = self._ends.get(label.spec.id, "")
        return ServerObserved(
            id=label.spec.id,
            site=label.spec.site,
            role=label.spec.role,
            state=ServerState.RUNNING if ready else state,
            # A server that was not ended in time runs on the settings that it was started with.
            fingerprint=ready.fingerprint if ready else label.fingerprint,
            since=ready.since if ready else folder.since(),
            control=ready.control if ready else None,
            detail="" if alive else "\n".join(filter(None, (how, folder.tail()))),
        )

    def _files(self, label: Label) -> Mapping[str, str]:
        return self._configure(
            label.spec,
            media_port=label.media_port,
            fingerprint=label.fingerprint,
            rest_user_file=REST_USER_FILE,
            token_file=TOKEN_FILE,
            cdn_port=label.cdn_port,
            recorders_file=RECORDERS_FILE,
            edges_file=EDGES_FILE,
            origin_file=ORIGIN_FILE,
        )

    def _launch(self, folder: Folder, spec: ServerSpec, mark: str, old: Label | None) -> None:
        others = [(one, label) for one, label in self._labelled() if label.spec.id != spec.id]
        taken = {port for _, label in others for port in origins.ports_of(label)}
        media, cdn = origins.choose_ports(self._media_ports, spec, taken=taken, old=old)
        label = Label(spec, mark, media, cdn)
        try:
            origins.find_origin(folder, spec, others)
            folder.put_away_crash()
            folder.stopped()
            folder.prepare(label, self._files(label))
            origins.tell_edges(folder, spec, others)
            process = pids.spawn(
                program.command(folder.path),
                program.environment(),
                folder.log,
            )
            folder.started(process)
        except OSError as error:
            raise _unusable(folder.path, error) from error
        self._ends.pop(spec.id, None)
        self._log.info("a media server is started", site=spec.site, server=spec.id, media=media)
        self._watch(process, spec)
        self._tasks.spawn(self._tell_ready(folder, spec), f"ready {spec.id}")

    async def _tell_ready(self, folder: Folder, spec: ServerSpec) -> None:
        """Tell the listeners when the server can be asked, which is what control waits for."""
        pause = 0.05
        try:
            async with asyncio.timeout(READY_S):
                while folder.process() is not None:
                    if folder.ready() is not None:
                        self._tell(spec.site)
                        return
                    await asyncio.sleep(pause)
                    pause = min(1.0, pause * 1.2)
        except TimeoutError:
            self._log.warning(
                "a media server does not become ready", site=spec.site, server=spec.id
            )

    async def _end(self, folder: Folder) -> None:
        process = folder.process()
        if process is None:
            return
        self._log.info("a media server is ended", server=folder.path.name)
        self._leaving.add(process)
        watch = self._watches.pop(process, None)
        if watch is not None:
            watch.close()
        try:
            await pids.end(process, grace_s=GRACE_S)
        except TimeoutError as error:
            raise GatewayError(
                ErrorKind.CONTAINER_FAILED,
                f"the media server {folder.path.name} (process {process.pid}) does not end",
                "look for a blocked disk or device; a restart of the machine ends it",
            ) from error
        finally:
            self._leaving.discard(process)
        folder.stopped()

    def _watch(self, process: pids.ProcessId, spec: ServerSpec) -> None:
        """Watch a process, whoever has started it."""
        if process in self._watches or process in self._leaving:
            return
        try:
            self._watches[process] = pids.Watch(
                process, lambda how: self._ended(process, spec, how)
            )
        except ProcessLookupError:
            self._ended(process, spec, "")
        except OSError as error:
            # It runs all the same, and the next look tries again.
            self._log.warning(
                "a media server cannot be watched", server=spec.id, reason=error.strerror
            )

    def _ended(self, process: pids.ProcessId, spec: ServerSpec, how: str) -> None:
        self._watches.pop(process, None)
        self._ends[spec.id] = how
        self._log.warning(
            "a media server has ended", site=spec.site, server=spec.id, how=how or "unknown"
        )
        self._tell(spec.site)

    def _tell(self, site: str) -> None:
        for queue in self._listeners:
            queue.put_nowait(site)


def _unusable(path: Path, error: OSError) -> GatewayError:
    return GatewayError(
        ErrorKind.CONTAINER_FAILED,
        f"a media server cannot be run in {path}: {error.strerror}",
        "check that the data folder is writable and not full",
    )
