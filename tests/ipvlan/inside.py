"""What is tried inside the virtual machine: the article's addresses, our files, and a LAN.

192.168.23.0/24 with its router .1, DHCP up to .99 and media servers from .100 is the network of the
vendor's article on WCS in Docker. Its ``--ip-range 192.168.23.100/27`` is what Docker takes as
.96-.127; here the range is 192.168.23.112/28, which is what was meant. The LAN's other computers
are a namespace with two addresses: cameras, and somebody who watches.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.ipvlan.steps import DONE, Step

SITES = Path("/tmp/sites")  # noqa: S108  # a machine of its own
LOGS = Path("/tmp")  # noqa: S108  # the same
HOST, VIEWER, CAMERAS = "192.168.23.5", "192.168.23.10", "192.168.23.11"
COMPANY = """
listen: 0.0.0.0:8090
data_dir: /tmp/data
media_servers:
  runtime: docker
  image: camera-gateway-mediaserver:1
  network:
    driver: ipvlan
    parent: lan0
    subnet: 192.168.23.0/24
    gateway: 192.168.23.1
    ip_range: {ip_range}
    dhcp_range: 192.168.23.50-192.168.23.99
"""
SITE = """
name: {name}
viewing: {{access: public}}
cameras:
  - {{id: door, name: Door, rtsp: "rtsp://192.168.23.11:{port}/stream2"}}
"""
# Started by itself beforehand: an engine gives its own one 15 s, which emulation may not keep.
CONTAINERD = Path("/run/containerd/containerd.sock")
ENGINE = ["dockerd", "--containerd", str(CONTAINERD)]
GATEWAY = [sys.executable, "-m", "gateway"]
IN_LAN = ["ip", "netns", "exec", "client"]
MEDIA, CONTROL = "camera-gateway-media", "camera-gateway-control"


def done(step: Step) -> None:
    """Say that a step is as it should be."""
    print(f"{time.monotonic():6.0f} s ok: {step}", flush=True)


def shell(*command: str, within: float = 300) -> str:
    """Run a command to its end."""
    ran = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=within, cwd="/opt/app"
    )
    if ran.returncode:
        raise RuntimeError(f"{' '.join(command)}: {ran.stdout[-500:]}{ran.stderr[-500:]}")
    return ran.stdout


def until(condition: Callable[[], bool], what: str, within: float = 400) -> None:
    """Wait until something is true."""
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.5)


def works(*command: str) -> bool:
    """Tell whether a command succeeds."""
    return subprocess.run(command, check=False, capture_output=True, timeout=60).returncode == 0


@contextlib.contextmanager
def program(name: str, *command: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program for as long as the context lasts, its words in a file."""
    with (LOGS / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd="/opt/app")
    try:
        yield process
    finally:
        process.terminate()
        process.wait(60)


class Viewer:
    """Somebody in the LAN who watches the first house."""

    def __init__(self, cameras: subprocess.Popen[bytes]) -> None:
        self._cameras = cameras

    @property
    def seen(self) -> dict[str, Any]:
        """His last report."""
        lines = (LOGS / "viewer.log").read_text().splitlines()
        reports = [line for line in lines if line.startswith("{")]
        return dict(json.loads(reports[-1])) if reports else {"play": 0, "packets": 0}

    def more(self, packets: int = 40, *, new: bool = False) -> None:
        """Wait for further packets, of the same play or of a ``new`` one."""

        def first() -> bool:
            ended = self._cameras.poll()
            if ended is not None:
                raise RuntimeError(f"the cameras ended with {ended}")
            return bool(self.seen["play"])

        until(first, "the first packet")
        before = self.seen
        play, least = before["play"] + new, 0 if new else before["packets"]

        def came() -> bool:
            now = self.seen
            # Whoever waits for a new play may see it fail once or twice before.
            fits = now["play"] >= play if new else now["play"] == play
            return fits and now["packets"] >= least + packets

        until(came, f"{packets} packets after {before}, now {self.seen}")


def lan() -> None:
    """Lay the cable to the LAN's other computers."""
    shell("ip", "link", "add", "lan0", "type", "veth", "peer", "name", "lan0p")
    shell("ip", "netns", "add", "client")
    shell("ip", "link", "set", "lan0p", "netns", "client")
    shell("ip", "address", "add", f"{HOST}/24", "dev", "lan0")
    shell("ip", "link", "set", "lan0", "up")
    for address in (VIEWER, CAMERAS):
        shell("ip", "-n", "client", "address", "add", f"{address}/24", "dev", "lan0p")
    for device in ("lo", "lan0p"):
        shell("ip", "-n", "client", "link", "set", device, "up")


def image() -> None:
    """Make the media servers' image of this machine's own files: there is no registry."""
    home = "/usr/local/FlashphonerWebCallServer"
    for folder in ("conf", "run"):
        os.makedirs(f"{home}/{folder}", exist_ok=True)  # noqa: PTH103  # short is clear here
        os.chown(f"{home}/{folder}", 10001, 10001)
    os.chown(home, 10001, 10001)
    changes = [
        "USER 10001:10001",
        f"WORKDIR {home}",
        "ENV PYTHONPATH=/opt/app:/opt/wheels",
        "LABEL camera-gateway.media-server=embedded",
        f'ENTRYPOINT ["python3", "-m", "gateway.mediaserver", "--home", "{home}"]',
    ]
    parts = ["bin", "sbin", "lib", "lib64", "etc", "opt", "usr"]
    # Every megabyte is hashed under emulation.
    skip = ["usr/lib/modules", "usr/share", "usr/lib/x86_64-linux-gnu/perl*", "opt/app/web"]
    skip += ["usr/sbin/dockerd", "usr/sbin/runc", "usr/bin/docker*", "usr/bin/containerd*"]
    skip += ["usr/bin/ctr", "usr/bin/dnet", "usr/sbin/ovrouter", "usr/bin/perl*"]
    skip += ["usr/lib/x86_64-linux-gnu/gconv"]
    skip += ["opt/wheels/numpy*", "opt/wheels/lxml*"]
    tar = subprocess.Popen(
        ["tar", "-C", "/", *(f"--exclude={one}" for one in skip), "-c", *parts],
        stdout=subprocess.PIPE,
    )
    subprocess.run(
        [
            *("docker", "import", *(f"--change={one}" for one in changes)),
            *("-", "camera-gateway-mediaserver:1"),
        ],
        stdin=tar.stdout,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    tar.wait()


def write(number: int, camera: int) -> None:
    """Write a building's file."""
    text = SITE.format(name=f"House {number}", port=8600 + camera)
    (SITES / f"house-{number}.yaml").write_text(text)


def files() -> None:
    """Write the first two buildings' files and ask what is wrong with them."""
    SITES.mkdir()
    (SITES / "gateway.yaml").write_text(COMPANY.format(ip_range="192.168.23.100/27"))
    refused = subprocess.run(
        [*GATEWAY, "check", str(SITES)], check=False, capture_output=True, text=True
    )
    assert "Docker takes 192.168.23.96-192.168.23.127" in refused.stdout, refused
    done(Step.RANGE)
    (SITES / "gateway.yaml").write_text(COMPANY.format(ip_range="192.168.23.112/28"))
    for number in (1, 2):
        write(number, number - 1)
    doctor = json.loads(shell(*GATEWAY, "doctor", "--json", str(SITES)))
    bad = [one for one in doctor["checks"] if one["health"] == "fail"]
    assert doctor["fit"], bad
    done(Step.DOCTOR)


def leg(site: str, network: str) -> str:
    """Return a container's address in a network."""
    text = shell("docker", "inspect", f"camera-gateway-{site}")
    return str(json.loads(text)[0]["NetworkSettings"]["Networks"][network]["IPAddress"])


def started(site: str) -> str:
    """Return when a container was started; empty while there is none."""
    ran = subprocess.run(
        ["docker", "inspect", "--format={{.State.StartedAt}}", f"camera-gateway-{site}"],
        check=False,
        capture_output=True,
        text=True,
    )
    return ran.stdout.strip() if ran.returncode == 0 else ""


def open_ports(address: str, *where: str) -> list[int]:
    """Return which of the ports that matter answer a connection."""
    code = (
        "import socket, sys\n"
        "for port in (22, 1935, 2001, 8080, 8081, 8084, 8443, 8444, 31001, 31002):\n"
        "    with socket.socket() as sock:\n"
        "        sock.settimeout(2)\n"
        "        if sock.connect_ex((sys.argv[1], port)) == 0: print(port)\n"
    )
    return [int(one) for one in shell(*where, sys.executable, "-S", "-c", code, address).split()]


def look() -> None:
    """See that two buildings have their addresses, and who reaches what."""
    until(lambda: bool(started("house-1") and started("house-2")), "two containers")
    addresses = sorted(leg(site, MEDIA) for site in ("house-1", "house-2"))
    assert addresses == ["192.168.23.112", "192.168.23.113"], addresses
    done(Step.ADDRESSES)
    control = leg("house-1", CONTROL)
    until(lambda: open_ports(control) == [8080, 8081], "the control ports, from the host")
    done(Step.MANAGEMENT)
    address = leg("house-1", MEDIA)
    assert not works("ping", "-c1", "-W2", address)
    done(Step.ISOLATION)
    found = open_ports(address, *IN_LAN)
    assert found == [31001], found
    assert open_ports(control, *IN_LAN) == []
    done(Step.CLOSED)


def change(viewer: Viewer) -> None:
    """Add a building and remove another one while the first plays."""
    viewer.more()
    done(Step.PLAYS)
    write(3, 0)
    until(lambda: bool(started("house-3")), "a third container")
    (SITES / "house-2.yaml").unlink()
    until(lambda: not started("house-2"), "the second container's end")
    viewer.more()
    assert viewer.seen["missing"] == 0, viewer.seen
    assert viewer.seen["play"] == 1, viewer.seen
    done(Step.CHANGE)


def serve() -> contextlib.AbstractContextManager[subprocess.Popen[bytes]]:
    """Run the gateway."""
    return program("gateway", *GATEWAY, "serve", str(SITES))


def ready() -> bool:
    """Tell whether the gateway has looked at each building."""
    try:
        with urllib.request.urlopen(f"http://{HOST}:8090/readyz", timeout=20) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def die(viewer: Viewer, gateway: subprocess.Popen[bytes], engine: subprocess.Popen[bytes]) -> None:
    """Kill one after the other; both programs are ended and left so."""
    shell("docker", "kill", "--signal=KILL", "camera-gateway-house-1")
    viewer.more(new=True)
    done(Step.CONTAINER)
    run = started("house-1")
    gateway.kill()
    gateway.wait(60)
    viewer.more()
    with serve():
        until(ready, "the gateway again")
        viewer.more()
        assert viewer.seen["missing"] == 0, viewer.seen
        assert started("house-1") == run
        done(Step.GATEWAY)
        engine.send_signal(signal.SIGTERM)
        engine.wait(60)
        with program("dockerd", *ENGINE):
            viewer.more(new=True)
            until(lambda: open_ports(leg("house-1", MEDIA), *IN_LAN) == [31001], "closed again")
            done(Step.ENGINE)


def main() -> None:
    """Do everything in the order in which an administrator does it."""
    whep = f"http://{HOST}:8090/whep/house-1/door"
    cameras = [*GATEWAY, "demo-cameras", "--cameras", "2", "--host", CAMERAS, "--port", "8600"]
    watch = [sys.executable, "-m", "tests.ipvlan.viewer", whep, VIEWER]
    until(CONTAINERD.exists, "containerd")
    with program("dockerd", *ENGINE) as engine:
        until(lambda: works("docker", "version"), "the engine")
        done(Step.BOOT)
        lan()
        image()
        done(Step.IMAGE)
        files()
        with program("cameras", *IN_LAN, *cameras) as lens, serve() as gateway:
            look()
            with program("viewer", *IN_LAN, *watch):
                viewer = Viewer(lens)
                change(viewer)
                die(viewer, gateway, engine)
    print(DONE, flush=True)


if __name__ == "__main__":
    main()
