"""What befalls a Docker Engine: the hurt building lives on one, its neighbour on another.

The viewers stand in the buildings' LAN, a network namespace, and so does this process. The hurt
engine keeps its images and containers in memory, so that its disk can be filled.
"""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from gateway.runtime.docker import names
from tests.bench.guests import Guest, Party, party
from tests.docker import lan
from tests.docker.company import MACVLAN, PORT, URL, Company
from tests.e2e.company import Watcher
from tests.faults.fault import Fault
from tests.faults.gateways import unnoticed
from tests.faults.machine import CALM_S, filled
from tests.faults.scene import CALM, HURT, pause
from tests.peers import engine as peer
from tests.peers.engine import IMAGE, Engine
from tests.peers.sshd import ssh_server
from tests.waiting import until

_NORTH: Final = "192.168.23.6"
_SSH_PORT: Final = 2222
_DISK: Final = "size=3g"
_HANGS_S: Final = 8.0
_FULL_S: Final = 5.0


def lacks() -> str:
    """Say why no engine can be started here."""
    if os.geteuid() != 0:
        return "needs root"
    missing = [
        name
        for name in ("dockerd", "debootstrap", "nsenter", "ssh", "sshd")
        if not shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    ]
    return f"needs {', '.join(missing)}" if missing else ""


@dataclass(slots=True)
class Engines:
    """``engine`` runs the hurt building; ``viewer`` and ``neighbours`` as in a scene."""

    engine: Engine
    company: Company
    viewer: Watcher
    party: Party
    neighbours: list[Guest]

    async def back(self, since: float) -> float:
        """Return the seconds from ``since`` until five more pictures are decoded."""
        await self.viewer.more(5, within=120)
        return time.monotonic() - since

    async def newcomer(self, since: float) -> float:
        """Return the seconds from ``since`` until somebody new sees pictures."""
        async with Watcher(self.company.whep(HURT)) as somebody:
            await somebody.more(5, within=60)
        return time.monotonic() - since

    async def live(self) -> bool:
        """Tell whether the gateway says that the hurt building plays."""
        told: dict[str, Any] = await self.party.ask(f"/api/v1/sites/{HURT}")
        return [camera["state"] for camera in told.get("cameras", ())] == ["live"]

    async def well(self) -> None:
        """Wait until the hurt building plays steadily."""
        await self.viewer.more(10, within=60)

    def forget(self) -> None:
        """Begin to count at the neighbours."""
        for guest in self.neighbours:
            guest.peer.reset()

    async def missed(self) -> int:
        """Return how many packets the neighbours have missed."""
        await pause(0.5)
        assert all(guest.peer.count for guest in self.neighbours), "a neighbour got nothing at all"
        return sum(max(0, guest.peer.expected - guest.peer.count) for guest in self.neighbours)


@contextmanager
def _engine_in_memory() -> Iterator[Engine]:
    name = f"cg-{uuid.uuid4().hex[:6]}"
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-"))
    data = folder / "data"
    data.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", _DISK, "tmpfs", str(data)], check=True)
    one = Engine(name, folder, data)
    try:
        one._namespace(name)
        one.start()
        peer.make_images(one)
        yield one
    finally:
        peer._end(one)


@asynccontextmanager
async def engines(root: Path) -> AsyncIterator[Engines]:
    """Set the scene on two engines in one LAN."""
    async with AsyncExitStack() as stack:
        one = stack.enter_context(_engine_in_memory())
        one.lan(
            "lan0",
            ("v", f"{lan.VIEWER}/24"),
            ("c", f"{lan.CAMERAS}/24"),
            host_address=f"{lan.HOST}/24",
        )
        north = stack.enter_context(peer.engine(images=False))
        peer.copy_image(one, north)
        north.join(one, "lan0", f"{_NORTH}/24")
        ssh = stack.enter_context(ssh_server(_NORTH, _SSH_PORT, north.name))
        cameras = [sys.executable, "-m", "gateway", "demo-cameras", "--cameras", "2"]
        stack.enter_context(
            lan.program(
                one.host("c"),
                [*cameras, "--host", lan.CAMERAS, "--port", "8600"],
                root / "cameras.log",
            )
        )
        company = Company(one, root)
        company._write("gateway", _settings(one, root, _by_ssh(north, ssh)))
        company.write(HURT, 0)
        company.write(CALM, 1, media_server={"engine": "north"})
        stack.callback(company.end)
        stack.enter_context(peer.inside(one.host("v")))
        company.begin()
        for site in (HURT, CALM):
            await company.live(site, within=120)
        doors = await stack.enter_async_context(party(URL))
        doors.crowd.host = lan.VIEWER
        neighbours = await doors.come(f"/whep/{CALM}/door", 2)
        viewer = await stack.enter_async_context(Watcher(company.whep(HURT)))
        await viewer.more(20, within=60)
        yield Engines(one, company, viewer, doors, neighbours)


def _by_ssh(north: Engine, ssh: Any) -> dict[str, Any]:
    return {
        "name": "north",
        "url": f"ssh://{ssh.where}{north.folder}/docker.sock",
        "ssh_key": {"file": str(ssh.key)},
        "known_hosts": str(ssh.known_hosts),
        "network": {**MACVLAN, "ip_range": "192.168.23.160/27"},
    }


def _settings(one: Engine, root: Path, north: dict[str, Any]) -> dict[str, Any]:
    return {
        "listen": f"0.0.0.0:{PORT}",
        "data_dir": str(root / "data"),
        "media_servers": {
            "runtime": "docker",
            "image": IMAGE,
            "engine": one.url,
            "engines": [north],
            "network": MACVLAN,
            "limits": {"memory": "512m"},
        },
    }


def _kill_container(scene: Engines) -> None:
    with closing(scene.engine.client()) as client:
        client.kill(names.container(HURT), "SIGKILL")


async def _begun(engine: Engine) -> float:
    """Start the engine; return when it answers. The viewers here do not wait for it."""
    engine.launch()
    await until(lambda: asyncio.to_thread(engine.answers), within=60)
    return time.monotonic()


async def container_is_killed(scene: Engines) -> float:
    """Kill -9 the building's container."""
    since = time.monotonic()
    await asyncio.to_thread(_kill_container, scene)
    await pause(0.5)  # what was sent before still arrives
    return await scene.back(since)


async def gateway_is_killed(scene: Engines) -> float:
    """Kill -9 the gateway and start it again: nobody notices, containers stay."""
    async with unnoticed(scene):
        assert scene.company.process is not None
        await lan.killed(scene.company.process, signal.SIGKILL)
        await scene.viewer.more(20)
        scene.company.begin()
        await until(scene.live, within=60, every=0.1)
        ready = time.monotonic()
    return await scene.newcomer(ready)


async def engine_restarts(scene: Engines) -> float:
    """End the engine, and with it its containers, and start it again."""
    await asyncio.to_thread(scene.engine.stop, signal.SIGTERM)
    await pause(2)
    return await scene.back(await _begun(scene.engine))


async def engine_is_killed(scene: Engines) -> float:
    """Kill -9 the engine: what becomes of its containers is the engine's own business."""
    await asyncio.to_thread(scene.engine.stop, signal.SIGKILL)
    await pause(2)
    ready = await _begun(scene.engine)
    return max(await scene.back(ready), await scene.newcomer(ready))


async def engine_hangs(scene: Engines) -> float:
    """Stop the engine's process for a while (SIGSTOP): containers play on, newcomers are served."""
    process = scene.engine.process
    assert process is not None
    async with unnoticed(scene):
        process.send_signal(signal.SIGSTOP)
        try:
            await pause(_HANGS_S)
            return await scene.newcomer(time.monotonic())
        finally:
            process.send_signal(signal.SIGCONT)


async def disk_is_full(scene: Engines) -> float:
    """Fill the engine's disk, kill the container meanwhile, and make room."""
    async with filled(scene.engine.data):
        await asyncio.to_thread(_kill_container, scene)
        await pause(_FULL_S)
    seconds = await scene.back(time.monotonic())
    await pause(CALM_S)
    return seconds


FAULTS: Final = (
    Fault("container-kill", "container killed (-9)", "the kill", container_is_killed, 3),
    Fault(
        "docker-gateway-kill",
        "gateway of containers killed (-9); a newcomer",
        "it is ready again",
        gateway_is_killed,
        3,
    ),
    Fault(
        "engine-restart", "engine restarted, with its containers", "it answers", engine_restarts, 10
    ),
    Fault("engine-kill", "engine killed (-9)", "it answers", engine_is_killed, 10),
    Fault(
        "engine-hang",
        "engine frozen for 8 s; a newcomer meanwhile",
        "the newcomer",
        engine_hangs,
        3,
    ),
    Fault(
        "engine-disk",
        "container killed (-9) while the engine's disk is full",
        "there is room again",
        disk_is_full,
    ),
)
