"""The commands of README.md and docs/install.md, and what runs them in a root of their own."""

import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
SHIPPED: Final = ("pyproject.toml", "README.md", "LICENSE", "gateway", "web", "sites", "docs")
# A chroot has no init; whether the gateway is healthy is asked when it has been started by hand.
NO_INIT: Final = r"systemctl|journalctl|gateway healthy"
BEGIN: Final = """
su -s /bin/sh camera-gateway -c 'cd /var/lib/camera-gateway && CAMERAS_LENINA_12=secret exec \\
  /opt/camera-gateway/venv/bin/gateway serve /etc/camera-gateway' >/tmp/serve.log 2>&1 &
for attempt in $(seq 60); do
  gateway healthy /etc/camera-gateway && break
  [ "$attempt" -lt 60 ] || { cat /tmp/serve.log; exit 1; }
  sleep 1
done
grep -q 'the gateway serves' /tmp/serve.log
"""
END: Final = "kill %%; wait %% || true"
GONE: Final = """
for folder in /opt/camera-gateway /etc/camera-gateway /var/lib/camera-gateway; do
  [ ! -e $folder ]
done
"""
_BLOCK: Final = re.compile(r"<!-- tried: ([a-z ]+) -->\n```console\n(.+?)```", re.DOTALL)


def commands(block: str, without: str = NO_INIT, *, page: str = "docs/install.md") -> list[str]:
    """Return the commands of a block of a page, but those that begin with ``without``."""
    text = (ROOT / page).read_text(encoding="utf-8")
    every: list[str] = []
    for line in dict(_BLOCK.findall(text))[block].splitlines():
        if every and every[-1].endswith("\\"):
            every[-1] += f"\n{line}"
        else:
            assert line.startswith(("# ", "$ ")), line
            every.append(line[2:])
    return [one for one in every if not re.match(f"({without})( |$)", one)]


def removal() -> list[str]:
    """Return the commands that take the gateway away; it is ended where the service would be."""
    ended = "systemctl disable --now "
    return [END if one.startswith(ended) else one for one in commands("removal", "nothing")]


def check_out(root: Path) -> None:
    """Put what is shipped into ``/root/checkout`` of a root."""
    for name in SHIPPED:
        target = root / "root/checkout" / name
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target)


def run(
    root: Path,
    script: Sequence[str],
    environment: Mapping[str, str],
    *,
    network: bool,
    within: float = 550,
    kept: Mapping[Path, str] | None = None,
) -> str:
    """Run commands in the checkout of a root and return what they print.

    Processes that are left over end with them. Without ``network`` there is the loopback address
    alone. ``kept`` are folders of this machine, with the place in the root where they are seen.
    Raises AssertionError with the last lines when one of the commands fails.
    """
    text = "\n".join(["set -eux", "cd /root/checkout", *script])
    (root / "root/guide.sh").write_text(text, encoding="utf-8")
    mounts = "" if network else "ip link set lo up && "
    mounts += f"mount -t proc proc {root}/proc && mount --rbind /dev {root}/dev"
    for folder, seen in (kept or {}).items():
        (root / seen).mkdir(parents=True, exist_ok=True)
        mounts += f" && mount --bind {folder} {root / seen}"
    done = subprocess.run(
        [
            *("unshare", "--mount", "--pid", "--fork", "--kill-child"),
            *([] if network else ["--net"]),
            *("sh", "-c", f"{mounts} && exec chroot {root} bash /root/guide.sh"),
        ],
        env={
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": "/root",
            "LANG": "C.UTF-8",
            **environment,
        },
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        timeout=within,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-5000:]
    return done.stdout
