"""Checks of this machine: kernel, network interface, ports, clock, limits. Nothing is changed."""

import ctypes
import fcntl
import gzip
import ipaddress
import os
import platform
import resource
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from gateway.model.company import NetworkDriver, RuntimeKind, Settings
from gateway.runtime.doctor import Finding, fail, ok, warn
from gateway.runtime.network import LAN_DRIVERS

_SOL_UDP: Final = 17
_UDP_SEGMENT: Final = 103
_UNSYNCHRONISED: Final = 5
_TIMEX_BYTES: Final = 512
_OPEN_FILES: Final = 4096
_BUFFER: Final = 200_000
_SIOCGIFADDR: Final = 0x8915
_SIOCGIFNETMASK: Final = 0x891B
_IFF_UP: Final = 1
_SHARED_PORTS: Final = (NetworkDriver.HOST, NetworkDriver.BRIDGE)


def machine(settings: Settings) -> Iterator[Finding]:
    """Yield what is found on this machine; ``settings`` say what it is to be used for."""
    servers = settings.media_servers
    containers = servers.runtime is not RuntimeKind.PROCESS
    # Of engines, only those of this machine can be looked at from here.
    here = [engine.network for engine in servers.engines if engine.host is None and engine.enabled]
    own = servers.engine_of(None)
    if own is not None and own.host is None and own not in servers.engines and not here:
        here = [servers.network]
    for network in here if containers else ():
        if network.driver in LAN_DRIVERS:
            yield _driver(str(network.driver))
            if servers.runtime is not RuntimeKind.SWARM:  # its interfaces are those of other nodes
                yield _parent(network.parent or "", network.subnet)
    yield _listen(settings.listen_host, settings.listen_port)
    if not containers or any(network.driver in _SHARED_PORTS for network in here):
        yield _media_ports(*servers.media_ports)
    yield _clock()
    yield _open_files()
    yield _buffers()
    yield _segmentation()


def _driver(name: str) -> Finding:
    release = platform.release()
    modules = Path("/lib/modules") / release
    known = [Path(f"/sys/module/{name}").exists()]
    for listing in ("modules.builtin", "modules.dep"):
        try:
            known.append(f"/{name}.ko" in (modules / listing).read_text(encoding="utf-8"))
        except OSError:
            continue
    try:
        with gzip.open("/proc/config.gz", "rt", encoding="ascii") as config:
            wanted = (f"CONFIG_{name.upper()}=y", f"CONFIG_{name.upper()}=m")
            known.append(any(line.strip() in wanted for line in config))
    except (OSError, EOFError):
        pass  # a kernel that does not show what it is made of
    if any(known):
        return ok("kernel", f"{release} has {name}")
    if len(known) > 1:
        return fail(
            "kernel",
            f"{release} has no {name}",
            f"install the distribution's usual kernel, or write another driver than {name}",
        )
    return warn(
        "kernel",
        f"whether {release} has {name} cannot be told: {modules} is not there",
        f"try: ip link add link lo name try0 type {name}",
    )


def _parent(name: str, subnet: str | None) -> Finding:
    base = Path("/sys/class/net")
    if not (base / name).exists():
        below = name.rpartition(".")[0]
        if below and (base / below).exists():
            return ok("parent", f"the engine makes {name} on {below} (VLAN)")
        there = ", ".join(sorted(path.name for path in base.iterdir() if path.name != "lo"))
        return fail(
            "parent",
            f"there is no interface {name}",
            f"write media_servers.network.parent, one of: {there}",
        )
    flags = int((base / name / "flags").read_text(encoding="ascii"), 16)
    if not flags & _IFF_UP or (base / name / "operstate").read_text().strip() == "down":
        return fail("parent", f"{name} is down", f"ip link set {name} up; check its cable")
    own = _address(name)
    if subnet is not None and (own is None or own not in ipaddress.ip_network(subnet)):
        return warn(
            "parent",
            f"{name} is up, but this machine has no address of {subnet} on it ({own or 'none'})",
            "check that it is the interface of the media servers' network",
        )
    return ok("parent", f"{name} is up, this machine is {own} there")


def _address(interface: str) -> ipaddress.IPv4Address | None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            answer = fcntl.ioctl(sock, _SIOCGIFADDR, struct.pack("256s", interface.encode()[:15]))
        except OSError:
            return None
    return ipaddress.IPv4Address(answer[20:24])


def _listen(host: str, port: int) -> Finding:
    try:
        info = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(info[0], socket.SOCK_STREAM) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(info[4])
    except OSError as error:
        return warn(
            "listen",
            f"{host}:{port} cannot be listened on now: {error.strerror}",
            "fine if it is the gateway that runs; else write another listen",
        )
    return ok("listen", f"{host}:{port} is free")


def _media_ports(first: int, last: int) -> Finding:
    taken = [port for port in range(first, last + 1) if not _free(port)]
    count = last - first + 1
    if len(taken) == count:
        return fail("media ports", f"{first}-{last} are all in use", "write other media_ports")
    if taken:
        few = ", ".join(str(port) for port in taken[:5])
        return warn(
            "media ports",
            f"{len(taken)} of {first}-{last} are in use ({few})",
            "fine if media servers run; else end what uses them",
        )
    return ok("media ports", f"{first}-{last} are free")


def _free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.bind(("", port))
        except OSError:
            return False
    return True


def _clock() -> Finding:
    # adjtimex(2) with no mode set only tells; 5 is TIME_ERROR, a clock that nobody keeps right.
    state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    if state == _UNSYNCHRONISED:
        return warn(
            "clock",
            "this machine's clock is not kept in time",
            "timedatectl set-ntp true; cameras and tickets compare times",
        )
    if state < 0:
        return warn("clock", "the kernel does not tell whether it is in time", "timedatectl status")
    return ok("clock", "kept in time")


def _open_files() -> Finding:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < _OPEN_FILES:
        return warn(
            "open files",
            f"a process may open {hard} files, each viewer needs one",
            f"LimitNOFILE={_OPEN_FILES} or more in the service's unit",
        )
    return ok("open files", f"{'unlimited' if hard == resource.RLIM_INFINITY else hard}")


def _buffers() -> Finding:
    sizes = {}
    for name in ("rmem_default", "wmem_default"):
        try:
            sizes[name] = int(Path(f"/proc/sys/net/core/{name}").read_text(encoding="ascii"))
        except OSError:
            return ok("socket buffers", "the kernel does not tell their size here")
    small = [f"net.core.{name}=212992" for name, size in sizes.items() if size < _BUFFER]
    if small:
        return warn(
            "socket buffers",
            f"smaller than Linux's default: {sizes}",
            f"sysctl -w {' '.join(small)}",
        )
    return ok("socket buffers", f"{sizes['rmem_default']} bytes to receive")


def _segmentation() -> Finding:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.setsockopt(_SOL_UDP, _UDP_SEGMENT, 1200)
        except OSError as error:
            return warn(
                "UDP segmentation",
                f"the kernel has none: {os.strerror(error.errno or 0)}",
                "Linux 4.18 or newer sends many packets with one call; without it video costs more",
            )
    return ok("UDP segmentation", "the kernel has it")
