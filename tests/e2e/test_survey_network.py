"""Surveys in a building's network of namespaces: cameras near, behind a router, without UDP."""

import asyncio
import contextlib
import json
import os
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.peers.onvif_device import PASSWORD

NEAR, FAR, SILENT = "10.77.1.2", "10.77.2.2", "10.77.2.3"
SITE = """\
name: House
discovery:
  subnets: [10.77.1.0/28, 10.77.2.0/28]
  interface: {interface}
  credentials: [{{username: viewer, password: {{env: CAMERAS}}}}]
cameras:
  - {{id: far, name: Far, onvif: 10.77.2.9}}
"""
# A camera whose network lets no WS-Discovery through: ONVIF answers on a usual port, no more.
QUIET = """
import asyncio, sys
from tests.peers.onvif_device import OnvifCamera, Quirks
async def main():
    camera = OnvifCamera(Quirks(mac="02:00:00:00:00:77"), host=sys.argv[1])
    camera.port = 8899
    async with camera:
        print("ready", flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
asyncio.run(main())
"""


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=20)


def possible() -> bool:
    """Tell whether we may make network namespaces."""
    name = f"cg-{secrets.token_hex(3)}"
    try:
        ip("netns", "add", name)
        ip("netns", "del", name)
    except (OSError, subprocess.SubprocessError):
        return False
    return True


pytestmark = [
    pytest.mark.netns,
    pytest.mark.slow,
    pytest.mark.timeout(120),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root may make network namespaces"),
]


@dataclass
class Network:
    """A gateway, a camera beside it, and a router with two cameras behind it."""

    tag: str = field(default_factory=lambda: secrets.token_hex(3))

    def name(self, who: str) -> str:
        return f"cg-{self.tag}-{who}"

    def inside(self, who: str, *words: str) -> list[str]:
        """Return a command that runs in somebody's namespace."""
        return ["nsenter", f"--net=/run/netns/{self.name(who)}", *words]

    def build(self) -> None:
        for who in ("gw", "near", "far", "router"):
            ip("netns", "add", self.name(who))
            self._do(who, "ip", "link", "set", "lo", "up")
        self._do("router", "ip", "link", "add", "br0", "type", "bridge")
        for who, inner in (("gw", "eth0"), ("near", "eth0"), ("far", "eth0")):
            ip("link", "add", f"to-{who}", "netns", self.name("router"), "type", "veth",
               "peer", "name", inner, "netns", self.name(who))  # fmt: skip
            self._do("router", "ip", "link", "set", f"to-{who}", "up")
            self._do(who, "ip", "link", "set", inner, "up")
        for who in ("gw", "near"):
            self._do("router", "ip", "link", "set", f"to-{who}", "master", "br0")
        self._do("router", "ip", "link", "set", "br0", "up")
        self._do("router", "ip", "addr", "add", "10.77.1.1/24", "dev", "br0")
        self._do("router", "ip", "addr", "add", "10.77.2.1/24", "dev", "to-far")
        self._do("router", "sysctl", "-q", "-w", "net.ipv4.ip_forward=1")
        self._do("gw", "ip", "addr", "add", "10.77.1.10/24", "dev", "eth0")
        self._do("near", "ip", "addr", "add", f"{NEAR}/24", "dev", "eth0")
        self._do("far", "ip", "addr", "add", f"{FAR}/24", "dev", "eth0")
        self._do("far", "ip", "addr", "add", f"{SILENT}/24", "dev", "eth0")
        for who, router in (("gw", "10.77.1.1"), ("near", "10.77.1.1"), ("far", "10.77.2.1")):
            self._do(who, "ip", "route", "add", "default", "via", router)

    def tear_down(self) -> None:
        for who in ("gw", "near", "far", "router"):
            with contextlib.suppress(subprocess.SubprocessError):
                ip("netns", "del", self.name(who))

    def _do(self, who: str, *words: str) -> None:
        subprocess.run(self.inside(who, *words), check=True, capture_output=True, timeout=20)


@pytest.fixture
def network() -> Iterator[Network]:
    if not possible():
        pytest.skip("network namespaces cannot be made here")
    made = Network()
    try:
        made.build()
        yield made
    finally:
        made.tear_down()


@contextlib.asynccontextmanager
async def running(*words: str, ready: bytes) -> AsyncIterator[None]:
    """Run a process until the end of the block; it is ready when it prints ``ready``."""
    process = await asyncio.create_subprocess_exec(
        *words,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, "CAMERAS": PASSWORD},
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            while ready not in await process.stdout.readline():
                assert process.returncode is None
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


@pytest.fixture
async def building(network: Network) -> AsyncIterator[Network]:
    gateway = (sys.executable, "-m", "gateway", "demo-cameras", "1")
    users = ("--username", "viewer", "--password-env", "CAMERAS", "--host")
    async with contextlib.AsyncExitStack() as stack:
        for who, host in (("near", NEAR), ("far", FAR)):
            words = network.inside(who, *gateway[:4], "--cameras", "1", *users, host)
            await stack.enter_async_context(running(*words, ready=b"onvif"))
        quiet = network.inside("far", sys.executable, "-c", QUIET, SILENT)
        await stack.enter_async_context(running(*quiet, ready=b"ready"))
        yield network


async def survey(network: Network, folder: Path, *more: str) -> tuple[int, dict[str, Any], bytes]:
    words = network.inside(
        "gw", sys.executable, "-m", "gateway", "survey", "house", "--dir", str(folder), "--json",
        "--pictures", str(folder / "pictures"), *more,
    )  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        *words,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "CAMERAS": PASSWORD},
    )
    out, err = await asyncio.wait_for(process.communicate(), 100)
    assert out, err.decode()
    return process.returncode or 0, json.loads(out), out + err


def is_jpeg(path: str) -> bool:
    return Path(path).read_bytes().startswith(b"\xff\xd8")


async def test_cameras_are_found_wherever_they_are(building: Network, tmp_path: Path) -> None:
    (tmp_path / "house.yaml").write_text(SITE.format(interface="eth0"), encoding="utf-8")
    code, told, everything = await survey(building, tmp_path)
    seen = {one["address"]: one for one in told["sightings"]}
    assert set(seen) == {NEAR, FAR, SILENT, "10.77.2.9"}
    assert "multicast" in seen[NEAR]["heard"], "beside the gateway everybody is called"
    assert seen[FAR]["heard"] == ["directed"], "behind a router each is called by its address"
    assert seen[SILENT]["heard"] == ["tcp"], "without UDP a usual port tells"
    for host in (NEAR, FAR):
        assert seen[host]["verdict"]["playable"] == "everywhere"
        assert is_jpeg(seen[host]["picture"])
        assert seen[host]["credential"] == "env:CAMERAS"
    # The pretend cameras are twins by their making, and a survey says so.
    assert any("copied firmware" in alarm for alarm in seen[NEAR]["alarms"])
    assert seen[SILENT]["make"] == "Acme"
    assert seen["10.77.2.9"]["camera"] == "far"
    assert seen["10.77.2.9"]["failure"]["kind"] == "unreachable"
    assert code == 2
    assert PASSWORD.encode() not in everything
