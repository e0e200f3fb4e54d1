"""``python -m tests.ipvlan``: the first installation on ipvlan, in a small virtual machine.

Kernels of build machines often have no ipvlan, Debian's has. The machine is an initramfs with
Docker, the gateway and ``inside.py``, which does what ``docs/docker.md`` tells an administrator and
looks at the result; it runs under software emulation, without rights beyond debootstrap's. Exit 0
when everything was as it should be.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Final

from tests.peers.engine import CACHE, ROOT

_PACKAGES: Final = "python3,iproute2,iptables,kmod,docker.io,iputils-ping,ca-certificates"
_MODULES: Final = (
    "overlay ipvlan macvlan veth bridge br_netfilter iptable_nat iptable_filter ip6table_filter "
    "xt_MASQUERADE xt_conntrack xt_addrtype"
)
_VERDICT: Final = "everything is as it should be"
_BOOT_S: Final = 900
_INIT: Final = f"""#!/bin/sh
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
mkdir -p /dev/shm /dev/pts
mkdir -p /var/lib/docker
for place in /run /tmp /var/lib/docker /dev/shm; do mount -t tmpfs tmpfs $place; done
mount -t cgroup2 none /sys/fs/cgroup
for module in {_MODULES}; do modprobe $module; done
ip link set lo up
update-alternatives --set iptables /usr/sbin/iptables-legacy >/dev/null
export DOCKER_RAMDISK=true PYTHONPATH=/opt/app:/opt/wheels PYTHONDONTWRITEBYTECODE=1
dockerd >/tmp/dockerd.log 2>&1 &
python3 /opt/inside.py || tail -n 30 /tmp/*.log
echo o > /proc/sysrq-trigger
sleep 60
"""


def main() -> int:
    """Build the machine, run it, and return 0 when it says that all is well."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="cg-ipvlan-", dir=CACHE) as folder:
        work = Path(folder)
        kernel = _root(work)
        _pack(work)
        said = _boot(kernel, work / "vm.cpio")
    if _VERDICT not in said:
        print("the machine did not say that all is well")
        return 1
    return 0


def _root(work: Path) -> Path:
    """Make the root file system in ``work/root``; return the kernel."""
    root = work / "root"
    archive = CACHE / "ipvlan-root.tar"
    if archive.exists():
        root.mkdir()
        _run("tar", "-C", str(root), "-xf", str(archive))
    else:
        _run(
            *("debootstrap", "--variant=minbase", f"--include={_PACKAGES}"),
            *("bookworm", str(root), "http://deb.debian.org/debian"),
        )
        shutil.rmtree(root / "var/cache/apt/archives", ignore_errors=True)
        _run("tar", "-C", str(root), "-cf", str(archive), ".")
    kernel = _kernel(work, root)
    _install(root)
    return kernel


def _kernel(work: Path, root: Path) -> Path:
    meta = subprocess.run(
        ["apt-cache", "depends", "linux-image-cloud-amd64"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    found = re.search(r"Depends: (linux-image-\S+)", meta)
    assert found is not None, meta
    _run("apt-get", "download", "--quiet", found[1], cwd=work)
    (package,) = work.glob("linux-image-*.deb")
    _run("dpkg", "-x", str(package), str(work / "kernel"))
    # /lib is a symbolic link in the root, so the modules go where it points to.
    shutil.copytree(work / "kernel/lib/modules", root / "usr/lib/modules", dirs_exist_ok=True)
    (kernel,) = (work / "kernel/boot").glob("vmlinuz-*")
    _run("chroot", str(root), "/sbin/depmod", kernel.name.removeprefix("vmlinuz-"))
    return kernel


def _install(root: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    # Still pictures are not looked at here, and their library is the largest of all.
    wanted = [one for one in project["project"]["dependencies"] if not one.startswith("opencv")]
    _run(
        *(sys.executable, "-m", "pip", "install", "--quiet", "--prefer-binary", "--no-compile"),
        *("--target", str(root / "opt/wheels"), *wanted),
    )
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "gateway", root / "opt/app/gateway", ignore=ignore)
    shutil.copytree(ROOT / "web", root / "opt/app/web", ignore=ignore)
    shutil.copy(Path(__file__).with_name("inside.py"), root / "opt/inside.py")
    init = root / "init"
    init.write_text(_INIT, encoding="utf-8")
    init.chmod(0o755)


def _pack(work: Path) -> None:
    with (work / "vm.cpio").open("wb") as out:
        find = subprocess.Popen(
            ["find", ".", "-xdev", "-print0"], cwd=work / "root", stdout=subprocess.PIPE
        )
        subprocess.run(
            ["cpio", "--null", "--create", "--format=newc", "--quiet"],
            cwd=work / "root",
            stdin=find.stdout,
            stdout=out,
            check=True,
        )
        find.wait()


def _boot(kernel: Path, initramfs: Path) -> str:
    machine = subprocess.Popen(
        [
            *("qemu-system-x86_64", "-accel", "tcg,thread=multi", "-smp", "2", "-m", "6144"),
            *("-display", "none", "-serial", "stdio", "-no-reboot"),
            *("-kernel", str(kernel), "-initrd", str(initramfs)),
            *("-append", "console=ttyS0 panic=-1 quiet"),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        errors="replace",
    )
    said = []
    try:
        assert machine.stdout is not None
        for line in machine.stdout:
            said.append(line)
            print(line, end="", flush=True)
        machine.wait(_BOOT_S)
    finally:
        machine.kill()
        machine.wait()
    return "".join(said)


def _run(*command: str, cwd: Path | None = None) -> None:
    subprocess.run(command, check=True, cwd=cwd, stdout=subprocess.DEVNULL, env=os.environ)


if __name__ == "__main__":
    sys.exit(main())
