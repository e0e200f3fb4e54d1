"""A small virtual machine with a kernel that has ipvlan: made from packages, started, listened to.

Kernels of build machines often have no ipvlan, Debian's has. The machine is an initramfs with
Docker, the gateway, two cameras' pictures and ``inside.py``, and runs under software emulation, so
nothing is needed but qemu. What seldom changes (Debian, the kernel, Python packages) is packed once
and kept under ``~/.cache/camera-gateway-tests``; an initramfs may be several archives in a row.
"""

import contextlib
import functools
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from gateway.demo import encode
from gateway.demo.building import _view
from tests.peers.engine import CACHE, ROOT, _key

CAMERAS: Final = 2
_PACKAGES: Final = "python3,iproute2,iptables,kmod,docker.io,iputils-ping,ca-certificates"
_MODULES: Final = (
    "overlay ipvlan macvlan veth bridge br_netfilter iptable_nat iptable_filter ip6table_filter "
    "xt_MASQUERADE xt_conntrack xt_addrtype"
)
_MODULE_FOLDERS: Final = ("net", "drivers/net", "fs/overlayfs", "lib", "crypto", "arch")
_UNREAD: Final = ("usr/share/doc", "usr/share/man", "usr/share/locale", "var/lib/apt/lists")
_SOURCES: Final = (
    "gateway",
    "web",
    "tests/ipvlan",
    "tests/rooms/mediaserver/fanout/lean.py",
)
_TOOLS: Final = ("debootstrap", "qemu-system-x86_64", "cpio", "dpkg", "apt-get")
_RUN_S: Final = 1200
_INIT: Final = f"""#!/bin/sh
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 HOME=/root
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
mkdir -p /dev/shm /dev/pts
mkdir -p /var/lib/docker
for place in /run /tmp /var/lib/docker /dev/shm; do mount -t tmpfs tmpfs $place; done
mount -t cgroup2 none /sys/fs/cgroup
for module in {_MODULES}; do modprobe $module; done
ip link set lo up
update-alternatives --set iptables /usr/sbin/iptables-legacy >/dev/null
export DOCKER_RAMDISK=true PYTHONPATH=/opt/app:/opt/wheels
containerd >/tmp/containerd.log 2>&1 &
python3 -m tests.ipvlan.inside || tail -n 30 /tmp/*.log
echo o > /proc/sysrq-trigger
sleep 60
"""


def missing() -> str:
    """Return why the machine cannot be made here, or an empty text."""
    if os.geteuid() != 0:
        return "the machine's root file system is made by debootstrap, as root"
    tools = [name for name in _TOOLS if not shutil.which(name)]
    return f"not installed, and not installable: {', '.join(tools)}" if tools else ""


def run() -> str:
    """Make the machine, run it until it is off, and return what it said (kept in ``tests/out``).

    Raises RuntimeError when it does not end within twenty minutes.
    """
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="cg-ipvlan-", dir=CACHE) as folder:
        work = Path(folder)
        kernel, debian = _debian(work)
        packages = _packages(work)
        _app(work)
        with (work / "vm.cpio").open("wb") as whole:
            for part in (debian, packages, work / "app.cpio"):
                with part.open("rb") as source:
                    shutil.copyfileobj(source, whole, 1 << 22)
        log = ROOT / "tests/out/ipvlan-console.log"
        log.parent.mkdir(exist_ok=True)
        command = [
            *("qemu-system-x86_64", "-accel", "tcg,thread=multi", "-smp", "2", "-m", "4096"),
            # The plain one has no SSE4: numpy ends there by an illegal instruction.
            *("-cpu", "max"),
            *("-display", "none", "-monitor", "none", "-serial", f"file:{log}", "-no-reboot"),
            *("-kernel", str(kernel), "-initrd", str(work / "vm.cpio")),
            *("-append", "console=ttyS0 panic=-1 quiet"),
        ]
        try:
            subprocess.run(command, check=True, stdin=subprocess.DEVNULL, timeout=_RUN_S)
        except subprocess.TimeoutExpired as error:
            said = log.read_text(errors="replace")[-3000:]
            raise RuntimeError(f"the machine did not end within {_RUN_S} s: {said}") from error
        return log.read_text(errors="replace").replace("\r", "")


def _debian(work: Path) -> tuple[Path, Path]:
    """Return the kernel and the archive of Debian with its modules; a minute when missing."""
    package = _kernel_package()
    key = _key(package, _PACKAGES, *_MODULE_FOLDERS, *_UNREAD)
    kernel, archive = CACHE / f"ipvlan-{key}.vmlinuz", CACHE / f"ipvlan-{key}.cpio"
    if not archive.exists():
        _forget("ipvlan-*")
        root = work / "root"
        _run(
            *("debootstrap", "--variant=minbase", f"--include={_PACKAGES}"),
            *("bookworm", str(root), "http://deb.debian.org/debian"),
        )
        shutil.move(_add_kernel(work, root, package), kernel)
        for name in ("var/cache/apt/archives", *_UNREAD):
            shutil.rmtree(root / name, ignore_errors=True)
        _pack(root, work / "debian.cpio")
        (work / "debian.cpio").rename(archive)
    return kernel, archive


def _packages(work: Path) -> Path:
    """Return the archive of the Python packages."""
    wanted = _dependencies()
    archive = CACHE / f"vm-wheels-{_key(*wanted)}.cpio"
    if not archive.exists():
        _forget("vm-wheels-*")
        target = work / "wheels/opt/wheels"
        # Compiled by pip: under emulation it would take longer than all else.
        _run(
            *(sys.executable, "-m", "pip", "install", "--quiet", "--prefer-binary", "--compile"),
            *("--target", str(target), *wanted),
        )
        _pack(work / "wheels", work / "wheels.cpio")
        (work / "wheels.cpio").rename(archive)
    return archive


def _forget(pattern: str) -> None:
    for old in CACHE.glob(pattern):
        old.unlink()


def _dependencies() -> Sequence[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    # Still pictures are not looked at here, and their library is the largest of all.
    mine = [one for one in project["project"]["dependencies"] if not one.startswith("opencv")]
    return [*mine, "numpy"]


def _kernel_package() -> str:
    meta = _run("apt-cache", "depends", "linux-image-cloud-amd64")
    found = re.search(r"Depends: (linux-image-\S+)", meta)
    if found is None:
        raise RuntimeError(f"this Debian knows no kernel for virtual machines: {meta}")
    return found[1]


def _add_kernel(work: Path, root: Path, package: str) -> Path:
    """Unpack the modules that are needed into ``root``; return the kernel."""
    _run("apt-get", "-o", "APT::Sandbox::User=root", "download", "--quiet", package, cwd=work)
    (downloaded,) = work.glob("linux-image-*.deb")
    _run("dpkg", "-x", str(downloaded), str(work / "kernel"))
    (kernel,) = (work / "kernel/boot").glob("vmlinuz-*")
    release = kernel.name.removeprefix("vmlinuz-")
    source = work / "kernel/lib/modules" / release
    # /lib is a symbolic link in the root, so the modules go where it points to.
    target = root / "usr/lib/modules" / release
    for name in _MODULE_FOLDERS:
        if (source / "kernel" / name).exists():
            shutil.copytree(source / "kernel" / name, target / "kernel" / name)
    for listing in source.glob("modules.*"):
        shutil.copy(listing, target)
    _run("chroot", str(root), "/sbin/depmod", release)
    return kernel


def _app(work: Path) -> None:
    """Pack what changes with each commit into ``app.cpio``, the cameras' pictures among it."""
    root = work / "app"
    app = root / "opt/app"
    ignore = shutil.ignore_patterns("__pycache__")
    for name in _SOURCES:
        source, target = ROOT / name, app / name
        target.parent.mkdir(parents=True, exist_ok=True)
        copy = functools.partial(shutil.copytree, ignore=ignore) if source.is_dir() else shutil.copy
        copy(source, target)
    # As with the packages; what a file says counts, since its time changes on the way.
    _run(
        *(sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"),
        *("-s", str(root), str(app)),
    )
    kept = CACHE / "clips"
    for number in range(CAMERAS):
        encode.clips(
            _view(number),
            second=0,
            ready=lambda _clips: None,
            stop=threading.Event(),
            cache=kept,
        )
    shutil.copytree(kept, root / "root/.cache/camera-gateway/demo")
    init = root / "init"
    init.write_text(_INIT, encoding="utf-8")
    init.chmod(0o755)
    _pack(root, work / "app.cpio")


def _pack(root: Path, archive: Path) -> None:
    with archive.open("wb") as out, contextlib.ExitStack() as stack:
        find = stack.enter_context(
            subprocess.Popen(["find", ".", "-xdev", "-print0"], cwd=root, stdout=subprocess.PIPE)
        )
        subprocess.run(
            ["cpio", "--null", "--create", "--format=newc", "--quiet"],
            cwd=root,
            stdin=find.stdout,
            stdout=out,
            check=True,
        )


def _run(*command: str, cwd: Path | None = None) -> str:
    done = subprocess.run(
        command, check=False, cwd=cwd, capture_output=True, text=True, errors="replace", timeout=900
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stdout[-800:]}{done.stderr[-800:]}")
    return done.stdout
