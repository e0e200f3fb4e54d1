"""Calls to a Docker Engine: in threads of their own, each with a deadline, none raising the SDK's.

The SDK blocks, so every call runs in this room's own thread pool; a pool that an engine has hung
does not keep anybody else waiting.
"""

import asyncio
import os
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

import docker
from docker.errors import APIError, DockerException, NotFound
from docker.utils import kwargs_from_env
from requests.exceptions import RequestException

from gateway.model.errors import ErrorKind, GatewayError

CALL_S: Final = 15.0
_SDK_S: Final = 60
_THREADS: Final = 8
_CONFLICT: Final = 409
_LONGEST: Final = 400
_LOCAL: Final = "unix:///var/run/docker.sock"
_UNIX: Final = "unix://"

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
    ("manifest unknown", "the registry has no such tag; correct media_servers.image"),
    ("pull access denied", "check the image's name, or sign in: docker login"),
)


def connector(url: str | None) -> Connect:
    """Return how to connect to ``url`` (unix, tcp, ssh), else to DOCKER_HOST or the local socket.

    TLS is taken from DOCKER_CERT_PATH and DOCKER_TLS_VERIFY, as the docker command does.
    """

    def connect() -> Any:
        arguments = kwargs_from_env()
        if url is not None:
            arguments["base_url"] = url
        _knock(str(arguments.get("base_url", _LOCAL)))
        ssh = str(arguments.get("base_url", "")).startswith("ssh://")
        return docker.APIClient(
            **arguments, version="auto", timeout=_SDK_S, num_pools=_THREADS, use_ssh_client=ssh
        )

    return connect


def _knock(url: str) -> None:
    """Raise OSError when nobody listens: the SDK would leave a socket open at every refusal."""
    if url.startswith(_UNIX):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect("/" + url.removeprefix(_UNIX).lstrip("/"))


def shown_url(url: str | None) -> str:
    """Return the engine's address for people."""
    return url or os.environ.get("DOCKER_HOST") or _LOCAL


class Engine:
    """One engine. The connection is made by the first call, and again after a failure."""

    def __init__(self, connect: Connect, *, where: str) -> None:
        self.where = where
        self._connect = connect
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="docker")
        self._lock = threading.Lock()
        self._client: Any = None
        self.calls = 0

    async def call(self, what: str, work: Callable[[Any], T], *, within_s: float = CALL_S) -> T:
        """Return what ``work`` returns for the SDK's client; ``what`` says it for people.

        Raises NOT_FOUND, CONFLICT and CONTAINER_FAILED for what the engine refuses,
        ENGINE_UNAVAILABLE when it does not answer.
        """
        self.calls += 1
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(within_s):
                return await loop.run_in_executor(self._pool, self._work, work)
        except TimeoutError as error:
            raise GatewayError(
                ErrorKind.ENGINE_UNAVAILABLE,
                f"the Docker Engine at {self.where} did not {what} within {within_s:g} s",
                "look at the machine's load and at the engine's log",
            ) from error
        except (DockerException, RequestException, OSError, ValueError) as error:
            raise translated(what, error, self.where) from error

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
    refused = "permission denied" in str(error).lower()
    return GatewayError(
        ErrorKind.ENGINE_UNAVAILABLE,
        f"the Docker Engine at {where} {'refuses this user' if refused else 'cannot be reached'}",
        "add the gateway's user to the group docker"
        if refused
        else "start it (systemctl start docker), or correct media_servers.engine",
    )


def _hint(said: str) -> str:
    lower = said.lower()
    return next((hint for text, hint in _HINTS if text in lower), "docker events and the log help")
