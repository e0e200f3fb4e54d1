"""The way to an engine on another machine, and to its media servers' control ports: OpenSSH.

One ``ssh`` process per engine carries both: the engine's socket there appears as a socket here,
and each control port of the management network, which never leaves that machine, as a port of the
loopback address here. OpenSSH rather than a library: administrators know its keys, its
``known_hosts`` and its configuration (jump hosts among them), and its encryption is kept up to date
by the system. It asks nobody anything, takes no host that it does not know, and ends with us.
"""

import asyncio
import contextlib
import shutil
import socket
import tempfile
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import structlog

from gateway.model.errors import ErrorKind, GatewayError

_CONNECT_S: Final = 8
_OPEN_S: Final = 12.0
_COMMAND_S: Final = 5.0
_LOOK_S: Final = 0.05
_TRIES: Final = 5
_SOCKET: Final = "/var/run/docker.sock"
_OPTIONS: Final = (
    "BatchMode=yes",
    "StrictHostKeyChecking=yes",
    f"ConnectTimeout={_CONNECT_S}",
    "ServerAliveInterval=5",
    "ServerAliveCountMax=3",
    "ExitOnForwardFailure=yes",
    "StreamLocalBindUnlink=yes",
    "StreamLocalBindMask=0177",
    "ControlMaster=yes",
    "ControlPersist=no",
    "ForwardAgent=no",
    "ForwardX11=no",
    "PermitLocalCommand=no",
    "LogLevel=ERROR",
)
_HINTS: Final = (
    (
        "host key",
        "write the key that the machine itself shows into known_hosts (ssh-keyscan prints it)",
    ),
    ("permission denied", "add the public key to the user's authorized_keys there"),
    ("bad permissions", "chmod 600 the file of ssh_key"),
    ("unprotected private key", "chmod 600 the file of ssh_key"),
    ("not known", "correct the host's name"),
    ("refused", "check the host and the port, and that sshd runs there"),
    ("timed out", "check the machine and the network on the way"),
)

Target = tuple[str, int]
"""A host and a port, as the other machine sees them."""


@dataclass(frozen=True, slots=True)
class SshWay:
    """An ``ssh://user@host:port/path`` address, with the files that it takes.

    The path is that of the engine's socket there; ``engine`` false leaves the socket alone.
    """

    url: str
    key: Path | None = None
    known_hosts: Path | None = None
    engine: bool = True

    def arguments(self) -> list[str]:
        """Return what says to whom and as whom."""
        parts = urlsplit(self.url)
        given = ["-p", str(parts.port)] if parts.port else []
        if self.key is not None:
            given += ["-i", str(self.key), "-o", "IdentitiesOnly=yes"]
        if self.known_hosts is not None:
            given += ["-o", f"UserKnownHostsFile={_quoted(self.known_hosts)}"]
            given += ["-o", "GlobalKnownHostsFile=/dev/null"]
        user = f"{parts.username}@" if parts.username else ""
        return [*given, "--", f"{user}{parts.hostname}"]

    @property
    def socket(self) -> str:
        """The path of the engine's socket on the other machine."""
        path = urlsplit(self.url).path
        return path if path.strip("/") else _SOCKET


class Tunnel:
    """One ``ssh``, started when first needed and again when it has ended."""

    def __init__(self, way: SshWay) -> None:
        self._way = way
        # Not in the data folder: the path of a socket must be short.
        self._folder = Path(tempfile.mkdtemp(prefix="camera-gateway-ssh-"))
        self._lock = asyncio.Lock()
        self._process: Process | None = None
        self._ports: dict[Target, int] = {}

    @property
    def socket(self) -> Path:
        """Where the engine's socket is here while the tunnel is open."""
        return self._folder / "engine"

    @property
    def pid(self) -> int | None:
        """The process that carries it, while it stands."""
        return self._process.pid if self._process is not None and self._stands() else None

    async def open(self) -> None:
        """See to it that the tunnel stands; raises ENGINE_UNAVAILABLE."""
        async with self._lock:
            await self._open()

    async def reach(self, target: Target) -> Target:
        """Return where ``target`` can be reached here; raises ENGINE_UNAVAILABLE."""
        async with self._lock:
            await self._open()
            if target not in self._ports:
                await self._forward(target, _free_port())
            return "127.0.0.1", self._ports[target]

    async def keep(self, targets: Collection[Target]) -> None:
        """Let go of the ports of all other targets."""
        async with self._lock:
            for target in self._ports.keys() - set(targets):
                port = self._ports.pop(target)
                if self._stands():
                    await self._command("cancel", target, port)

    async def close(self) -> None:
        """End ``ssh`` and everything that it carries."""
        async with self._lock:
            await self._end()
            shutil.rmtree(self._folder, ignore_errors=True)

    def _stands(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def _open(self) -> None:
        if self._stands():
            return
        await self._end()
        try:
            async with asyncio.timeout(_OPEN_S):
                await self._start()
        except TimeoutError:
            await self._end()
            raise self._failure(f"timed out after {_OPEN_S:g} s") from None
        except BaseException:
            await self._end()
            raise
        structlog.get_logger("runtime").info("a tunnel is open", to=self._way.url)
        ports, self._ports = self._ports, {}
        for target, port in ports.items():  # who knows a port here goes on using it
            await self._forward(target, port)

    async def _start(self) -> None:
        log = self._folder / "log"
        with log.open("wb") as said:
            try:
                self._process = await asyncio.create_subprocess_exec(
                    *self._command_line(),
                    stdin=DEVNULL,
                    stdout=DEVNULL,
                    stderr=said,
                    start_new_session=True,
                )
            except OSError as error:
                raise self._failure(f"ssh cannot be started: {error.strerror}") from error
        while not self._ready():
            if not self._stands():
                raise self._failure(log.read_text("utf-8", "replace"))
            await asyncio.sleep(_LOOK_S)

    def _command_line(self) -> Sequence[str]:
        tied = shutil.which("setpriv")
        # No ssh outlives a gateway that is killed: the kernel ends it.
        line = [tied, "--pdeathsig", "TERM"] if tied else []
        line += ["ssh", "-N", "-T", "-S", str(self._folder / "control")]
        for option in _OPTIONS:
            line += ["-o", option]
        if self._way.engine:
            line += ["-L", f"{self.socket}:{self._way.socket}"]
        return [*line, *self._way.arguments()]

    def _ready(self) -> bool:
        wanted = [self._folder / "control", *([self.socket] if self._way.engine else [])]
        return all(path.exists() for path in wanted)

    async def _forward(self, target: Target, port: int) -> None:
        for _ in range(_TRIES):
            if await self._command("forward", target, port):
                self._ports[target] = port
                return
            port = _free_port()  # somebody was quicker
        raise self._failure("sshd there allows no port forwarding (AllowTcpForwarding)")

    async def _command(self, what: str, target: Target, port: int) -> bool:
        """Tell the standing ``ssh`` to begin or end a forwarding; tell whether it did."""
        spec = f"127.0.0.1:{port}:{target[0]}:{target[1]}"
        line = ["ssh", "-S", str(self._folder / "control"), "-O", what, "-L", spec, "--", "engine"]
        process = await asyncio.create_subprocess_exec(
            *line, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL
        )
        try:
            async with asyncio.timeout(_COMMAND_S):
                return await process.wait() == 0
        except BaseException as error:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            if isinstance(error, TimeoutError):
                return False
            raise

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            try:
                async with asyncio.timeout(_COMMAND_S):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()
        for name in ("control", "engine"):
            (self._folder / name).unlink(missing_ok=True)

    def _failure(self, said: str) -> GatewayError:
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        lower = said.lower()
        return GatewayError(
            ErrorKind.ENGINE_UNAVAILABLE,
            f"there is no way to {self._way.url}: {(lines or ['ssh has ended'])[-1][:200]}",
            next(
                (hint for text, hint in _HINTS if text in lower), "try by hand: ssh, as this user"
            ),
        )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _quoted(path: Path) -> str:
    """Write a path as the value of an option: ssh splits at blanks, and expands what has a %."""
    return '"{}"'.format(str(path).replace("%", "%%"))
