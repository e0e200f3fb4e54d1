"""Calls to a Docker Engine: in threads of their own, each with a deadline, none raising the SDK's.

The SDK blocks, so every call runs in this room's own thread pool; a pool that an engine has hung
does not keep anybody else waiting.
"""

import asyncio
import os
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import docker
from docker.errors import APIError, DockerException, NotFound
from docker.tls import TLSConfig
from docker.utils import kwargs_from_env
from requests.exceptions import RequestException

from gateway.model.errors import ErrorKind, GatewayError
from gateway.runtime.docker.tunnel import Tunnel

CALL_S: Final = 15.0
_SDK_S: Final = 60
_THREADS: Final = 12
_CONFLICT: Final = 409
_LONGEST: Final = 400
_LOCAL: Final = "unix:///var/run/docker.sock"
_UNIX: Final = "unix://"
_KNOCK_S: Final = 5.0
_TCP_PORT: Final = 2376

Connect = Callable[[], Any]
"""Returns a new ``docker.APIClient``, or what behaves like one."""

T = TypeVar("T")

_HINTS: Final = (
    ("ipvlan port", "this kernel has no ipvlan: write driver: macvlan, or use another kernel"),
    ("macvlan port", "this kernel has no macvlan: write driver: bridge, or use another kernel"),
    ("address already in use", "something else has this address or port; gateway doctor says more"),
    ("port is already allocated", "another container has this port; change media_ports"),
    ("invalid subinterface", "check media_servers.network.parent: ip link shows the interfaces"),
    ("parent interface", "check media_servers.network.parent: ip link shows the interfaces"),
    ("no such device", "check media_servers.network.parent: ip link shows the interfaces"),
    ("pool overlaps", "another network of the engine has these addresses: docker network ls"),
    ("no space left", "free some space: docker system df"),
    (
        "not a swarm manager",
        "run docker swarm init on this machine, or lead media_servers.engine to a manager",
    ),
    ("manifest unknown", "the registry has no such tag; correct media_servers.image"),
    ("pull access denied", "check the image's name, or sign in: docker login"),
)
_UNREACHED: Final = (
    ("permission denied", "refuses this user", "add the gateway's user to the group docker"),
    (
        "certificate verify failed",
        "shows a certificate that ca: does not vouch for",
        "check ca:, and that the certificate there names the host as the address does",
    ),
    # A refused certificate is an alert, or a connection that ends in the middle of the greeting.
    *(
        (
            sign,
            "does not take the gateway's certificate",
            "check cert: and key:, and the --tlscacert that dockerd was started with",
        )
        for sign in ("alert", "eof occurred")
    ),
    ("http request to an https", "wants TLS", "write ca:, cert: and key: for it"),
    ("ssl", "fails at TLS", "check ca:, cert: and key:, and that TLS is spoken there"),
)


@dataclass(frozen=True, slots=True)
class Tls:
    """The files for an engine that is reached by TLS; both sides prove who they are."""

    ca: Path
    cert: Path
    key: Path


class _Client(docker.APIClient):  # type: ignore[misc]  # the SDK has no types
    """The SDK's client, blind to variables for other programs.

    REQUESTS_CA_BUNDLE would take the place of ca:, and HTTPS_PROXY would be sent our calls.
    """

    def _retrieve_server_version(self) -> str:
        # The first thing that a client asks, from its constructor.
        self.trust_env = False
        return str(super()._retrieve_server_version())


def connector(url: str | None, tls: Tls | None = None) -> Connect:
    """Return how to connect to ``url`` (unix, tcp), else to DOCKER_HOST or the local socket.

    Without a ``url``, TLS is taken from DOCKER_CERT_PATH and DOCKER_TLS_VERIFY, as the docker
    command does.
    """

    def connect() -> Any:
        arguments = kwargs_from_env() if url is None else {"base_url": url}
        _knock(str(arguments.get("base_url", _LOCAL)))
        if tls is not None:
            arguments["tls"] = TLSConfig(
                client_cert=(str(tls.cert), str(tls.key)), ca_cert=str(tls.ca), verify=True
            )
        return _Client(**arguments, version="auto", timeout=_SDK_S, num_pools=_THREADS)

    return connect


def _knock(url: str) -> None:
    """Raise OSError when nobody listens: the SDK would leave a socket open at every refusal.

    And it would wait for a minute for a machine that is off.
    """
    if url.startswith(_UNIX):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(_KNOCK_S)
            sock.connect("/" + url.removeprefix(_UNIX).lstrip("/"))
    elif url.startswith(("tcp://", "http://", "https://")):
        parts = urlsplit(url)
        socket.create_connection(
            (parts.hostname or "", parts.port or _TCP_PORT), timeout=_KNOCK_S
        ).close()


def shown_url(url: str | None) -> str:
    """Return the engine's address for people."""
    return url or os.environ.get("DOCKER_HOST") or _LOCAL


class Engine:
    """One engine. The connection is made by the first call, and again after a failure.

    It goes through ``tunnel`` if there is one, and :meth:`close` ends both.
    """

    def __init__(self, connect: Connect, *, where: str, tunnel: Tunnel | None = None) -> None:
        self.where = where
        self.tunnel = tunnel
        self._connect = connect
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="docker")
        self._lock = threading.Lock()
        self._client: Any = None
        self.calls = 0
        self.heard = float("-inf")
        """When a call was last answered (monotonic)."""

    async def call(self, what: str, work: Callable[[Any], T], *, within_s: float = CALL_S) -> T:
        """Return what ``work`` returns for the SDK's client; ``what`` says it for people.

        Raises NOT_FOUND, CONFLICT and CONTAINER_FAILED for what the engine refuses,
        ENGINE_UNAVAILABLE when it does not answer.
        """
        if self.tunnel is not None:
            await self.tunnel.open()
        self.calls += 1
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(within_s):
                answer = await loop.run_in_executor(self._pool, self._work, work)
        except TimeoutError as error:
            raise GatewayError(
                ErrorKind.ENGINE_UNAVAILABLE,
                f"the Docker Engine at {self.where} did not {what} within {within_s:g} s",
                "look at the machine's load and at the engine's log",
            ) from error
        except (DockerException, RequestException, OSError, ValueError) as error:
            raise translated(what, error, self.where) from error
        except RuntimeError as error:  # the threads have been let go of meanwhile
            raise translated(what, error, self.where) from error
        self.heard = time.monotonic()
        return answer

    async def attempt(
        self, what: str, work: Callable[[Any], T], *, within_s: float = CALL_S
    ) -> T | None:
        """Do the same as :meth:`call`, with ``None`` for what the engine does not have."""
        try:
            return await self.call(what, work, within_s=within_s)
        except GatewayError as error:
            if error.kind is ErrorKind.NOT_FOUND:
                return None
            raise

    def connect(self) -> Any:
        """Return a new client for a thread that waits long (events); blocks."""
        return self._connect()

    async def close(self) -> None:
        """Let go of the threads and the connection."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        client, self._client = self._client, None
        if client is not None:
            await asyncio.to_thread(client.close)
        if self.tunnel is not None:
            await self.tunnel.close()

    def _work(self, work: Callable[[Any], T]) -> T:
        with self._lock:
            if self._client is None:
                self._client = self._connect()
            client = self._client
        try:
            return work(client)
        except RequestException:
            # The engine has gone: the next call begins with a connection of its own.
            with self._lock:
                if self._client is client:
                    self._client = None
            client.close()
            raise


def translated(what: str, error: Exception, where: str) -> GatewayError:
    """Return the SDK's error in the gateway's words."""
    if isinstance(error, APIError):
        said = str(error.explanation or error)[:_LONGEST].strip()
        kind = ErrorKind.CONTAINER_FAILED
        if isinstance(error, NotFound):
            kind = ErrorKind.NOT_FOUND
        elif error.status_code == _CONFLICT:
            kind = ErrorKind.CONFLICT
        return GatewayError(kind, f"the Docker Engine could not {what}: {said}", _hint(said))
    lower = str(error).lower()
    how, hint = next(
        (words for text, *words in _UNREACHED if text in lower),
        ("cannot be reached", "start it (systemctl start docker), or correct its address"),
    )
    return GatewayError(ErrorKind.ENGINE_UNAVAILABLE, f"the Docker Engine at {where} {how}", hint)


def _hint(said: str) -> str:
    lower = said.lower()
    return next((hint for text, hint in _HINTS if text in lower), "docker events and the log help")
