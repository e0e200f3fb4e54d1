"""What befalls networks: the hurt building's camera and its viewer are behind wires of their own.

The gateway, the neighbour's camera and its viewers are in one network namespace, the hurt camera
in a second, and this process, with the one who watches it, in a third.
"""

import os
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from gateway.demo.building import DemoCamera
from gateway.model.text import LocalText
from tests.bench.guests import Guest, party
from tests.docker.lan import program
from tests.e2e.company import Company, Watcher, company_in
from tests.faults.fault import Fault
from tests.faults.scene import CALM, CAMERA, DOOR, HURT, Scene, pause, telling
from tests.faults.wire import Wire, wire
from tests.peers.engine import inside
from tests.waiting import until

_HOME: Final = "10.77.0.1"
_VIEWER: Final = "10.77.0.2"
_HOME_OF_CAMERAS: Final = "10.77.1.1"
_CAMERA: Final = "10.77.1.2"
_PORT: Final = 8090
_LASTS_S: Final = 8.0
_BAD: Final = 0.05
_LATE_S: Final = 0.15


class FarCompany(Company):
    """A company whose gateway is at the other end of a wire."""

    @property
    def url(self) -> str:
        return f"http://{_HOME}:{self.port}"


@dataclass(slots=True)
class Networks(Scene):
    """``lan`` is the wire to the hurt camera, ``uplink`` the one to its viewer."""

    lan: Wire
    uplink: Wire


def lacks() -> str:
    """Say why no namespaces can be made here."""
    if os.geteuid() != 0:
        return "needs root"
    if not Path("/dev/net/tun").exists():
        return "needs /dev/net/tun"
    return "" if shutil.which("ip") and shutil.which("nsenter") else "needs iproute2"


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, timeout=20)


@contextmanager
def _namespace(name: str) -> Iterator[str]:
    _ip("netns", "add", name)
    try:
        _ip("-n", name, "link", "set", "lo", "up")
        yield name
    finally:
        _ip("netns", "delete", name)


def _address(namespace: str, device: str, address: str) -> None:
    _ip("-n", namespace, "address", "add", f"{address}/24", "dev", device)
    _ip("-n", namespace, "link", "set", device, "up")


def _camera(host: str) -> DemoCamera:
    rtsp = f"rtsp://{host}:8600/stream"
    name = LocalText.of({"ru": "Подъезд", "en": "Entrance"})
    return DemoCamera(CAMERA, name, f"{rtsp}1", f"{rtsp}2", "")


@asynccontextmanager
async def networks(root: Path) -> AsyncIterator[Networks]:
    """Set the scene in three namespaces."""
    name = f"cg-{uuid.uuid4().hex[:6]}"
    async with AsyncExitStack() as stack:
        home, yard, street = (stack.enter_context(_namespace(f"{name}{end}")) for end in "hcv")
        lan = await stack.enter_async_context(wire(yard, "eth0", home, "lan0"))
        uplink = await stack.enter_async_context(wire(street, "eth0", home, "up0"))
        _address(yard, "eth0", _CAMERA)
        _address(home, "lan0", _HOME_OF_CAMERAS)
        _address(street, "eth0", _VIEWER)
        _address(home, "up0", _HOME)
        _ip("-n", home, "route", "add", "default", "via", _VIEWER)
        for place, host in ((yard, _CAMERA), (home, "127.0.0.1")):
            cameras = [sys.executable, "-m", "gateway", "demo-cameras", "--cameras", "1"]
            command = [*cameras, "--host", host, "--port", "8600"]
            stack.enter_context(program(place, command, root / f"cameras-{host}.log"))
        stack.enter_context(inside(street))
        company = await stack.enter_async_context(_far_company(root, home))
        yield await _played(stack, company, home, (lan, uplink))


@asynccontextmanager
async def _far_company(root: Path, home: str) -> AsyncIterator[Company]:
    async with company_in(
        root,
        kind=FarCompany,
        port=_PORT,
        listen=f"0.0.0.0:{_PORT}",
    ) as company:
        company.command = ("nsenter", f"--net=/run/netns/{home}", sys.executable, "-m", "gateway")
        company.write_site(HURT, [_camera(_CAMERA)])
        company.write_site(CALM, [_camera("127.0.0.1")])
        with telling(company):
            await company.begin()
            yield company


async def _played(
    stack: AsyncExitStack, company: Company, home: str, wires: tuple[Wire, Wire]
) -> Networks:
    for site in (HURT, CALM):
        await until(lambda: company.live(site), within=90)  # noqa: B023  # awaited in this very turn
    doors = await stack.enter_async_context(party(company.url))
    doors.crowd.host = _HOME
    with inside(home):
        neighbours = [Guest(doors, f"/whep/{CALM}/{CAMERA}", doors.peer()) for _ in range(2)]
    for guest in neighbours:
        await guest.come()
    viewer = await stack.enter_async_context(Watcher(company.url + DOOR))
    await viewer.more(20, within=60)
    hurt: Any = None  # the camera is a program of its own here
    return Networks(company, hurt, viewer, doors, neighbours, *wires)


async def _bad(scene: Networks, which: Wire, **passing: float) -> float:
    await which.is_(**passing)
    try:
        await pause(_LASTS_S)
    finally:
        await which.is_()
    return await scene.back(time.monotonic())


async def lan_is_cut(scene: Networks) -> float:
    """Cut the building's network off."""
    return await _bad(scene, scene.lan, cut=True)


async def lan_is_lossy(scene: Networks) -> float:
    """Lose packets of the building's network."""
    return await _bad(scene, scene.lan, loss=_BAD)


async def lan_is_late(scene: Networks) -> float:
    """Delay the packets of the building's network."""
    return await _bad(scene, scene.lan, delay=_LATE_S)


async def uplink_is_cut(scene: Networks) -> float:
    """Cut the viewer off."""
    return await _bad(scene, scene.uplink, cut=True)


async def uplink_is_lossy(scene: Networks) -> float:
    """Lose packets on the way to the viewer."""
    return await _bad(scene, scene.uplink, loss=_BAD)


async def uplink_is_late(scene: Networks) -> float:
    """Delay packets on the way to the viewer."""
    return await _bad(scene, scene.uplink, delay=_LATE_S)


FAULTS: Final = (
    Fault("lan-cut", "building's network cut for 8 s", "it is mended", lan_is_cut, 3),
    Fault("lan-loss", "building's network loses 5 % for 8 s", "it is well", lan_is_lossy, 3),
    Fault("lan-delay", "building's network 0.3 s slower for 8 s", "it is well", lan_is_late, 3),
    Fault("uplink-cut", "viewer's network cut for 8 s", "it is mended", uplink_is_cut),
    Fault("uplink-loss", "viewer's network loses 5 % for 8 s", "it is well", uplink_is_lossy, 3),
    Fault("uplink-delay", "viewer's network 0.3 s slower for 8 s", "it is well", uplink_is_late, 3),
)
