"""What is tried inside the virtual machine: the article's addresses, our files, and a LAN client.

192.168.23.0/24 with its router .1, DHCP up to .99 and media servers from .100 is the network of the
vendor's article on WCS in Docker. Its ``--ip-range 192.168.23.100/27`` is what Docker takes as
.96-.127; here the range is 192.168.23.112/28, which is what was meant.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

SITES = Path("/tmp/sites")  # noqa: S108  # a machine of its own
COMPANY = """
listen: 127.0.0.1:8090
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
GATEWAY = [sys.executable, "-m", "gateway"]
IN_LAN = ["ip", "netns", "exec", "client"]


def shell(*command: str, within: float = 300) -> str:
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=within, cwd="/opt/app"
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stdout[-500:]}{done.stderr[-500:]}")
    return done.stdout


def until(condition: Callable[[], bool], what: str, within: float = 300) -> None:
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.5)
    print(f"ok: {what}", flush=True)


def works(*command: str) -> bool:
    return subprocess.run(command, check=False, capture_output=True, timeout=60).returncode == 0


def answers(url: str, *where: str) -> bool:
    code = (
        "import sys, urllib.request, urllib.error\n"
        "try: urllib.request.urlopen(sys.argv[1], timeout=5)\n"
        "except urllib.error.HTTPError: pass\n"
        "except OSError: sys.exit(1)\n"
    )
    return works(*where, sys.executable, "-S", "-c", code, url)


def lan() -> None:
    shell("ip", "link", "add", "lan0", "type", "veth", "peer", "name", "lan0p")
    shell("ip", "netns", "add", "client")
    shell("ip", "link", "set", "lan0p", "netns", "client")
    shell("ip", "address", "add", "192.168.23.5/24", "dev", "lan0")
    shell("ip", "link", "set", "lan0", "up")
    shell("ip", "-n", "client", "address", "add", "192.168.23.10/24", "dev", "lan0p")
    shell("ip", "-n", "client", "link", "set", "lan0p", "up")


def image() -> None:
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
    skip = ["usr/lib/modules", "usr/sbin/dockerd", "usr/bin/docker*", "usr/bin/containerd*"]
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


def files() -> None:
    SITES.mkdir()
    (SITES / "gateway.yaml").write_text(COMPANY.format(ip_range="192.168.23.100/27"))
    refused = subprocess.run(
        [*GATEWAY, "check", str(SITES)], check=False, capture_output=True, text=True
    )
    assert "Docker takes 192.168.23.96-192.168.23.127" in refused.stdout, refused
    print("ok: the article's range is refused with what Docker makes of it", flush=True)
    (SITES / "gateway.yaml").write_text(COMPANY.format(ip_range="192.168.23.112/28"))
    for number in (1, 2):
        (SITES / f"house-{number}.yaml").write_text(f"name: House {number}\n")
    doctor = json.loads(shell(*GATEWAY, "doctor", "--json", str(SITES)))
    bad = [one for one in doctor["checks"] if one["health"] == "fail"]
    assert doctor["fit"], bad
    print("ok: the doctor is content", flush=True)


def leg(site: str, network: str) -> str:
    text = shell("docker", "inspect", f"camera-gateway-{site}")
    return str(json.loads(text)[0]["NetworkSettings"]["Networks"][network]["IPAddress"])


def look() -> None:
    for number, site in enumerate(("house-1", "house-2")):
        until(
            lambda: works("docker", "inspect", f"camera-gateway-{site}"),  # noqa: B023  # called in this turn
            f"{site} has a container",
        )
        until(
            lambda: bool(leg(site, "camera-gateway-control")),  # noqa: B023  # called in this turn
            f"{site} has started",
        )
        control = f"http://{leg(site, 'camera-gateway-control')}:8081/?action=stat"
        until(lambda: answers(control), f"{site}: the Docker host reaches its control port")  # noqa: B023  # called in this turn
        address = leg(site, "camera-gateway-media")
        assert address == f"192.168.23.{112 + number}", address
        until(
            lambda: works(*IN_LAN, "ping", "-c1", "-W2", address),  # noqa: B023  # called in this turn
            f"{site}: the LAN reaches {address}",
        )
        assert not works("ping", "-c1", "-W2", address)
        print(f"ok: {site}: the Docker host does not reach {address}, as ipvlan has it")
        for port in (8080, 8081):
            assert not answers(f"http://{address}:{port}/", *IN_LAN)
            assert not answers(control, *IN_LAN)
        print(f"ok: {site}: the LAN reaches no control port", flush=True)
    rules = shell(
        *("docker", "run", "--rm", "--net=container:camera-gateway-house-1", "--user=0"),
        "--env=XTABLES_LOCKFILE=/dev/shm/lock",
        *("--cap-add=NET_ADMIN", "--entrypoint=iptables", "camera-gateway-mediaserver:1"),
        *("-S", "INPUT"),
    )
    assert "-P INPUT DROP" in rules, rules
    print("ok: the packet filter is set inside", flush=True)


def main() -> None:
    until(lambda: works("docker", "version"), "the engine answers")
    lan()
    image()
    print("ok: the image is made", flush=True)
    files()
    with Path("/tmp/gateway.log").open("wb") as log:  # noqa: S108  # a machine of its own
        gateway = subprocess.Popen(
            [*GATEWAY, "serve", str(SITES)], stdout=log, stderr=log, cwd="/opt/app"
        )
    try:
        look()
    finally:
        gateway.terminate()
        gateway.wait(60)
    print("everything is as it should be", flush=True)


main()
