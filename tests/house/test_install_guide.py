"""docs/install.md on a Debian 12 that has nothing but Python: every command as it is written."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers import engine as peer

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs/install.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"<!-- tried: ([a-z ]+) -->\n```console\n(.+?)```", re.DOTALL)
SHIPPED = ("pyproject.toml", "README.md", "LICENSE", "gateway", "web", "sites", "docs")
# A chroot has no init and its base system is there already; nothing else is taken out.
NOT_IN_A_CHROOT = re.compile(r"^(apt-get|systemctl|journalctl|gateway healthy) ")
BEGIN = """
su -s /bin/sh camera-gateway -c 'cd /var/lib/camera-gateway && CAMERAS_LENINA_12=secret exec \\
  /opt/camera-gateway/venv/bin/gateway serve /etc/camera-gateway' >/tmp/serve.log 2>&1 &
for attempt in $(seq 60); do
  gateway healthy /etc/camera-gateway && break
  [ "$attempt" -lt 60 ] || { cat /tmp/serve.log; exit 1; }
  sleep 1
done
grep -q 'the gateway serves' /tmp/serve.log
"""
END = "kill %%; wait %% || true"

pytestmark = [pytest.mark.slow, pytest.mark.netns, pytest.mark.timeout(600)]


def commands(block: str) -> list[str]:
    lines = dict(BLOCK.findall(GUIDE))[block].splitlines()
    assert all(line.startswith("# ") for line in lines), block
    return [line.removeprefix("# ") for line in lines]


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Path]:
    """Return a Debian 12 with a checkout and the locked libraries in the place of an index."""
    if os.geteuid() != 0 or not shutil.which("debootstrap"):
        pytest.skip("a Debian of its own needs root and debootstrap")
    root = tmp_path / "debian"
    root.mkdir()
    peer.unpack_base(root)
    for name in SHIPPED:
        target = root / "root/checkout" / name
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target)
    shutil.copytree(peer.wheels(), root / "wheels")
    yield root
    shutil.rmtree(root)


def test_the_guide_is_right(machine: Path) -> None:
    script = ["set -eux", "cd /root/checkout", "ip link set lo up"]
    for block in ("packages", "gateway", "first steps", "service"):
        script += [one for one in commands(block) if not NOT_IN_A_CHROOT.match(one)]
    script += [BEGIN, END]
    script += [one for one in commands("upgrade") if not NOT_IN_A_CHROOT.match(one)]
    script.append(BEGIN)
    for one in commands("removal"):
        script.append(END if one.startswith("systemctl disable --now ") else one)
    script.append("! ls /opt/camera-gateway /etc/camera-gateway /var/lib/camera-gateway")
    inside = machine / "root/guide.sh"
    inside.write_text("\n".join(script), encoding="utf-8")
    mounts = f"mount -t proc proc {machine}/proc && mount --bind /dev {machine}/dev"
    done = subprocess.run(
        [
            *("unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "sh", "-c"),
            f"{mounts} && exec chroot {machine} bash /root/guide.sh",
        ],
        env={
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": "/wheels",
            "HOME": "/root",
            "LANG": "C.UTF-8",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=550,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-5000:]
    assert "1 site with 2 cameras, nothing is wrong" in done.stdout
    assert "version 1, nothing to upgrade" in done.stdout
