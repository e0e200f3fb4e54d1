"""The people and machines of a building's network, for tests on a private engine."""

import asyncio
import dataclasses
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from gateway.model.company import Network, NetworkDriver
from gateway.model.server import ServerObserved, ServerSpec, ServerState
from gateway.runtime.docker import names
from gateway.runtime.docker.engine import Connect
from gateway.runtime.docker.runtime import DockerOptions, DockerRuntime
from gateway.wcs.settings import embedded_container_files, wcs_files
from tests.peers.engine import IMAGE, ROOT, Engine, base_image, run_in
from tests.waiting import until

HOST = "192.168.23.5"
WCS = "stand-in-wcs:5.2.1"
"""The image of :func:`make_wcs`."""

STAFF = "a staff token of a test"
VIEWER = "192.168.23.10"
CAMERAS = "192.168.23.11"
BLOCKED = "192.168.23.12"
MACVLAN = Network(
    driver=NetworkDriver.MACVLAN,
    parent="lan0",
    subnet="192.168.23.0/24",
    gateway="192.168.23.1",
    ip_range="192.168.23.96/27",
)
MACVLAN_WIDE = dataclasses.replace(MACVLAN, ip_range="192.168.23.128/25")
"""Room for more than a hundred buildings."""

_SCAN = """
import errno, resource, select, socket, sys, time
limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
host, first, last = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
most = min(16_000, limit - 50)
found = []
for start in range(first, last + 1, most):
    asked, poll = {}, select.epoll()
    for port in range(start, min(start + most, last + 1)):
        sock = socket.socket()
        sock.setblocking(False)
        if sock.connect_ex((host, port)) != errno.EINPROGRESS:
            sys.exit(f"{host}:{port} cannot be asked")
        asked[sock.fileno()] = (port, sock)
        poll.register(sock, select.EPOLLOUT)
    # The kernel asks a second time after a second; how busy Python is does not count.
    silent_from = time.monotonic() + 2
    while asked and time.monotonic() < silent_from:
        for number, _ in poll.poll(0.2, most):
            port, sock = asked.pop(number)
            refused = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            found.append(-port if refused else port)
            poll.unregister(number)
            sock.close()
print(sorted(found))
"""
_SCAN_UDP = """
import socket, sys, time
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for port in range(1, 65_536):
    sock.sendto(b"?", (sys.argv[1], port))
    if port % 200 == 0:
        time.sleep(0.005)  # a pause, so that no queue on the way overflows
"""


def runtime(
    engine: Engine,
    folder: Path,
    *,
    network: Network = MACVLAN,
    connect: Connect | None = None,
    **more: Any,
) -> DockerRuntime:
    options: dict[str, Any] = {"media_ports": (31001, 31100), "max_viewers": 10, **more}
    return DockerRuntime(
        DockerOptions(
            data_dir=folder / "data",
            network=network,
            embedded=embedded_container_files,
            wcs=wcs_files,
            engine=engine.url,
            **options,
        ),
        connect,
    )


def spec(server_id: str, **more: Any) -> ServerSpec:
    return ServerSpec(**{"id": server_id, "site": server_id, "image": IMAGE, **more})


def make_wcs(engine: Engine) -> None:
    """Build what stands in for the vendor's image; unchanged layers are kept."""
    with closing(engine.client()) as client:
        folder = str(Path(__file__).parent / "wcs")
        arguments = {"BASE": base_image()}
        lines = list(client.build(path=folder, tag=WCS, rm=True, decode=True, buildargs=arguments))
        assert client.inspect_image(WCS), lines


async def running(one: DockerRuntime, server_id: str, *, within: float = 20) -> ServerObserved:
    """Wait until a server can be asked."""

    async def look() -> ServerObserved | None:
        server = await observed(one, server_id)
        if server and server.state is ServerState.RUNNING and server.control:
            return server
        return None

    return await until(look, within=within)


async def observed(one: DockerRuntime, server_id: str) -> ServerObserved | None:
    return next((server for server in await one.observe() if server.id == server_id), None)


def scan(engine: Engine, host: str, address: str, first: int, last: int) -> list[int]:
    """Return the TCP ports that answer a host of the LAN; a refusal counts as minus the port."""
    text = run_in(
        engine.host(host), [sys.executable, "-c", _SCAN, address, str(first), str(last)], within=150
    )
    return [int(port) for port in json.loads(text)]


def scan_udp(engine: Engine, host: str, server_id: str, address: str) -> dict[str, int]:
    """Send a datagram to every port of a container; return what its filter let in.

    Nobody answers a datagram that is dropped, nor one that is let in and not understood, so the
    filter itself is asked: each of its rules for UDP, and how many packets it let in meanwhile.
    """
    before = _let_in(engine, server_id)
    run_in(engine.host(host), [sys.executable, "-c", _SCAN_UDP, address], within=60)
    after = _let_in(engine, server_id)
    return {rule: count - before[rule] for rule, count in after.items()}


def _let_in(engine: Engine, server_id: str) -> dict[str, int]:
    with closing(engine.client()) as client:
        pid = client.inspect_container(names.container(server_id))["State"]["Pid"]
    for tool in ("iptables-nft", "iptables-legacy"):
        command = ["nsenter", "-t", str(pid), "--net", tool, "-nvxL", "INPUT"]
        said = subprocess.run(command, check=False, capture_output=True, text=True, timeout=20)
        if "policy DROP" in said.stdout:
            break
    else:
        raise AssertionError(f"{server_id} has no packet filter: {said.stdout}{said.stderr}")
    rows = [line.split() for line in said.stdout.splitlines() if " ACCEPT " in line]
    return {" ".join(row[9:]): int(row[0]) for row in rows if row[3] in ("udp", "17")}


def reaches(namespace: str, url: str) -> bool:
    """Tell whether a namespace's HTTP request is answered, with whatever status."""
    code = (
        "import sys, urllib.request, urllib.error\n"
        "try: urllib.request.urlopen(sys.argv[1], timeout=2)\n"
        "except urllib.error.HTTPError: pass\n"
        "except OSError: sys.exit(1)\n"
    )
    command = ["nsenter", f"--net=/run/netns/{namespace}", sys.executable, "-c", code, url]
    return subprocess.run(command, check=False, timeout=20).returncode == 0


@contextmanager
def program(namespace: str, command: Sequence[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program on a host for as long as the context lasts."""
    with log.open("ab") as out:
        process = subprocess.Popen(
            ["nsenter", f"--net=/run/netns/{namespace}", *command],
            stdout=out,
            stderr=out,
            cwd=ROOT,
            env={**os.environ, "STAFF": STAFF},
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)


class Viewer:
    """Somebody in the LAN who watches; what he has seen so far."""

    def __init__(self, log: Path) -> None:
        self._log = log

    @property
    def seen(self) -> dict[str, Any]:
        """What he last reported: ``frames``, ``lost``, longest ``gap`` (s), ``state``, ``from``.

        The last is the server's address and port.
        """
        try:
            lines = self._log.read_text().splitlines()
        except OSError:
            return {}
        reports = [line for line in lines if line.startswith('{"frames"')]
        return json.loads(reports[-1]) if reports else {}

    async def more(self, frames: int = 25, *, within: float = 30) -> None:
        wanted = self.seen.get("frames", 0) + frames
        await until(lambda: self.seen.get("frames", 0) >= wanted, within=within, every=0.1)


@contextmanager
def watching(engine: Engine, url: str, log: Path) -> Iterator[Viewer]:
    command = [sys.executable, "-m", "tests.docker.viewer", url]
    with program(engine.host("v"), command, log):
        yield Viewer(log)


async def killed(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    process.send_signal(number)
    await asyncio.to_thread(process.wait, 20)
